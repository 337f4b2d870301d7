"""One small world, shared by the tests of this folder."""

from __future__ import annotations

import pytest

from deepsalt.simulate import World, WorldSettings, simulate_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return simulate_world(tmp_path_factory.mktemp("simulated") / "world", WorldSettings.small())
