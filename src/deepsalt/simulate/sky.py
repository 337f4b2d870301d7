"""Clouds, their shadows, cirrus, haze and the tilted swath: what lies between ground and satellite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.bands import WAVELENGTHS_NM, bands, curve
from deepsalt.simulate.fields import smooth_field
from deepsalt.simulate.view import View

Floats = NDArray[np.floating]

#: Tilt of the swath against the grid: EnMAP flies down at about 12 degrees from the meridian.
_TILT_DEGREES = 12.0
_MOSTLY_INSIDE = 0.999

_CLOUD = (
    (350.0, 0.70),
    (700.0, 0.72),
    (1200.0, 0.66),
    (1650.0, 0.52),
    (1850.0, 0.40),
    (2200.0, 0.38),
    (2500.0, 0.25),
)


@dataclass(frozen=True, eq=False)
class Sky:
    """All arrays (y, x).

    inside    within the swath
    cloud     opacity 0-1
    shadow    share of sunlight taken away, 0-1
    cirrus    reflectance added at 1380 nm-like altitude, 0-0.08
    haze      reflectance added in the blue, 0-0.06
    """

    inside: NDArray[np.bool_]
    cloud: Floats
    shadow: Floats
    cirrus: Floats
    haze: Floats

    @property
    def flags(self) -> dict[str, NDArray[np.uint8]]:
        """What a processor would flag: it misses the faintest edges."""
        cirrus = np.digitize(self.cirrus, [0.008, 0.02, 0.04])
        return {
            "CLOUD": (self.inside & (self.cloud > 0.25)).astype(np.uint8),
            "CLOUDSHADOW": (self.inside & (self.shadow > 0.25) & (self.cloud <= 0.25)).astype(np.uint8),
            "CIRRUS": np.where(self.inside, cirrus, 0).astype(np.uint8),
            "HAZE": (self.inside & (self.haze > 0.02) & (self.cloud <= 0.25)).astype(np.uint8),
            "SNOW": np.zeros(self.inside.shape, dtype=np.uint8),
        }

    def seen_in(self, view: View) -> Sky:
        """The sky over the pixels of an image; a pixel that reaches beyond the land is outside."""
        if view.weights is None:
            return self
        inside = (view.averaged(self.inside) > _MOSTLY_INSIDE) & view.whole
        parts = (view.averaged(part) for part in (self.cloud, self.shadow, self.cirrus, self.haze))
        return Sky(inside, *parts)


def sky(rng: np.random.Generator, shape: tuple[int, int], cloud_cover: float) -> Sky:
    """Draw the sky over a scene; `cloud_cover` is the share under cloud."""
    thick = _above(smooth_field(rng, shape, 0.045 * min(shape) + 1.0), cloud_cover)
    cloud = np.clip(1.6 * thick, 0.0, 1.0)
    height = (int(rng.integers(4, 8)), int(rng.integers(-7, -3)))
    shadow = 0.75 * _shifted(cloud, height) * (cloud < 0.5)
    cirrus = 0.05 * np.clip(_above(smooth_field(rng, shape, 0.14 * min(shape)), 0.8 * cloud_cover), 0, 1.6)
    haze = 0.05 * np.clip(_above(smooth_field(rng, shape, 0.12 * min(shape)), 0.8 * cloud_cover), 0, 1.2)
    return Sky(swath(shape), cloud, shadow, cirrus, haze)


def swath(shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(y, x) True inside a rectangle tilted against the grid, so that the four corners are background."""
    rows, columns = shape
    y, x = np.mgrid[:rows, :columns].astype(np.float64)
    y, x = y - (rows - 1) / 2, x - (columns - 1) / 2
    tilt = np.deg2rad(_TILT_DEGREES)
    along, across = y * np.cos(tilt) - x * np.sin(tilt), x * np.cos(tilt) + y * np.sin(tilt)
    reach = 0.5 * np.cos(tilt)
    return (np.abs(along) <= reach * rows) & (np.abs(across) <= reach * columns)


def through(sky_: Sky, rows: slice, ground: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ground reflectance (n, band) of whole image rows as it looks through the sky, n = rows x columns."""
    nm = WAVELENGTHS_NM
    white = curve(nm, _CLOUD) * (
        1.0 - bands(nm, [(1450.0, 90.0, 0.4), (1940.0, 110.0, 0.6), (1000.0, 60.0, 0.05)])
    )
    blue = (nm / 450.0) ** -2.0
    cloud, shadow, cirrus, haze = (
        part[rows].reshape(-1, 1).astype(np.float32)
        for part in (sky_.cloud, sky_.shadow, sky_.cirrus, sky_.haze)
    )
    lit = ground * (1.0 - shadow * (1.0 - 0.25 * np.clip(blue, 0, 1)))
    veiled = lit + cirrus * (nm < 1340) + 0.6 * cirrus * (nm >= 1340) + haze * blue
    return (veiled + cloud * (white - veiled)).astype(np.float32)


def _above(field: Floats, share: float) -> Floats:
    """How far a field rises above the level that `share` of it exceeds; zero below, none for share 0."""
    return np.clip(field - np.quantile(field, 1.0 - share), 0.0, None) if share > 0 else np.zeros_like(field)


def _shifted(values: Floats, by: tuple[int, int]) -> Floats:
    """The array moved down and right; zero comes in."""
    moved = np.zeros_like(values)
    rows, columns = values.shape
    dy, dx = by
    moved[max(dy, 0) : rows + min(dy, 0), max(dx, 0) : columns + min(dx, 0)] = values[
        max(-dy, 0) : rows - max(dy, 0), max(-dx, 0) : columns - max(dx, 0)
    ]
    return moved
