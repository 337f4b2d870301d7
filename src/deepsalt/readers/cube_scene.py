"""A scene from an image in one file, once its bands and its scale are known: order, bad bands, notes.

A band is delivered as NaN, with its reason, where the file holds no data in it, where the file marks it as
bad (bbl = 0), and where every pixel looked at holds one and the same number that is zero or below: processors
write such numbers into the bands that no atmosphere lets through (EMIT -0.01).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.bands import NO_DATA, band_order
from deepsalt.readers.cube_bands import CubeBands, sensor_of
from deepsalt.readers.raster import RasterInfo, empty_bands, is_nodata, sampled_rows
from deepsalt.readers.raster_scene import RasterScene

#: Why a band that the file marks as bad is NaN.
MARKED_BAD = "marked bad in the file (bbl = 0)"
_SAMPLED_ROWS = 8


def cube_scene(
    path: Path,
    header: RasterInfo,
    bands: CubeBands,
    gain_offset: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    told: str,
    default: str,
    keep_bad: bool,
    acquired: datetime | None,
    level: str,
    facts: Mapping[str, str] | None = None,
    notes: list[str],
) -> RasterScene:
    """The scene of an image; a few of its rows are read to find bands without signal.

    path         what was opened
    bands        in file order
    gain_offset  (band,) each, in file order
    told         sensor's name as the file says it, or ""; `default` where nothing tells it
    keep_bad     deliver bands that are marked bad, or hold one number

    Raises ProductError where every band is bad.
    """
    order, order_notes = band_order(bands.centres_nm)
    faults = _faults(header, bands, keep_bad)
    if header.nodata is None:
        notes.append("the file states no nodata value: every stored value counts as data")
    if not header.crs:
        notes.append("no coordinate system in the file: maps of it have none either")
    if all(faults):
        raise ProductError(
            f"no band is left: band 1 is {faults[0]}",
            where=str(path),
            fix="Say keep_bad=True to read them all.",
        )
    gain, offset = gain_offset
    return RasterScene(
        name=path.stem,
        path=str(path),
        sensor=sensor_of(bands, order, told=told, default=default, source=header.path.name, notes=notes),
        height=header.height,
        width=header.width,
        crs=header.crs,
        transform=header.transform,
        block=header.block,
        acquired=acquired,
        level=level,
        band_faults=tuple(faults[band] for band in order),
        facts=facts or {},
        notes=(*order_notes, *notes),
        image=header.path,
        bands=order + 1,
        gain=gain[order],
        offset=offset[order],
        nodata=header.nodata,
    )


def _faults(header: RasterInfo, bands: CubeBands, keep_bad: bool) -> list[str]:
    """(band,) in file order: why a band is NaN throughout, "" where it is not."""
    empty = empty_bands(header, header.nodata)
    held = np.full(header.bands, np.nan) if keep_bad else _one_number(header)
    marked = np.zeros(header.bands, bool) if keep_bad or bands.good is None else ~bands.good
    return [
        NO_DATA if empty[band] else _fault(bool(marked[band]), float(held[band]))
        for band in range(header.bands)
    ]


def _fault(marked: bool, held: float) -> str:
    number = "" if np.isnan(held) else f"{held:g} in every pixel looked at"
    return ", ".join(filter(None, (MARKED_BAD if marked else "", number)))


def _one_number(header: RasterInfo) -> NDArray[np.float64]:
    """(band,) the number, zero or below, that all data of some rows hold; NaN where they do not.

    NaN everywhere where that is so of all bands: they then hold a background that is not told.
    """
    low, high = np.full(header.bands, np.inf), np.full(header.bands, -np.inf)
    for stored in sampled_rows(header, _SAMPLED_ROWS):
        missing = is_nodata(stored, header.nodata)
        values = stored.astype(np.float64)
        low = np.minimum(low, np.where(missing, np.inf, values).min(axis=(1, 2)))
        high = np.maximum(high, np.where(missing, -np.inf, values).max(axis=(1, 2)))
    one = (low == high) & (high <= 0)
    return np.full(header.bands, np.nan) if one.all() else np.where(one, high, np.nan)
