"""DESIS L2A products: a folder or zip with METADATA.xml, SPECTRAL_IMAGE and QL_QUALITY-2, read lazily.

The structure is that which readers of other projects expect; no real product was looked at. What is assumed
stands in the notes of each scene.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.bands import band_order, faults_of
from deepsalt.readers.desis_files import DesisFiles, find_desis, is_desis
from deepsalt.readers.desis_xml import DesisMetadata, assumed_metadata, read_desis_metadata
from deepsalt.readers.file_axis import axis_of_file
from deepsalt.readers.product_files import File
from deepsalt.readers.raster import RasterInfo, empty_bands, info, is_nodata, read_bands
from deepsalt.readers.raster_scene import RasterScene, time_in_name, with_known_facts
from deepsalt.spectra import MaskReason, Sensor, Window, first_reason

#: Bands of QL_QUALITY-2 in their order; each but the last two is 1 where the name holds.
QUALITY_BANDS = (
    "shadow", "land_clear", "snow", "land_haze", "water_haze", "land_cloud", "water_cloud", "water_clear",
    "aod", "pwv",
)  # fmt: skip
_REASONS = (
    (MaskReason.CLOUD, ("land_cloud", "water_cloud")),
    (MaskReason.CLOUD_SHADOW, ("shadow",)),
    (MaskReason.HAZE, ("land_haze", "water_haze")),
    (MaskReason.SNOW, ("snow",)),
    (MaskReason.WATER, ("water_clear",)),
)
_NODATA = -32768.0
_NO_SWIR = "DESIS sees 402-1000 nm: features of salt and water at 1.4, 1.9 and 2.2 um are out of its sight"
_UNSEEN = "DESIS L2A is read as published readers have it; no real product was there to check it on"


@dataclass(frozen=True, eq=False, kw_only=True)
class DesisScene(RasterScene):
    """A DESIS L2A product.

    quality         QL_QUALITY-2, None where the product has none
    quality_bands   its bands by name, numbers from 1
    quality_nodata  its nodata value, None where it has none
    """

    quality: File | None = None
    quality_bands: Mapping[str, int] = field(default_factory=dict)
    quality_nodata: float | None = None

    @property
    def quality_layers(self) -> tuple[str, ...]:
        """Names of the layers that `mask` uses."""
        return tuple(self.quality_bands)

    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        """(y, x) MaskReason of each pixel; where several hold, the first in the order of MaskReason.

        Background: nodata in the image. Cloud, haze: over land or water. Shadow, snow; water: clear water.
        """
        part = self._checked(window)
        footprint = self._footprint(part)
        holds = {MaskReason.BACKGROUND: footprint == MaskReason.BACKGROUND}
        holds |= {reason: self._any(names, part) for reason, names in _REASONS}
        holds[MaskReason.DEFECTIVE] = footprint == MaskReason.DEFECTIVE
        return first_reason((part.rows, part.columns), holds)

    def _any(self, names: tuple[str, ...], part: Window) -> NDArray[np.bool_]:
        """Where one of the quality bands holds: any value but 0 and nodata."""
        numbers = [self.quality_bands[name] for name in names if name in self.quality_bands]
        if self.quality is None or not numbers:
            return np.zeros((part.rows, part.columns), bool)
        stored = read_bands(self.quality, part, numbers)
        return np.asarray(((stored > 0) & ~is_nodata(stored, self.quality_nodata)).any(axis=0))


class DesisReader:
    """Reader of DESIS L2A products."""

    name = "desis"
    description = "DESIS L2A product: the folder or zip with METADATA.xml, SPECTRAL_IMAGE and QL_QUALITY-2"
    specificity = 30

    def matches(self, path: Path) -> bool:
        """A folder or zip with a DESIS SPECTRAL_IMAGE, that image itself, or a METADATA.xml of DESIS."""
        return is_desis(path)

    def open(self, path: Path, *, product: str | None = None) -> DesisScene:
        """Open a product; only metadata, and a few rows to find bands without data, are read.

        product  a part of the product's name, where several lie in one folder or zip

        Raises ProductError for a part that is missing, damaged or contradicts another.
        """
        parts = find_desis(path, product)
        _check_level(parts)
        header = info(parts.image)
        notes = [_UNSEEN, _NO_SWIR]
        meta = _metadata_of(parts, header, notes)
        _check_agreement(meta, header)
        order, order_notes = band_order(meta.centres_nm)
        nodata = _NODATA if header.nodata is None else float(header.nodata)
        if header.nodata is None:
            notes.append(f"the image states no nodata value: {_NODATA:g} is assumed")
        quality = _quality_of(parts, header, notes)
        if not header.crs:
            notes.append("no coordinate system in the image: maps of it have none either")
        return DesisScene(
            name=parts.name,
            path=str(path),
            sensor=_sensor(meta, order),
            height=header.height,
            width=header.width,
            crs=header.crs,
            transform=header.transform,
            block=header.block,
            acquired=meta.acquired or time_in_name(parts.name),
            level="L2A",
            band_faults=faults_of(empty_bands(header, nodata)[order]),
            facts=meta.facts,
            notes=(*order_notes, *notes),
            image=parts.image,
            bands=order + 1,
            gain=meta.gain[order],
            offset=meta.offset[order],
            nodata=nodata,
            quality=parts.quality,
            quality_bands=quality[0],
            quality_nodata=quality[1],
        )


READER = DesisReader()


def _metadata_of(parts: DesisFiles, header: RasterInfo, notes: list[str]) -> DesisMetadata:
    if parts.metadata is not None:
        return read_desis_metadata(parts.metadata, notes)
    return assumed_metadata(parts, header, notes)


def _check_agreement(meta: DesisMetadata, header: RasterInfo) -> None:
    count = len(meta.centres_nm)
    if count != header.bands:
        swapped = " (are its axes swapped?)" if count in header.size else ""
        raise ProductError(
            f"{meta.path.name} describes {count} bands, {header.path.name} has {header.bands}{swapped}",
            where=str(header.path.parent),
            fix="Download the product again: its parts do not belong together.",
        )


def _check_level(parts: DesisFiles) -> None:
    """Raise ProductError where the product's name tells another level than L2A."""
    found = re.search(r"-(L\d[A-C])-", f"{parts.name}-", flags=re.IGNORECASE)
    if found and found[1].upper() != "L2A":
        raise ProductError(
            f"the product is {found[1].upper()}, not L2A",
            where=str(parts.image.parent),
            fix="Order surface reflectance (L2A).",
        )


def _sensor(meta: DesisMetadata, order: NDArray[np.intp]) -> Sensor:
    widths = None if meta.fwhm_nm is None else meta.fwhm_nm[order]
    axis = axis_of_file(meta.centres_nm[order], "nm", widths, where=str(meta.path), error=ProductError)
    about = {"source": meta.path.name}
    return with_known_facts(Sensor("desis", axis, ("VNIR",) * len(axis), about=about), "desis")


def _quality_of(
    parts: DesisFiles, header: RasterInfo, notes: list[str]
) -> tuple[dict[str, int], float | None]:
    """The bands of QL_QUALITY-2 by name: as they are described, else in the order of `QUALITY_BANDS`."""
    if parts.quality is None:
        notes.append("QL_QUALITY-2 is missing: nothing but nodata is masked")
        return {}, None
    there = info(parts.quality)
    if there.size != header.size:
        raise ProductError(
            f"{parts.quality.name} is {there.height} x {there.width} (row, column), "
            f"the image {header.height} x {header.width}",
            where=str(parts.quality.parent),
            fix="Download the product again: its parts do not belong together.",
        )
    named = [re.sub(r"[^a-z]+", "_", text.lower()).strip("_") for text in there.descriptions]
    described = {name: named.index(name) + 1 for name in QUALITY_BANDS if name in named}
    masks = {name for _, names in _REASONS for name in names}
    if masks <= set(described):
        return described, there.nodata
    if there.bands == len(QUALITY_BANDS):
        notes.append(f"{parts.quality.name} does not name its bands: taken as {', '.join(QUALITY_BANDS)}")
        return {name: number for number, name in enumerate(QUALITY_BANDS, 1)}, there.nodata
    notes.append(
        f"{parts.quality.name} has {there.bands} bands in place of {len(QUALITY_BANDS)}: only those it names "
        f"are used ({', '.join(described) or 'none'})"
    )
    return described, there.nodata
