"""Numbers in the cells of tables."""

from __future__ import annotations

import math


def short(value: float | None) -> str:
    """Three decimals; "-" where there is no number."""
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"
