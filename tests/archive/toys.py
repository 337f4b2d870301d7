"""Small scenes on disk, and models whose answers are known, for this process and for workers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from deepsalt.archive import Recipe
from deepsalt.estimators.answers import Answers
from deepsalt.spectra import Spectra

CENTRES = (660.0, 840.0, 2200.0)


def write_scene(path: Path, seed: int = 0, rows: int = 24, columns: int = 20, bands: int = 3) -> Path:
    """Bare soil as a GeoTIFF with its wavelengths in a list beside it; the band at 2200 nm is random."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cube = np.empty((bands, rows, columns), np.float32)
    cube[0], cube[1:] = 0.18, 0.22
    cube[-1] = np.random.default_rng(seed).uniform(0.01, 0.3, (rows, columns))
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": bands, "height": rows, "width": columns,
        "crs": "EPSG:32632", "transform": Affine(30.0, 0.0, 5e5, 0.0, -30.0, 5e6 - 1e4 * seed),
        "blockysize": 4, "tiled": False,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as data:
        data.write(cube)
    lines = [f"{centre},10" for centre in CENTRES]
    path.with_suffix(".csv").write_text("\n".join(["centre_nm,fwhm_nm", *lines]) + "\n")
    return path


def archive(folder: Path, count: int, rows: int = 24) -> list[str]:
    """Paths of so many scenes."""
    return [str(write_scene(folder / f"scene_{number:02}.tif", number, rows)) for number in range(count)]


def cut_off(path: str) -> None:
    """Lose the second half of a file."""
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: len(content) // 2])


class Brightness:
    """ECe in dS/m is so many times the reflectance at 2200 nm.

    slow   seconds that each window takes
    loads  file to which every loading adds a line
    """

    name = "toy-brightness"
    covariates: tuple[str, ...] = ()
    accepts_missing_covariates = False

    def __init__(self, times: float = 100.0, slow: float = 0.0) -> None:
        self.times, self.slow = times, slow

    def predict(self, spectra: Spectra) -> NDArray[np.floating]:
        time.sleep(self.slow)
        return self.times * spectra.values[:, 2].astype(np.float64)


class Sure(Brightness):
    """Knows its errors: ECe up to a share `level` more or less; thresholds are exceeded surely or not."""

    def answers(
        self, spectra: Spectra, *, level: float = 0.9, thresholds: Sequence[float] = (4.0,)
    ) -> Answers:
        ece = self.predict(spectra)
        above = {threshold: (ece > threshold).astype(float) for threshold in thresholds}
        return Answers(ece, ece * (1 - level), ece * (1 + level), level, above)


class Deadly(Brightness):
    """Kills its process on land where every pixel is bright at 660 nm."""

    def predict(self, spectra: Spectra) -> NDArray[np.floating]:
        if float(spectra.values[:, 0].mean()) > 0.5:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().predict(spectra)


def load(kind: type[Brightness], loads: str, times: float, slow: float) -> Brightness:
    """A model, and a line in the file `loads` with the process that asked for it."""
    if loads:
        with open(loads, "a", encoding="ascii") as stream:
            stream.write(f"{os.getpid()}\n")
    return kind(times, slow)


def recipe(
    out: Path,
    *,
    model: str = "toy",
    kind: type[Brightness] = Brightness,
    times: float = 100.0,
    slow: float = 0.0,
    loads: str = "",
    **changes: object,
) -> Recipe:
    return Recipe(partial(load, kind, loads, times, slow), model, out, **changes)  # type: ignore[arg-type]


def silent(_what: str, _done: int, _total: int) -> None:
    pass


def files_in(folder: Path) -> dict[str, bytes]:
    """Content of every file below a folder, by its relative path; hidden ones as well."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
