"""A map against a raster of true ECe, which only a simulated world has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.mapping.cog import Grid, Layer, LayerWriter, strips
from deepsalt.readers.raster import open_raster
from deepsalt.units import log_ece

TRUTH = "truth.tif"


def compare_with_truth(ece_path: str | Path, truth_path: str | Path) -> dict[str, float | int | None]:
    """Agreement of a map with a raster of true ECe, over the pixels that have both.

    truth_path  a raster on the map's grid; its band described as `ece_ds_m`, or else its first
    returns     n; pearson_ln, rmse_ln and r2_ln (1 - SSE/SST) on ln(1 + ECe); spearman. None where a
                number does not exist: fewer than two pixels, or one of the two is constant.

    Raises ProductError if the two grids differ.
    """
    mapped, true = _both(Path(ece_path), Path(truth_path))
    none: dict[str, float | int | None] = {"pearson_ln": None, "spearman": None, "r2_ln": None}
    if len(mapped) == 0:
        return {"n": 0, **none, "rmse_ln": None}
    x, y = log_ece(np.maximum(mapped, 0.0)), log_ece(np.maximum(true, 0.0))
    error = float(((x - y) ** 2).sum())
    result = {"n": len(x), **none, "rmse_ln": round(float(np.sqrt(error / len(x))), 6)}
    spread = float(((y - y.mean()) ** 2).sum())
    if spread > 0:
        result["r2_ln"] = round(1 - error / spread, 6)
    if spread > 0 and np.ptp(x) > 0:
        from scipy.stats import rankdata

        result["pearson_ln"] = round(float(np.corrcoef(x, y)[0, 1]), 6)
        result["spearman"] = round(float(np.corrcoef(rankdata(x), rankdata(y))[0, 1]), 6)
    return result


def copy_truth(truth: Path, folder: Path) -> Path:
    """The true ECe as a COG layer beside the map, on the map's grid.

    Raises ProductError if its grid differs from the map's.
    """
    layer = Layer("truth", "float32", float("nan"), "true ECe of the surface layer (simulated)", unit="dS/m")
    with open_raster(folder / "ece.tif") as dataset:
        crs = dataset.crs.to_wkt() if dataset.crs else ""
        grid = Grid(dataset.height, dataset.width, crs, tuple(dataset.transform)[:6])
    check_same_grid(folder / "ece.tif", truth)
    writer = LayerWriter(folder, layer, grid, {"QUANTITY": "ECe", "SIMULATED": "yes", "UNIT": "dS/m"})
    try:
        for window, values in strips(truth, _ece_band(truth)):
            writer.write(window, values)
        return writer.finish()
    except BaseException:
        writer.abandon()
        raise


def check_same_grid(ece_path: Path, truth_path: Path) -> None:
    """Raise ProductError unless both rasters have the same size and place."""
    with open_raster(ece_path) as mapped, open_raster(truth_path) as true:
        same_size = (mapped.height, mapped.width) == (true.height, true.width)
        same_place = mapped.transform.almost_equals(true.transform, precision=1e-3)
        if same_size and same_place:
            return
        raise ProductError(
            f"its grid ({true.width} x {true.height} pixels from {true.transform.c:g}, {true.transform.f:g}) "
            f"is not the map's ({mapped.width} x {mapped.height} from {mapped.transform.c:g}, "
            f"{mapped.transform.f:g})",
            where=str(truth_path),
            fix="Warp it to the map's grid first, for example with gdalwarp.",
        )


def _both(ece_path: Path, truth_path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    check_same_grid(ece_path, truth_path)
    mapped, true = [], []
    pairs = zip(strips(ece_path), strips(truth_path, _ece_band(truth_path)), strict=True)
    for (_, here), (_, there) in pairs:
        known = np.isfinite(here) & np.isfinite(there)
        mapped.append(here[known])
        true.append(there[known])
    return np.concatenate(mapped).astype(np.float64), np.concatenate(true).astype(np.float64)


def _ece_band(path: Path) -> int:
    with open_raster(path) as dataset:
        names = list(dataset.descriptions)
    return names.index("ece_ds_m") + 1 if "ece_ds_m" in names else 1
