"""Small stand-ins that several test files share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from deepsalt.spectra import Axis, MaskReason, Scene, Sensor, Spectra, Window

TOY_SENSOR = Sensor("toy", Axis(np.array([560.0, 660, 850, 1650, 2200]), "nm"))


@dataclass(frozen=True, eq=False, kw_only=True)
class MemoryScene(Scene):
    """A scene whose pixels lie in memory.

    cube     (y, x, band) reflectance
    quality  (y, x) MaskReason
    """

    cube: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 5)))
    quality: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.uint8))

    def read(self, window: Window | None = None) -> Spectra:
        rows, columns = (window or self.whole()).slices
        return Spectra.of_image(self.cube[rows, columns], self.sensor.axis, sensor=self.sensor)

    def mask(self, window: Window | None = None) -> np.ndarray:
        rows, columns = (window or self.whole()).slices
        return self.quality[rows, columns]


def toy_scene(
    name: str = "toy", rows: int = 12, columns: int = 10, north: float = 5_000_000.0
) -> MemoryScene:
    """Bare soil with row / 100 in band 1 and column / 100 in band 5; (0, 0) is cloud, (0, 1) a plant."""
    cube = np.full((rows, columns, 5), 0.3)
    cube[..., 0] = np.arange(rows)[:, None] / 100 + 0.1
    cube[..., 4] = np.arange(columns)[None, :] / 100 + 0.1
    cube[0, 1, 1], cube[0, 1, 2] = 0.04, 0.5
    quality = np.zeros((rows, columns), np.uint8)
    quality[0, 0] = MaskReason.CLOUD
    return MemoryScene(
        name=name,
        path=name,
        sensor=TOY_SENSOR,
        height=rows,
        width=columns,
        crs="EPSG:32632",
        transform=(30.0, 0.0, 500_000.0, 0.0, -30.0, north),
        block=(4, columns),
        cube=cube,
        quality=quality,
    )
