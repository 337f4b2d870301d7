"""EnMAP L2A products: a folder or zip with METADATA.XML, SPECTRAL_IMAGE and quality layers, read lazily."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.bands import Overlap, band_order, faults_of
from deepsalt.readers.enmap_files import EnmapFiles, check_acquisition, find_product, is_enmap, note_packed
from deepsalt.readers.enmap_xml import EnmapMetadata, level_in_name, read_metadata
from deepsalt.readers.file_axis import axis_of_file
from deepsalt.readers.product_files import File
from deepsalt.readers.raster import RasterInfo, empty_bands, info, read_bands
from deepsalt.readers.raster_scene import RasterScene, time_in_name, with_known_facts
from deepsalt.spectra import MaskReason, Sensor, Window, first_reason

_NODATA = -32768.0
_WATER, _BACKGROUND = 2, 3
#: TESTFLAGS bits: saturated in the SWIR, in the VNIR.
_SATURATED = 16 | 32
_DEFECTIVE_SHARE = 0.10


@dataclass(frozen=True, eq=False, kw_only=True)
class EnmapScene(RasterScene):
    """An EnMAP L2A product.

    layers       quality layers there are, by the last part of their names
    cirrus_from  cirrus levels from this one on are masked: 1 thin, 2 medium, 3 thick
    """

    layers: Mapping[str, File] = field(default_factory=dict)
    cirrus_from: int = 1

    @property
    def quality_layers(self) -> tuple[str, ...]:
        """Names of the layers that `mask` uses."""
        return tuple(sorted(self.layers))

    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        """(y, x) MaskReason of each pixel; where several hold, the first in the order of MaskReason.

        Background: class 3, or nodata in the image. Cloud, cloud shadow, haze, snow: their layers.
        Cirrus: every level from `cirrus_from` (1, thin) on. Water: class 2. Saturated: TESTFLAGS say so
        of either detector (bits 16, 32). Defective: PIXELMASK marks more than 10 % of the bands that hold
        data, or one detector has no data.
        """
        part = self._checked(window)
        footprint = self._footprint(part)
        classes, cirrus = self._layer("CLASSES", part), self._layer("CIRRUS", part)
        return first_reason(
            (part.rows, part.columns),
            {
                MaskReason.BACKGROUND: (footprint == MaskReason.BACKGROUND) | (classes == _BACKGROUND),
                MaskReason.CLOUD: self._layer("CLOUD", part) == 1,
                MaskReason.CLOUD_SHADOW: self._layer("CLOUDSHADOW", part) == 1,
                MaskReason.CIRRUS: (cirrus >= self.cirrus_from) & (cirrus <= 3),
                MaskReason.HAZE: self._layer("HAZE", part) == 1,
                MaskReason.SNOW: self._layer("SNOW", part) == 1,
                MaskReason.WATER: classes == _WATER,
                MaskReason.SATURATED: (self._layer("TESTFLAGS", part) & _SATURATED) > 0,
                MaskReason.DEFECTIVE: (footprint == MaskReason.DEFECTIVE) | self._defective(part),
            },
        )

    def _layer(self, layer: str, part: Window) -> NDArray[np.uint8]:
        if layer not in self.layers:
            return np.zeros((part.rows, part.columns), np.uint8)
        return read_bands(self.layers[layer], part, [1])[0]

    def _defective(self, part: Window) -> NDArray[np.bool_]:
        if "PIXELMASK" not in self.layers:
            return np.zeros((part.rows, part.columns), bool)
        filled = self.bands[~self.empty]
        marked = read_bands(self.layers["PIXELMASK"], part, filled.tolist()) == 1
        return np.asarray(marked.sum(axis=0, dtype=np.uint16) > _DEFECTIVE_SHARE * len(filled))


class EnmapReader:
    """Reader of EnMAP L2A products."""

    name = "enmap"
    description = "EnMAP L2A product: the folder or zip with METADATA.XML, SPECTRAL_IMAGE and QL layers"
    specificity = 30

    def matches(self, path: Path) -> bool:
        """A folder or zip with an EnMAP SPECTRAL_IMAGE, that image itself, or a METADATA.XML of EnMAP."""
        return is_enmap(path)

    def open(
        self, path: Path, *, cirrus_from: int = 1, overlap: Overlap = "both", product: str | None = None
    ) -> EnmapScene:
        """Open a product; only metadata are read.

        cirrus_from  lowest cirrus level that is masked: 1 (thin, the default), 2 or 3 (thick only)
        overlap      where both detectors see (902-994 nm): "both" keeps all bands, sorted by wavelength;
                     "vnir" or "swir" keeps those of one detector
        product      a part of the product's name, where several lie in one folder or zip

        Raises ProductError for a part that is missing, damaged or contradicts another.
        """
        if cirrus_from not in (1, 2, 3):
            raise UsageError(f"cirrus_from={cirrus_from!r}", fix="Use 1 (thin), 2 or 3 (thick only).")
        parts = find_product(path, product)
        header = info(parts.image)
        notes: list[str] = []
        meta = _metadata_of(parts, header, notes)
        _check_agreement(meta, header)
        nodata = _nodata(header, notes)
        order, order_notes = _order(meta, overlap)
        sensor = _sensor(meta, order)
        empty = meta.empty if meta.empty is not None else empty_bands(header, nodata)
        layers = parts.layers(header, notes)
        note_packed(parts, notes)
        if not header.crs:
            notes.append("no coordinate system in the image: maps of it have none either")
        return EnmapScene(
            name=parts.name,
            path=str(path),
            sensor=sensor,
            height=header.height,
            width=header.width,
            crs=header.crs,
            transform=header.transform,
            block=header.block,
            acquired=meta.acquired,
            level=meta.level,
            band_faults=faults_of(empty[order]),
            notes=(*meta.notes, *order_notes, *notes),
            image=parts.image,
            bands=order + 1,
            gain=meta.gain[order],
            offset=meta.offset[order],
            nodata=nodata,
            layers=layers,
            cirrus_from=cirrus_from,
            facts=meta.facts,
        )


READER = EnmapReader()


def _metadata_of(parts: EnmapFiles, header: RasterInfo, notes: list[str]) -> EnmapMetadata:
    """What the product's METADATA.XML says, or, where it has none, the shipped table of EnMAP."""
    file = parts.metadata
    if file is None:
        return _assumed(parts, header, notes)
    meta = read_metadata(file)
    check_acquisition(parts, meta.name, file, notes)
    return meta


def _assumed(parts: EnmapFiles, header: RasterInfo, notes: list[str]) -> EnmapMetadata:
    """Metadata of a product without METADATA.XML, from the shipped table of EnMAP."""
    table = Sensor.load("enmap")
    if header.bands != len(table):
        raise ProductError(
            f"no METADATA.XML, and {header.bands} bands are not the {len(table)} of EnMAP",
            where=str(parts.image),
            fix="Put the product's METADATA.XML beside the image: it holds the wavelengths.",
        )
    notes.append(
        "no METADATA.XML: wavelengths and widths of the shipped EnMAP table, scale 0.0001, are assumed"
    )
    if other := parts.foreign_metadata:
        notes.append(f"metadata of other products are not used: {', '.join(other)}")
    bands = len(table)
    return EnmapMetadata(
        path=parts.image,
        name=parts.name,
        level=level_in_name(parts.name),
        acquired=time_in_name(parts.name),
        centres_nm=table.axis.values,
        fwhm_nm=table.axis.widths,
        gain=np.full(bands, 1e-4),
        offset=np.zeros(bands),
        detector=table.detector,
        empty=None,
    )


def _order(meta: EnmapMetadata, overlap: Overlap) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    if overlap != "both" and not {"VNIR", "SWIR"} <= set(meta.detector):
        raise ProductError(
            f"overlap={overlap!r}, but the detectors of the bands are not told (expectedChannelsList)",
            where=str(meta.path),
            fix="Leave overlap= away: all bands are delivered then.",
        )
    return band_order(meta.centres_nm, meta.detector, overlap)


def _check_agreement(meta: EnmapMetadata, header: RasterInfo) -> None:
    if len(meta.centres_nm) != header.bands:
        swapped = " (are its axes swapped?)" if len(meta.centres_nm) in header.size else ""
        raise ProductError(
            f"{meta.path.name} describes {len(meta.centres_nm)} bands, {header.path.name} has {header.bands}"
            f"{swapped}",
            where=str(header.path.parent),
            fix="Download the product again: its parts do not belong together.",
        )
    if meta.level and meta.level.upper() != "L2A":
        raise ProductError(
            f"the product is {meta.level}, not L2A",
            where=str(header.path.parent),
            fix="Order surface reflectance (L2A).",
        )


def _nodata(header: RasterInfo, notes: list[str]) -> float:
    if header.nodata is None:
        notes.append(f"the image states no nodata value: {_NODATA:g} is assumed, as in all L2A products")
        return _NODATA
    return float(header.nodata)


def _sensor(meta: EnmapMetadata, order: NDArray[np.intp]) -> Sensor:
    axis = axis_of_file(
        meta.centres_nm[order], "nm", meta.fwhm_nm[order], where=str(meta.path), error=ProductError
    )
    sensor = Sensor("enmap", axis, tuple(meta.detector[i] for i in order), about={"source": meta.path.name})
    return with_known_facts(sensor, "enmap")
