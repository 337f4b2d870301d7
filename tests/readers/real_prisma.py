"""What SNAP expects of a real PRISMA L2D product, and a file without pixels that has its bands and places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from rasterio.warp import transform
from tests.readers.prisma_file import FIELDS

from deepsalt.spectra import Scene

_EPSG = "EPSG:32632"
_PIXEL = 30.0


def expected(shared_data: Path) -> dict[str, Any]:
    (file,) = (shared_data / "prisma").glob("PRS_L2D_*.json")
    return json.loads(file.read_text())["expectedContent"]


def sampled(shared_data: Path, name: str) -> list[tuple[int, int, float]]:
    """(column, row, value) of a band."""
    (band,) = (b for b in expected(shared_data)["bands"] if b["name"] == name)
    return [(p["x"], p["y"], float(p["value"])) for p in band["expectedPixels"]]


def sampled_reflectance(shared_data: Path) -> np.ndarray:
    bands = (b for b in expected(shared_data)["bands"] if "_Rrs_" in b["name"])
    return np.array([float(p["value"]) for b in bands for p in b["expectedPixels"]])


def coordinates_of(scene: Scene, row: int, column: int) -> tuple[float, float]:
    """Longitude and latitude of a pixel's centre."""
    x, y = scene.xy(np.array([row]), np.array([column]))
    (longitude,), (latitude,) = transform(scene.crs, "EPSG:4326", x, y)
    return longitude, latitude


def empty_product(path: Path, shared_data: Path) -> Path:
    """A file of the real size; its cubes are declared and never written, so that it stays small."""
    told = expected(shared_data)
    height, width = told["sceneHeight"], told["sceneWidth"]
    with h5py.File(path, "w") as file:
        for name, listed, first in (("Vnir", 66, 4), ("Swir", 173, 1)):
            centres, widths = np.zeros(listed, np.float32), np.zeros(listed, np.float32)
            bands = [b for b in told["bands"] if b["name"].startswith(f"HCO_{name}_Rrs_")]
            for band in bands:
                at = int(band["name"].rpartition("_")[2]) - 1
                centres[at], widths[at] = float(band["spectralWavelength"]), float(band["spectralBandwidth"])
            assert (np.diff(centres[first - 1 : first - 1 + len(bands)]) < 0).all()
            file.attrs[f"List_Cw_{name}"], file.attrs[f"List_Fwhm_{name}"] = centres, widths
            file.attrs[f"List_Cw_{name}_Flags"] = (centres > 0).astype(np.int32)
            file.attrs[f"L2Scale{name}Min"], file.attrs[f"L2Scale{name}Max"] = 0.0, 1.0
            shape = (height, listed, width)
            file.create_dataset(f"{FIELDS}/{name.upper()}_Cube", shape, np.uint16)
            file.create_dataset(f"{FIELDS}/{name.upper()}_PIXEL_L2_ERR_MATRIX", shape, np.uint8)
        for corner, (x, y) in _corner_centres(told, height, width).items():
            file.attrs[f"Product_{corner}corner_easting"] = x
            file.attrs[f"Product_{corner}corner_northing"] = y
        file.attrs["Epsg_Code"] = 32632
    return path


def _corner_centres(told: dict[str, Any], height: int, width: int) -> dict[str, tuple[float, float]]:
    """Corner coordinates from a place that SNAP gives; its whole numbers are the edges of pixels."""
    point = told["geoCoding"]["coordinates"][0]
    (x,), (y,) = transform("EPSG:4326", _EPSG, [point["lon"]], [point["lat"]])
    left = round(x - _PIXEL * point["x"], 3) + _PIXEL / 2
    top = round(y + _PIXEL * point["y"], 3) - _PIXEL / 2
    right, bottom = left + _PIXEL * (width - 1), top - _PIXEL * (height - 1)
    return {"UL": (left, top), "UR": (right, top), "LL": (left, bottom), "LR": (right, bottom)}
