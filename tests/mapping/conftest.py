"""A scene in memory and predictors whose answers are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepsalt.spectra import Axis, Scene, Sensor, Spectra, Window

#: Red, near infrared, short-wave infrared.
SENSOR = Sensor(name="toy", axis=Axis(np.array([660.0, 840.0, 2200.0]), "nm", np.array([10.0, 10.0, 10.0])))


@dataclass(frozen=True, eq=False, kw_only=True)
class MemoryScene(Scene):
    """A scene whose pixels are an array (y, x, band) and whose quality mask is one (y, x)."""

    cube: NDArray[np.float32]
    quality: NDArray[np.uint8]
    windows_read: list[Window] = field(default_factory=list)

    def read(self, window: Window | None = None) -> Spectra:
        window = window or self.whole()
        self.windows_read.append(window)
        return Spectra.of_image(self.cube[window.slices], self.sensor.axis, sensor=self.sensor)

    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        return self.quality[(window or self.whole()).slices]


def scene_of(cube: Any, quality: Any = None, **changes: Any) -> MemoryScene:
    """30 m pixels in UTM zone 14 north; the corner lies at 500 000 m east, 2 000 000 m north."""
    values = np.asarray(cube, np.float32)
    mask = np.zeros(values.shape[:2], np.uint8) if quality is None else np.asarray(quality, np.uint8)
    facts: dict[str, Any] = {
        "name": "TOY-SCENE",
        "path": "memory",
        "sensor": SENSOR,
        "height": values.shape[0],
        "width": values.shape[1],
        "crs": "EPSG:32614",
        "transform": (30.0, 0.0, 500_000.0, 0.0, -30.0, 2_000_000.0),
        "block": (2, values.shape[1]),
        "acquired": datetime(2024, 5, 1, 10, 30, tzinfo=UTC),
        **changes,
    }
    return MemoryScene(cube=values, quality=mask, **facts)


class Brightness:
    """ECe in dS/m is a hundred times the reflectance at 2200 nm."""

    name = "toy-brightness"
    covariates: tuple[str, ...] = ()
    fingerprint = "0123456789abcdef"

    def predict(self, spectra: Spectra) -> NDArray[np.floating]:
        return 100.0 * spectra.values[:, 2].astype(np.float64)


class WithClay(Brightness):
    """Adds a tenth of the clay content; 1 dS/m where the clay content is missing."""

    name = "toy-clay"
    covariates = ("clay_pct",)

    def predict(self, spectra: Spectra) -> NDArray[np.floating]:
        clay = spectra.samples["clay_pct"].to_numpy(float)
        return super().predict(spectra) + np.where(np.isnan(clay), 1.0, clay / 10)


def soil(height: int, width: int, swir: Any) -> NDArray[np.float32]:
    """Bare soil (NDVI 0.1) whose reflectance at 2200 nm is given."""
    cube = np.empty((height, width, 3), np.float32)
    cube[..., 0], cube[..., 1], cube[..., 2] = 0.18, 0.22, swir
    return cube


@pytest.fixture
def six_pixels() -> MemoryScene:
    """2 x 3 pixels: ECe 1, 2, 5 over 12, 40 and a cloud."""
    return scene_of(soil(2, 3, [[0.01, 0.02, 0.05], [0.12, 0.40, 0.50]]), [[0, 0, 0], [0, 0, 2]])
