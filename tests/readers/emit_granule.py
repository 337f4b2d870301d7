"""A small EMIT granule in the producer's structure: change a field, then call `write`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

KEY = "20240601T101112_2415307_004"
LINES, SAMPLES, ROWS, COLUMNS = 7, 5, 6, 8
CENTRES = [381.0, 900.0, 1300.0, 1380.0, 1400.0, 1650.0, 1850.0, 2200.0]
GOOD = [1, 1, 1, 0, 0, 1, 0, 1]
BAD = [band for band, good in enumerate(GOOD) if not good]
FILL = -9999.0
GEOTRANSFORM = (70.0, 0.0005, 0.0, 40.0, 0.0, -0.0004)
WKT = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)
NAMES = [
    "Cloud Flag", "Cirrus Flag", "Water Flag", "Spacecraft Flag", "Dilated Cloud Flag", "AOD550",
    "H2O (g cm-2)", "Aggregate Flag",
]  # fmt: skip


def stored(line: np.ndarray, sample: np.ndarray, band: np.ndarray) -> np.ndarray:
    """Reflectance of a raw pixel, another one for each line, sample and band."""
    return (0.1 * line + 0.01 * sample + 0.001 * band).astype(np.float32)


def table() -> tuple[np.ndarray, np.ndarray]:
    """(ROWS, COLUMNS) line and sample, from 0, that the grid shows; -1 = none."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    line, sample = y + x // 4, x - y // 2 - 1
    none = (sample < 0) | (sample >= SAMPLES) | (line >= LINES)
    return np.where(none, -1, line), np.where(none, -1, sample)


@dataclass
class Granule:
    """The arrays and attributes of a granule, before they are written."""

    folder: Path
    key: str = KEY
    version: str = "001"
    wavelengths: list[float] = field(default_factory=lambda: list(CENTRES))
    good: list[int] | None = field(default_factory=lambda: list(GOOD))
    names: list[str] | None = field(default_factory=lambda: list(NAMES))
    chunks: tuple[int, int, int] | None = None
    without: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    change: Callable[[h5py.File, str], None] | None = None

    def __post_init__(self) -> None:
        shape = (LINES, SAMPLES, len(self.wavelengths))
        self.reflectance = stored(*np.indices(shape))
        if self.good is not None:
            self.reflectance[..., [band for band, good in enumerate(self.good) if good == 0]] = -0.01
        self.uncertainty = self.reflectance / 10
        self.mask = np.zeros((LINES, SAMPLES, len(self.names or NAMES)), np.float32)
        self.band_mask = np.zeros((LINES, SAMPLES, -(-len(self.wavelengths) // 8)), np.uint8)
        line, sample = table()
        self.glt_x, self.glt_y = (sample + 1).astype(np.int32), (line + 1).astype(np.int32)
        self.lat, self.lon = (
            np.mgrid[:LINES, :SAMPLES].astype(float) * -0.001 + np.array([40.0, 71.0])[:, None, None]
        )
        self.attributes = {
            "title": "EMIT L2A Estimated Surface Reflectance 60 m V001",
            "time_coverage_start": "2024-06-01T10:11:12+0000",
            "product_version": f"V{self.version}",
            "flight_line": "emit20240601t101112_o15307_s000",
            "geotransform": np.array(GEOTRANSFORM),
            "spatial_ref": WKT,
        } | self.attributes

    def file(self, kind: str) -> Path:
        return self.folder / f"EMIT_L2A_{kind}_{self.version}_{self.key}.nc"

    def write(self) -> Path:
        """Write the parts that are not in `without`; returns the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        cubes = {
            "RFL": {"reflectance": self.reflectance},
            "RFLUNCERT": {"reflectance_uncertainty": self.uncertainty},
            "MASK": {"mask": self.mask, "band_mask": self.band_mask},
        }
        for kind in set(cubes) - set(self.without):
            with h5py.File(self.file(kind), "w") as file:
                self._write_common(file)
                for name, values in cubes[kind].items():
                    chunks = self.chunks if name == "reflectance" else None
                    file.create_dataset(name, data=values, chunks=chunks, compression=chunks and "gzip")
                if kind != "MASK":
                    self._write_bands(file)
                elif self.names is not None:
                    place = "sensor_band_parameters/mask_bands"
                    file.create_dataset(place, data=self.names, dtype=h5py.string_dtype())
                if self.change:
                    self.change(file, kind)
        return self.folder

    def _write_common(self, file: h5py.File) -> None:
        file.attrs.update(self.attributes)
        file.create_group("sensor_band_parameters")
        for name in ("glt_x", "glt_y", "lat", "lon"):
            file[f"location/{name}"] = getattr(self, name)

    def _write_bands(self, file: h5py.File) -> None:
        group = file["sensor_band_parameters"]
        group["wavelengths"] = np.array(self.wavelengths, np.float32)
        group["fwhm"] = np.full(len(self.wavelengths), 8.5, np.float32)
        if self.good is not None:
            group["good_wavelengths"] = np.array(self.good, np.uint8)
