"""A box of ground, and what varies over it, for the tests of what is told by place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from deepsalt.estimators.sites import Sites
from deepsalt.pairing import EARTH_RADIUS_M

DEGREE_M = np.radians(1.0) * EARTH_RADIUS_M
BOX_M = 3_000.0


def at(north_m: Any, east_m: Any) -> pd.DataFrame:
    """Places about 0 N 10 E."""
    north, east = np.asarray(north_m, float), np.asarray(east_m, float)
    return pd.DataFrame({"latitude": north / DEGREE_M, "longitude": 10 + east / DEGREE_M})


def scattered(n: int, seed: int) -> pd.DataFrame:
    return at(*np.random.default_rng(seed).uniform(0, BOX_M, (2, n)))


def hidden(table: pd.DataFrame) -> np.ndarray:
    """(row,) what no spectrum shows, ln(1+ECe): three waves over the box."""
    return 0.6 * np.sin(2 * np.pi * 1.5 * table["latitude"].to_numpy() * DEGREE_M / BOX_M)


def sites_at(table: pd.DataFrame, label: Any, error: Any = 0.0) -> Sites:
    everywhere = np.ones(len(table), bool)
    return Sites.of(table, label, np.broadcast_to(error, len(table)), everywhere, stated=False)
