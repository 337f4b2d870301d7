"""A small PRISMA L2D file in the real layout; change a field, then call `write`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from rasterio.warp import transform

NAME = "PRS_L2D_STD_20240402102837_20240402102842_0001"
ROWS, COLUMNS = 12, 10
#: By falling wavelength, 0 = not used, as in the product of 2024-04-02. 1900 and 1400 nm: water vapour.
VNIR = [0.0, 977.4, 967.0, 902.8, 655.4, 407.0]
SWIR = [2497.1, 2199.1, 1900.0, 1647.2, 1405.6, 960.0, 943.4, 0.0]
SORTED = sorted(c for c in VNIR + SWIR if c)
VAPOUR = [SORTED.index(1405.6), SORTED.index(1900.0)]
LEFT, TOP, PIXEL = 547_467.5, 5_953_052.5, 30.0
EPSG = 32632
SCALE = {"VNIR": (0.0, 1.2), "SWIR": (-0.05, 0.9)}
FIELDS = "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields"


def place(wavelength: float) -> tuple[str, int]:
    """Detector, and place in its cube, of a wavelength."""
    return ("VNIR", VNIR.index(wavelength)) if wavelength in VNIR else ("SWIR", SWIR.index(wavelength))


@dataclass
class PrismaFile:
    """cubes, errors: (rows, bands, columns) by detector, None = not there; order: the axes in the file."""

    folder: Path
    name: str = f"{NAME}.he5"
    rows: int = ROWS
    columns: int = COLUMNS
    level: str = "L2D"
    order: tuple[int, int, int] = (0, 1, 2)
    chunks: tuple[int, int, int] | None = None
    cubes: dict[str, np.ndarray | None] = field(default_factory=dict)
    errors: dict[str, np.ndarray | None] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    shift_m: float = 0.0
    places: bool = True

    def __post_init__(self) -> None:
        for name, centres in (("VNIR", VNIR), ("SWIR", SWIR)):
            shape = (self.rows, len(centres), self.columns)
            self.cubes[name] = (1000 + np.arange(np.prod(shape)).reshape(shape) * 7 % 40_000).astype(
                np.uint16
            )
            self.cubes[name][:, np.array(centres) == 0] = 0
            self.errors[name] = np.zeros(shape, np.uint8)
            self.attributes |= {
                f"List_Cw_{name.title()}": np.array(centres, np.float32),
                f"List_Fwhm_{name.title()}": np.where(np.array(centres) > 0, 12.0, 0).astype(np.float32),
                f"List_Cw_{name.title()}_Flags": (np.array(centres) > 0).astype(np.int32),
                f"L2Scale{name.title()}Min": np.float32(SCALE[name][0]),
                f"L2Scale{name.title()}Max": np.float32(SCALE[name][1]),
            }
        right, bottom = LEFT + PIXEL * (self.columns - 1), TOP - PIXEL * (self.rows - 1)
        for corner, x, y in (
            ("UL", LEFT, TOP),
            ("UR", right, TOP),
            ("LL", LEFT, bottom),
            ("LR", right, bottom),
        ):
            self.attributes |= {f"Product_{corner}corner_easting": x, f"Product_{corner}corner_northing": y}
        self.attributes |= {
            "Epsg_Code": np.uint32(EPSG),
            "Product_StartTime": np.bytes_("2024-04-02T10:28:37.932000"),
            "Processing_Level": np.bytes_("2D"),
            "Cloudy_pixels_percentage": np.float32(3.5),
        }

    @property
    def path(self) -> Path:
        return self.folder / self.name

    def set(self, wavelength: float, row: int, column: int, number: int) -> None:
        detector, band = place(wavelength)
        cube = self.cubes[detector]
        assert cube is not None
        cube[row, band, column] = number

    def mark(self, wavelength: float, row: int, column: int, code: int) -> None:
        detector, band = place(wavelength)
        matrix = self.errors[detector]
        assert matrix is not None
        matrix[row, band, column] = code

    def reflectance(self) -> np.ndarray:
        """(y, x, band) what is stored, by rising wavelength, nothing masked."""
        bands = []
        for wavelength in SORTED:
            detector, band = place(wavelength)
            low, high = SCALE[detector]
            cube = self.cubes[detector]
            assert cube is not None
            bands.append(low + cube[:, band].astype(float) * (high - low) / 65535)
        return np.stack(bands, axis=-1)

    def write(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        swath = f"HDFEOS/SWATHS/PRS_{self.level}_HCO"
        with h5py.File(self.path, "w") as file:
            for name in ("VNIR", "SWIR"):
                for kind, values in (("Cube", self.cubes), ("PIXEL_L2_ERR_MATRIX", self.errors)):
                    if (array := values[name]) is not None:
                        array = array.transpose(self.order) if array.ndim == 3 else array
                        file.create_dataset(
                            f"{swath}/Data Fields/{name}_{kind}", data=array, chunks=self.chunks,
                            compression="gzip" if self.chunks else None,
                        )  # fmt: skip
            if self.places:
                self._write_places(file, f"{swath}/Geolocation Fields")
            for key, value in self.attributes.items():
                if value is not None:
                    file.attrs[key] = value
        return self.path

    def _write_places(self, file: h5py.File, group: str) -> None:
        row, column = np.mgrid[: self.rows, : self.columns]
        x, y = LEFT + PIXEL * column + self.shift_m, TOP - PIXEL * row
        longitude, latitude = transform(f"EPSG:{EPSG}", "EPSG:4326", x.ravel(), y.ravel())
        swapped = self.order.index(0) > self.order.index(2)
        for name, values in (("Latitude", latitude), ("Longitude", longitude)):
            grid = np.array(values, np.float32).reshape(row.shape)
            file[f"{group}/{name}"] = grid.T if swapped else grid
