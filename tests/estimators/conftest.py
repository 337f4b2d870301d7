"""One model on the toy land, shared by the tests of the estimators."""

from __future__ import annotations

import pytest
from tests.estimators.toy_land import FAST, pixels, soils

from deepsalt.estimators import DeepSaltRegressor


@pytest.fixture(scope="session")
def fitted() -> DeepSaltRegressor:
    return DeepSaltRegressor(FAST, seed=3).fit(soils(300, 0), pixels(60, 1), pixels(80, 2))
