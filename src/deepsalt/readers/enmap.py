"""EnMAP L2A products: a folder with METADATA.XML, SPECTRAL_IMAGE and quality layers, read lazily."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import AxisError, ProductError, UsageError
from deepsalt.readers.bands import band_order, faults_of
from deepsalt.readers.enmap_xml import EnmapMetadata, level_in_name, looks_like_metadata, read_metadata
from deepsalt.readers.raster import RasterInfo, empty_bands, info, read_bands
from deepsalt.readers.raster_scene import RasterScene, time_in_name, with_known_facts
from deepsalt.spectra import Axis, MaskReason, Sensor, Window, first_reason

_IMAGE = re.compile(r"^(?P<name>.+)-SPECTRAL_IMAGE(_COG)?\.TIFF?$", re.IGNORECASE)
_LAYER = re.compile(r"-QL_(?:QUALITY_)?(?P<layer>[A-Z]+)(_COG)?\.TIFF?$", re.IGNORECASE)
_NODATA = -32768.0
_WATER, _BACKGROUND = 2, 3
_SATURATED = 16 | 32
_DEFECTIVE_SHARE = 0.10
#: Layers that `mask` uses; a product without one is still read, and says so in its notes.
_LAYERS = ("CLASSES", "CLOUD", "CLOUDSHADOW", "CIRRUS", "HAZE", "SNOW", "TESTFLAGS", "PIXELMASK")


@dataclass(frozen=True, eq=False, kw_only=True)
class EnmapScene(RasterScene):
    """An EnMAP L2A product.

    layers       quality layers there are, by the last part of their names
    cirrus_from  cirrus levels from this one on are masked: 1 thin, 2 medium, 3 thick
    """

    layers: Mapping[str, Path] = field(default_factory=dict)
    cirrus_from: int = 1

    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        """(y, x) MaskReason of each pixel; where several hold, the first in the order of MaskReason.

        Background: class 3, or nodata in the image. Cloud, cloud shadow, haze, snow: their layers.
        Cirrus: every level from `cirrus_from` (1, thin) on. Water: class 2. Defective: PIXELMASK
        marks more than 10 % of the bands that hold data, TESTFLAGS report saturation (bits 16, 32),
        or one detector has no data.
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
                MaskReason.DEFECTIVE: (footprint == MaskReason.DEFECTIVE) | self._defective(part),
            },
        )

    def _layer(self, layer: str, part: Window) -> NDArray[np.uint8]:
        if layer not in self.layers:
            return np.zeros((part.rows, part.columns), np.uint8)
        return read_bands(self.layers[layer], part, [1])[0]

    def _defective(self, part: Window) -> NDArray[np.bool_]:
        defective: NDArray[np.bool_] = (self._layer("TESTFLAGS", part) & _SATURATED) > 0
        if "PIXELMASK" in self.layers:
            filled = self.bands[~self.empty]
            marked = read_bands(self.layers["PIXELMASK"], part, filled.tolist()) == 1
            defective |= marked.sum(axis=0) > _DEFECTIVE_SHARE * len(filled)
        return defective


class EnmapReader:
    """Reader of EnMAP L2A product folders."""

    name = "enmap"
    description = "EnMAP L2A product: the folder with METADATA.XML, SPECTRAL_IMAGE and QL layers"
    specificity = 30

    def matches(self, path: Path) -> bool:
        """A folder with an EnMAP SPECTRAL_IMAGE, that image itself, or a METADATA.XML of EnMAP.

        Other missions name their images alike: the name of the product or its metadata must say EnMAP.
        """
        if looks_like_metadata(path):
            return True
        folder = path if path.is_dir() else path.parent
        images = _images(path) if path.is_dir() else [path] * bool(_IMAGE.match(path.name))
        named = any(image.name.upper().startswith("ENMAP") for image in images)
        return named or (bool(images) and any(map(looks_like_metadata, folder.iterdir())))

    def open(self, path: Path, *, cirrus_from: int = 1) -> EnmapScene:
        """Open a product; only metadata are read.

        cirrus_from  lowest cirrus level that is masked: 1 (thin, the default), 2 or 3 (thick only)

        Raises ProductError for a part that is missing, damaged or contradicts another.
        """
        if cirrus_from not in (1, 2, 3):
            raise UsageError(f"cirrus_from={cirrus_from!r}", fix="Use 1 (thin), 2 or 3 (thick only).")
        image = _image_of(path)
        product = _product_name(image)
        header = info(image)
        meta = _metadata_of(image.parent, product)
        notes: list[str] = []
        if meta is None:
            meta = _assumed(image, product, header, notes)
        _check_agreement(meta, header)
        nodata = _nodata(header, notes)
        order, order_notes = band_order(meta.centres_nm)
        sensor = _sensor(meta, order)
        empty = meta.empty if meta.empty is not None else empty_bands(header, nodata)
        layers = _layers_of(image.parent, product, header, notes)
        if not header.crs:
            notes.append("no coordinate system in the image: maps of it have none either")
        return EnmapScene(
            name=product,
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
            image=image,
            bands=order + 1,
            gain=meta.gain[order],
            offset=meta.offset[order],
            nodata=nodata,
            layers=layers,
            cirrus_from=cirrus_from,
            facts=meta.facts,
        )


READER = EnmapReader()


def _images(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if _IMAGE.match(file.name))


def _image_of(path: Path) -> Path:
    """The SPECTRAL_IMAGE of a folder, of a METADATA.XML beside it, or the image itself."""
    if path.is_file() and _IMAGE.match(path.name):
        return path
    folder = path if path.is_dir() else path.parent
    images = _images(folder)
    if len(images) == 1:
        return images[0]
    if not images:
        raise ProductError(
            "there is no SPECTRAL_IMAGE.TIF beside the metadata",
            where=str(path),
            fix="Give the whole product folder.",
        )
    raise ProductError(
        f"{len(images)} spectral images lie in one folder",
        where=str(folder),
        fix=f"Give one of them, for example {images[0].name}.",
    )


def _product_name(image: Path) -> str:
    match = _IMAGE.match(image.name)
    return match["name"] if match else image.stem


def _metadata_of(folder: Path, product: str) -> EnmapMetadata | None:
    """Metadata of the product; a METADATA.XML of another product in the folder is not its own."""
    own = [f for f in folder.iterdir() if f.name.lower() == f"{product}-metadata.xml".lower()]
    loose = [f for f in folder.iterdir() if f.name.lower() == "metadata.xml"]
    return read_metadata((own or loose)[0]) if own or loose else None


def _assumed(image: Path, product: str, header: RasterInfo, notes: list[str]) -> EnmapMetadata:
    """Metadata of a product without METADATA.XML, from the shipped table of EnMAP."""
    table = Sensor.load("enmap")
    if header.bands != len(table):
        raise ProductError(
            f"no METADATA.XML, and {header.bands} bands are not the {len(table)} of EnMAP",
            where=str(image),
            fix="Put the product's METADATA.XML beside the image: it holds the wavelengths.",
        )
    notes.append(
        "no METADATA.XML: wavelengths and widths of the shipped EnMAP table, scale 0.0001, are assumed"
    )
    bands = len(table)
    return EnmapMetadata(
        path=image,
        name=product,
        level=level_in_name(product),
        acquired=time_in_name(product),
        centres_nm=table.axis.values,
        fwhm_nm=table.axis.widths,
        gain=np.full(bands, 1e-4),
        offset=np.zeros(bands),
        detector=table.detector,
        empty=None,
    )


def _check_agreement(meta: EnmapMetadata, header: RasterInfo) -> None:
    if len(meta.centres_nm) != header.bands:
        raise ProductError(
            f"{meta.path.name} describes {len(meta.centres_nm)} bands, {header.path.name} has {header.bands}",
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
    try:
        axis = Axis(meta.centres_nm[order], "nm", meta.fwhm_nm[order])
    except AxisError as error:
        raise ProductError(error.found, where=str(meta.path), fix=error.fix) from error
    sensor = Sensor("enmap", axis, tuple(meta.detector[i] for i in order), about={"source": meta.path.name})
    return with_known_facts(sensor, "enmap")


def _layers_of(folder: Path, product: str, header: RasterInfo, notes: list[str]) -> dict[str, Path]:
    """Quality layers of the product that `mask` uses, checked to lie on the image's grid."""
    found = {}
    for file in sorted(folder.iterdir()):
        match = _LAYER.search(file.name)
        if (
            match
            and match["layer"].upper() in _LAYERS
            and file.name[: match.start()].lower() == product.lower()
        ):
            found[match["layer"].upper()] = file
    for layer, file in found.items():
        bands = header.bands if layer == "PIXELMASK" else 1
        there = info(file)
        if there.size != header.size or there.bands < bands:
            raise ProductError(
                f"{file.name} is {there.bands} x {there.height} x {there.width} (band, row, column), "
                f"the image {header.bands} x {header.height} x {header.width}",
                where=str(folder),
                fix="Download the product again: its parts do not belong together.",
            )
    missing = [layer for layer in _LAYERS if layer not in found]
    if missing:
        notes.append(f"quality layers missing, not masked by them: {', '.join(missing)}")
    return found
