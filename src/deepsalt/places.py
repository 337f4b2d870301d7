"""Distances between places on Earth. Positions are degrees WGS84, latitude first and always named."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Mean radius of the Earth, m (IUGG).
EARTH_RADIUS_M = 6_371_008.8


def great_circle_m(
    latitude: ArrayLike, longitude: ArrayLike, other_latitude: ArrayLike, other_longitude: ArrayLike
) -> NDArray[np.float64]:
    """Great-circle distance in m between places given in degrees (haversine formula).

    >>> round(float(great_circle_m(0, 0, 0, 1)))
    111195
    """
    phi1, phi2 = np.radians(latitude), np.radians(other_latitude)
    half_dphi = (phi2 - phi1) / 2
    half_dlam = np.radians(np.asarray(other_longitude) - np.asarray(longitude)) / 2
    a = np.sin(half_dphi) ** 2 + np.cos(phi1) * np.cos(phi2) * np.sin(half_dlam) ** 2
    return 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(a, 0, 1)))
