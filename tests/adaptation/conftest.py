"""The shifted field that most tests of adaptations share."""

from __future__ import annotations

import pytest
from tests.adaptation.shifted import Toy, make_toy


@pytest.fixture(scope="session")
def toy() -> Toy:
    return make_toy()
