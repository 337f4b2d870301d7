"""What is this? Facts about spectra or a scene, ready for JSON: the substance of `deepsalt inspect`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.readers.quantity import looks_like
from deepsalt.readers.raster_scene import ranges
from deepsalt.spectra import MaskReason, Scene, Spectra

_CLASS_LIMITS_DS_M = (2.0, 4.0, 8.0, 16.0)
_FLAT = 1e-6
_REFLECTANCE_RANGE = (-0.2, 1.6)
_ABSORBANCE_RANGE = (-0.5, 5.0)


def describe(what: Spectra | Scene) -> dict[str, Any]:
    """Facts as nested dicts of strings, numbers, lists and None.

    Of a scene, masks are read window by window; no spectra are. `memory_mb` is what the whole of it takes as
    float32.
    """
    return _scene(what) if isinstance(what, Scene) else _spectra(what)


def _spectra(spectra: Spectra) -> dict[str, Any]:
    samples = spectra.samples
    return {
        "kind": "image" if spectra.is_image else "library",
        "axis": spectra.axis.describe(),
        "unit": spectra.axis.unit,
        "bands": len(spectra.axis),
        "range": [float(spectra.axis.values[0]), float(spectra.axis.values[-1])],
        "quantity": spectra.quantity,
        "values": _values(spectra),
        "sensor": spectra.sensor.name if spectra.sensor else None,
        "samples": len(spectra),
        "ec": _ec(samples, spectra.provenance),
        "groups": _count(samples, "group"),
        "regions": _count(samples, "region"),
        "places": _places(samples),
        "depth_cm": _span(samples, "depth_top_cm", "depth_bottom_cm"),
        "dates": _dates(samples),
        "looks_wrong": _wrong(spectra),
        "memory_mb": _megabytes(spectra.values.size),
        "provenance": list(spectra.provenance),
    }


def _values(spectra: Spectra) -> dict[str, Any]:
    """Smallest, middle and largest value, and the quantity that they look like by themselves."""
    values = spectra.values.reshape(-1, len(spectra.axis))
    known = values[~np.isnan(values)]
    if not known.size:
        return {"min": None, "median": None, "max": None, "look_like": "nothing"}
    facts = {name: float(f"{getattr(np, name)(known):.4g}") for name in ("min", "median", "max")}
    return {**facts, "look_like": looks_like(values, spectra.axis)}


def _column_of_ec(provenance: Sequence[str]) -> str | None:
    """The column that EC was taken from, as the reader has noted it."""
    found = (re.match(r"EC from column (.+?): ", step) for step in provenance)
    return next((match[1] for match in found if match), None)


def _ec(samples: pd.DataFrame, provenance: Sequence[str]) -> dict[str, Any] | None:
    if "ec_ds_m" not in samples:
        return None
    known = samples["ec_ds_m"].notna()
    values = samples.loc[known, "ec_ds_m"].to_numpy(float)
    methods = Counter(samples.loc[known, "ec_method"].astype(str)) if "ec_method" in samples else Counter()
    facts: dict[str, Any] = {
        "column": _column_of_ec(provenance),
        "unit": "dS/m",
        "method": dict(methods.most_common()),
        "n": len(values),
    }
    if not len(values):
        return facts
    shares = {f"above_{limit:g}": float((values > limit).mean()) for limit in _CLASS_LIMITS_DS_M}
    return facts | {
        "min": float(values.min()),
        "median": float(np.median(values)),
        "max": float(values.max()),
        "zeros": int((values == 0).sum()),
        "share": shares,
    }


def _count(samples: pd.DataFrame, column: str) -> int | None:
    return int(samples[column].nunique()) if column in samples else None


def _places(samples: pd.DataFrame) -> dict[str, Any] | None:
    if not {"latitude", "longitude"} <= set(samples.columns):
        return None
    placed = samples[["latitude", "longitude"]].dropna()
    facts: dict[str, Any] = {"n": len(placed)}
    if len(placed):
        for name in ("latitude", "longitude"):
            facts[name] = [float(placed[name].min()), float(placed[name].max())]
    return facts


def _span(samples: pd.DataFrame, low: str, high: str) -> list[float] | None:
    if not {low, high} <= set(samples.columns) or samples[[low, high]].isna().all().any():
        return None
    return [float(samples[low].min()), float(samples[high].max())]


def _dates(samples: pd.DataFrame) -> list[str] | None:
    if "date" not in samples or samples["date"].isna().all():
        return None
    known = samples["date"].dropna()
    return [str(known.min()), str(known.max())]


def _wrong(spectra: Spectra) -> list[str]:
    """Sentences about values that are allowed but should make one look."""
    values = spectra.values.reshape(-1, len(spectra.axis))
    filled = values[~np.isnan(values).all(axis=1)]
    found = []
    if (share := float(np.isnan(values).mean())) > 0:
        found.append(f"{share:.2%} of all values are missing")
    if len(spectra.axis) > 1 and len(filled):
        flat = int((np.nanmax(filled, axis=1) - np.nanmin(filled, axis=1) < _FLAT).sum())
        if flat:
            found.append(f"{flat} spectra are flat: one value in all bands")
    low, high = _REFLECTANCE_RANGE if spectra.quantity == "reflectance" else _ABSORBANCE_RANGE
    outside = int(((filled < low) | (filled > high)).any(axis=1).sum())
    if outside:
        found.append(f"{outside} spectra have {spectra.quantity} below {low:g} or above {high:g}")
    if "id" in spectra.samples and (twice := int(spectra.samples["id"].duplicated().sum())):
        found.append(f"{twice} ids stand there more than once")
    return found


def _scene(scene: Scene) -> dict[str, Any]:
    axis = scene.sensor.axis
    empty = np.flatnonzero(scene.empty)
    return {
        "kind": "scene",
        "product": scene.name,
        "sensor": scene.sensor.name,
        "level": scene.level,
        "acquired": scene.acquired.isoformat().replace("+00:00", "Z") if scene.acquired else None,
        "height": scene.height,
        "width": scene.width,
        "bands": len(axis),
        "wavelength_nm": [float(axis.values[0]), float(axis.values[-1])],
        "empty_bands": {
            "count": len(empty),
            "numbers": ranges(empty + 1),
            "wavelength_nm": _empty_wavelengths(axis.values, empty),
        },
        "band_faults": _faults(scene),
        "detectors": {name or "unknown": n for name, n in sorted(Counter(scene.sensor.detector).items())},
        "masks": _masks(scene),
        "quality_layers": sorted(scene.quality_layers),
        "crs": scene.crs or None,
        "extent": _extent(scene),
        "pixel_size": [float(np.hypot(scene.transform[0], scene.transform[3])),
                       float(np.hypot(scene.transform[1], scene.transform[4]))],
        "memory_mb": _megabytes(scene.height * scene.width * len(axis)),
        "facts": dict(scene.facts),
        "notes": list(scene.notes),
    }  # fmt: skip


def _empty_wavelengths(centres_nm: NDArray[np.float64], empty: NDArray[np.intp]) -> list[list[float]]:
    """First and last wavelength of each run of empty bands."""
    if not len(empty):
        return []
    runs = np.split(empty, np.flatnonzero(np.diff(empty) > 1) + 1)
    return [[float(centres_nm[run[0]]), float(centres_nm[run[-1]])] for run in runs]


def _faults(scene: Scene) -> dict[str, dict[str, Any]]:
    """Bands that are NaN throughout, by the reason: how many, their numbers, and where they lie."""
    centres = scene.sensor.axis.values
    found: dict[str, dict[str, Any]] = {}
    for why in dict.fromkeys(filter(None, scene.band_faults)):
        bands = np.flatnonzero(np.array(scene.band_faults) == why)
        found[why] = {
            "count": len(bands),
            "numbers": ranges(bands + 1),
            "wavelength_nm": _empty_wavelengths(centres, bands),
        }
    return found


def _masks(scene: Scene) -> dict[str, dict[str, float]]:
    """Pixels and share of the scene by reason; only reasons that occur, VALID always."""
    counts = np.zeros(len(MaskReason), np.int64)
    for window in scene.windows():
        counts += np.bincount(scene.mask(window).ravel(), minlength=len(MaskReason))[: len(MaskReason)]
    total = max(1, int(counts.sum()))
    return {
        reason.name.lower(): {"pixels": int(counts[reason]), "share": float(counts[reason] / total)}
        for reason in MaskReason
        if counts[reason] or reason is MaskReason.VALID
    }


def _extent(scene: Scene) -> dict[str, list[float]] | None:
    """Smallest and largest latitude and longitude of the scene's outline; None without a CRS."""
    if not scene.crs:
        return None
    from rasterio.warp import transform_bounds

    a, b, c, d, e, f = scene.transform
    corners = [(a * col + b * row + c, d * col + e * row + f)
               for col in (0, scene.width) for row in (0, scene.height)]  # fmt: skip
    x, y = np.array(corners).T
    west, south, east, north = transform_bounds(scene.crs, "EPSG:4326", x.min(), y.min(), x.max(), y.max())
    return {"latitude": [float(south), float(north)], "longitude": [float(west), float(east)]}


def _megabytes(values: int) -> float:
    return round(values * 4 / 1e6, 1)
