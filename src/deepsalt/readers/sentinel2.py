"""Sentinel-2 L2A products: a SAFE folder with one image a band, at 10, 20 and 60 m, read lazily."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.band_files import BandFile, BandFilesScene, LayerFile, header_of, nesting_of
from deepsalt.readers.raster import RasterInfo
from deepsalt.readers.sentinel2_files import RESOLUTIONS, Images, file_code, grid_of, images_in, nearest
from deepsalt.readers.sentinel2_xml import (
    Sentinel2Metadata,
    looks_like_metadata,
    read_metadata,
    tile_facts,
)
from deepsalt.spectra import MaskReason, Sensor, Window, first_reason

_TILE = re.compile(r"(?:^|_)T(\d\d[A-Z]{3})(?:_|$)")
#: Which of a product's XML files to look at when a folder is recognised, at most.
_LOOKED_AT = 20
#: The only band that level 2A never has: it sees the cirrus, not the ground.
_NEVER, _WHY_NEVER = "B10", "not delivered at level 2A"
#: Reason of each class of the scene classification (SCL). Dark areas (2), bare soil (5) and unclassified
#: pixels (7) are valid: bright crusts and wet salt often lie in them. Vegetation (4) is told by option.
_NODATA_CLASS, _VEGETATION_CLASS = 0, 4
_REASON_OF_CLASSES = {
    MaskReason.BACKGROUND: (_NODATA_CLASS,),
    MaskReason.CLOUD: (8, 9),  # medium, high probability
    MaskReason.CLOUD_SHADOW: (3,),
    MaskReason.CIRRUS: (10,),
    MaskReason.SNOW: (11,),
    MaskReason.WATER: (6,),
    MaskReason.DEFECTIVE: (1,),  # saturated or defective
}
_TABLE_OF = {"A": "sentinel2", "B": "sentinel2b"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Sentinel2Scene(BandFilesScene):
    """A Sentinel-2 L2A product on the grid of one resolution.

    classes     the scene classification, or None where the product has none
    vegetation  whether its class "vegetation" is masked
    """

    classes: LayerFile | None = None
    vegetation: bool = False

    @property
    def quality_layers(self) -> tuple[str, ...]:
        """Names of the layers that `mask` uses."""
        return ("SCL",) if self.classes else ()

    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        """(y, x) MaskReason of each pixel, from the scene classification (SCL).

        Classes: 0 background; 8, 9 cloud; 3 cloud shadow; 10 cirrus; 11 snow; 6 water; 1 (saturated or
        defective) defective; 4 vegetation where that was asked for; all others valid. A pixel that holds
        several pixels of the classification has the first reason of any of them. Without a classification:
        background and defective pixels by the nodata of the bands.
        """
        part = self._checked(window)
        if self.classes is None:
            return self._footprint(part)
        found = self.classes.read(part)
        reasons = dict(_REASON_OF_CLASSES)
        if self.vegetation:
            reasons[MaskReason.VEGETATION] = (_VEGETATION_CLASS,)
        holds = {reason: np.any(np.isin(found, codes), axis=0) for reason, codes in reasons.items()}
        return first_reason((part.rows, part.columns), holds)


class Sentinel2Reader:
    """Reader of Sentinel-2 L2A products."""

    name = "sentinel2"
    description = "Sentinel-2 L2A product: the .SAFE folder, or its MTD_MSIL2A.xml"
    specificity = 30

    def matches(self, path: Path) -> bool:
        """The XML of a user product, a folder that holds one, or a .SAFE folder of MSI without it."""
        if path.is_file():
            return looks_like_metadata(path)
        if any(map(looks_like_metadata, islice(_xml_in(path), _LOOKED_AT))):
            return True
        return path.suffix.upper() == ".SAFE" and "_MSI" in path.name.upper()

    def open(self, path: Path, *, resolution: int = 20, vegetation: bool = False) -> Sentinel2Scene:
        """Open a product; only metadata and the headers of the images are read.

        resolution  metres of a pixel: 10, 20 (default) or 60. A band is taken from its image of that
                    resolution; else from the next finer one, averaged; else from a coarser one, repeated
        vegetation  whether pixels that the product classifies as vegetation are masked. The default is no:
                    how much green is too much is for the user's own rule

        Raises ProductError for a product that is not L2A, or of which a part is missing, damaged or
        contradicts another.
        """
        if resolution not in RESOLUTIONS:
            raise UsageError(f"resolution={resolution!r}", fix="Use 10, 20 or 60 (metres).")
        meta = read_metadata(_metadata_in(path))
        images = images_in(meta)
        grid = grid_of(images, resolution, meta)
        notes = list(meta.notes)
        sensor = _sensor(meta, notes)
        files = tuple(_band_file(band, images, grid, resolution, meta) for band in sensor.detector)
        if not grid.crs:
            notes.append("no coordinate system in the images: maps of it have none either")
        classes = _classes(images, grid, resolution, notes)
        return Sentinel2Scene(
            name=meta.name,
            path=str(path),
            sensor=sensor,
            height=grid.height,
            width=grid.width,
            crs=grid.crs,
            transform=grid.transform,
            block=grid.block,
            acquired=meta.acquired,
            level="L2A",
            band_faults=_faults(sensor, files, notes),
            facts=_facts(meta, images),
            notes=tuple(notes),
            files=files,
            classes=classes,
            vegetation=vegetation,
        )


READER = Sentinel2Reader()


def _xml_in(folder: Path) -> Iterator[Path]:
    return (
        (file for file in folder.iterdir() if file.suffix.lower() == ".xml") if folder.is_dir() else iter(())
    )


def _metadata_in(path: Path) -> Path:
    if path.is_file():
        return path
    found = sorted(filter(looks_like_metadata, _xml_in(path)))
    if len(found) == 1:
        return found[0]
    raise ProductError(
        f"{len(found)} files are metadata of a product" if found else "there is no MTD_MSIL2A.xml",
        where=str(path),
        fix="Give the MTD_MSIL2A.xml of one product."
        if found
        else "It holds scale and offset: copy it again.",
    )


def _band_file(
    band: str, images: Images, grid: RasterInfo, resolution: int, meta: Sentinel2Metadata
) -> BandFile | None:
    path = nearest(file_code(band), images, resolution)
    if path is None or band == _NEVER:
        return None
    return BandFile(
        path=path,
        nesting=nesting_of(header_of(path), grid),
        gain=1.0 / meta.quantification,
        offset=meta.offsets[band] / meta.quantification,
        nodata=meta.nodata,
        saturated=meta.saturated,
    )


def _classes(images: Images, grid: RasterInfo, resolution: int, notes: list[str]) -> LayerFile | None:
    path = nearest("SCL", images, resolution)
    if path is None:
        notes.append("no scene classification (SCL): clouds, shadows, snow and water are not masked")
        return None
    notes.append("scene classification: dark areas (2) and unclassified pixels (7) count as valid")
    return LayerFile(path, nesting_of(header_of(path), grid))


def _sensor(meta: Sentinel2Metadata, notes: list[str]) -> Sensor:
    """Bands of the spacecraft; those of Sentinel-2A where no table of its own is shipped."""
    name = _TABLE_OF.get(meta.spacecraft[-1:].upper())
    if name is None:
        notes.append(f"bands of Sentinel-2A are assumed for {meta.spacecraft or 'a spacecraft not named'}")
    return Sensor.load(name or "sentinel2")


def _faults(sensor: Sensor, files: tuple[BandFile | None, ...], notes: list[str]) -> tuple[str, ...]:
    faults = []
    for band, file in zip(sensor.detector, files, strict=True):
        faults.append("" if file else _WHY_NEVER if band == _NEVER else "no file in the product")
    lacking = [band for band, fault in zip(sensor.detector, faults, strict=True) if fault and band != _NEVER]
    if lacking:
        notes.append(f"no file of {', '.join(lacking)}: NaN throughout")
    return tuple(faults)


def _facts(meta: Sentinel2Metadata, images: Images) -> dict[str, str]:
    facts = dict(meta.facts)
    tile = _TILE.search(next(iter(images.values())).name) or _TILE.search(meta.name)
    if tile:
        facts["tile"] = tile[1]
    for file in sorted(meta.path.parent.glob("GRANULE/*/MTD_TL.xml")):
        facts |= tile_facts(file)
    return facts
