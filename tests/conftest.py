"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# Tests assert values, never times: these machines are shared, and a slow moment is no failure.
# A commit is green or it is not: the suite draws the same examples each time. `make wander` draws new ones.
settings.register_profile("deepsalt", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("wander", deadline=None, max_examples=250, print_blob=True)
settings.load_profile("deepsalt")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data kept beside the project; tests that use it carry the marker `real_data`."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data are not beside this checkout (looked for {SHARED_DATA.parent.name}/data)")
    return SHARED_DATA
