"""Landsat 8 and 9 Collection 2 Level-2 products: a folder of one GeoTIFF a band, read lazily.

Surface temperature (ST) bands are never read: their numbers are kelvins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.band_files import BandFile, BandFilesScene, LayerFile, header_of, nesting_of
from deepsalt.readers.landsat_files import first_band, layers_in, looks_like_product, metadata_of
from deepsalt.readers.landsat_mtl import LandsatMetadata, looks_like_mtl
from deepsalt.readers.raster import RasterInfo
from deepsalt.spectra import MaskReason, Sensor, Window, first_reason

#: Stored number of a pixel without data.
_FILL = 0.0
#: Bits of QA_PIXEL (USGS, Landsat 8-9 Collection 2 Level 2 Science Product Guide). 1 is dilated cloud.
_PIXEL_BITS = {
    MaskReason.BACKGROUND: (0,),
    MaskReason.CLOUD: (1, 3),
    MaskReason.CLOUD_SHADOW: (4,),
    MaskReason.CIRRUS: (2,),
    MaskReason.SNOW: (5,),
    MaskReason.WATER: (7,),
}
#: Bits of QA_RADSAT: bit n is saturation of band n + 1; 11 is ground hidden by other ground.
_HIDDEN_BIT = 11
#: Bits 6-7 of SR_QA_AEROSOL: 3 is a high aerosol load.
_AEROSOL_SHIFT, _HIGH_AEROSOL = 6, 3
_MASKS = ("QA_PIXEL", "QA_RADSAT")
_SPACECRAFT = ("LANDSAT_8", "LANDSAT_9")
_LEVELS = ("L2SP", "L2SR")


@dataclass(frozen=True, eq=False, kw_only=True)
class LandsatScene(BandFilesScene):
    """A Landsat 8 or 9 Collection 2 Level-2 product.

    layers   quality layers there are: QA_PIXEL, QA_RADSAT, SR_QA_AEROSOL
    aerosol  whether pixels of a high aerosol load are masked
    """

    layers: Mapping[str, LayerFile]
    aerosol: bool = False

    @property
    def quality_layers(self) -> tuple[str, ...]:
        """Names of the layers that `mask` uses."""
        return tuple(sorted(self.layers))

    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        """(y, x) MaskReason of each pixel; where several hold, the first in the order of this text.

        QA_PIXEL: fill is background; cloud and dilated cloud; cloud shadow; cirrus; snow; water. High aerosol
        is haze where that was asked for. QA_RADSAT: a band without ground in sight is defective, one that
        is saturated saturated. Without QA_PIXEL: background and defective pixels by the nodata of the bands.
        """
        part = self._checked(window)
        pixel, radiometry = self._bits("QA_PIXEL", part), self._bits("QA_RADSAT", part)
        holds = {reason: _any_bit(pixel, bits) for reason, bits in _PIXEL_BITS.items()}
        if self.aerosol:
            level = self._bits("SR_QA_AEROSOL", part) >> _AEROSOL_SHIFT
            holds[MaskReason.HAZE] = (level == _HIGH_AEROSOL) & ~holds[MaskReason.BACKGROUND]
        holds[MaskReason.DEFECTIVE] = _any_bit(radiometry, (_HIDDEN_BIT,))
        holds[MaskReason.SATURATED] = _any_bit(radiometry, tuple(map(_bit_of, self.sensor.detector)))
        if "QA_PIXEL" not in self.layers:
            footprint = self._footprint(part)
            holds[MaskReason.BACKGROUND] = footprint == MaskReason.BACKGROUND
            holds[MaskReason.DEFECTIVE] |= footprint == MaskReason.DEFECTIVE
        return first_reason((part.rows, part.columns), holds)

    def _cube(self, part: Window) -> NDArray[np.float32]:
        """Reflectance, with NaN also where a band was saturated: its number is no measurement."""
        cube = super()._cube(part)
        radiometry = self._bits("QA_RADSAT", part)
        for at, band in enumerate(self.sensor.detector if radiometry.any() else ()):
            cube[..., at][_any_bit(radiometry, (_bit_of(band),))] = np.nan
        return cube

    def _bits(self, layer: str, part: Window) -> NDArray[np.uint16]:
        if layer not in self.layers:
            return np.zeros((part.rows, part.columns), np.uint16)
        return np.bitwise_or.reduce(self.layers[layer].read(part).astype(np.uint16), axis=0)


class LandsatReader:
    """Reader of Landsat 8 and 9 Collection 2 Level-2 products."""

    name = "landsat"
    description = "Landsat 8/9 Collection 2 Level-2 product: the folder, or its _MTL.txt, .xml or .json"
    specificity = 30

    def matches(self, path: Path) -> bool:
        """An MTL file, a folder with one, or a folder with level-2 images under their own names."""
        if path.is_file():
            return looks_like_mtl(path)
        return looks_like_product(path)

    def open(self, path: Path, *, aerosol: bool = False) -> LandsatScene:
        """Open a product; only metadata and the headers of the images are read.

        aerosol  whether pixels with a high aerosol load (SR_QA_AEROSOL) are masked, as haze. The default
                 is no: bright ground, salt crusts among it, is easily taken for aerosol

        Raises ProductError for a product of level 1 or of another Landsat, or of which a part is
        missing, damaged or contradicts another.
        """
        notes: list[str] = []
        meta = metadata_of(path, notes)
        _check_kind(meta)
        found = layers_in(path if path.is_dir() else path.parent, meta)
        sensor = _sensor(meta, notes)
        grid = header_of(first_band(found, meta))
        files = tuple(_band_file(band, found, grid, meta) for band in sensor.detector)
        lacking = [band for band, file in zip(sensor.detector, files, strict=True) if file is None]
        if lacking:
            notes.append(f"no file of {', '.join(lacking)}: NaN throughout")
        if not grid.crs:
            notes.append("no coordinate system in the images: maps of it have none either")
        layers = _quality(found, grid, notes, aerosol)
        return LandsatScene(
            name=meta.name,
            path=str(path),
            sensor=sensor,
            height=grid.height,
            width=grid.width,
            crs=grid.crs,
            transform=grid.transform,
            block=grid.block,
            acquired=meta.acquired,
            level=meta.level,
            band_faults=tuple("" if file else "no file in the product" for file in files),
            facts=meta.facts,
            notes=tuple(notes),
            files=files,
            layers=layers,
            aerosol=aerosol,
        )


READER = LandsatReader()


def _any_bit(values: NDArray[np.uint16], bits: tuple[int, ...]) -> NDArray[np.bool_]:
    return (values & np.uint16(sum(1 << bit for bit in bits))) != 0


def _bit_of(band: str) -> int:
    """Bit of QA_RADSAT that tells of a band: 0 for "B1"."""
    return int(band[1:]) - 1


def _check_kind(meta: LandsatMetadata) -> None:
    if meta.level.upper() not in _LEVELS:
        raise ProductError(
            f"the product is {meta.level or 'of no level told'}, not level 2 (L2SP or L2SR)",
            where=str(meta.path),
            fix="Order surface reflectance (Collection 2 Level-2).",
        )
    if meta.spacecraft not in _SPACECRAFT:
        raise ProductError(
            f"the spacecraft is {meta.spacecraft or 'not named'}, not LANDSAT_8 or LANDSAT_9",
            where=str(meta.path),
            fix="Give a product of Landsat 8 or 9.",
        )


def _band_file(
    band: str, found: Mapping[str, Path], grid: RasterInfo, meta: LandsatMetadata
) -> BandFile | None:
    path = found.get(f"SR_{band}")
    if path is None:
        return None
    if band not in meta.gains or band not in meta.offsets:
        raise ProductError(
            f"no scale of band {band} (LEVEL2_SURFACE_REFLECTANCE_PARAMETERS)",
            where=str(meta.path),
            fix="Give the MTL file of the level-2 product: that of level 1 has other scales.",
        )
    return BandFile(
        path, nesting_of(header_of(path), grid), meta.gains[band], meta.offsets[band], nodata=_FILL
    )


def _quality(
    found: Mapping[str, Path], grid: RasterInfo, notes: list[str], aerosol: bool
) -> dict[str, LayerFile]:
    wanted = (*_MASKS, "SR_QA_AEROSOL") if aerosol else _MASKS
    missing = [layer for layer in wanted if layer not in found]
    if missing:
        notes.append(f"quality layers missing, not masked by them: {', '.join(missing)}")
    return {
        layer: LayerFile(found[layer], nesting_of(header_of(found[layer]), grid))
        for layer in wanted
        if layer in found
    }


def _sensor(meta: LandsatMetadata, notes: list[str]) -> Sensor:
    """OLI of Landsat 8; OLI-2 of Landsat 9 was built alike."""
    sensor = Sensor.load("landsat8")
    if meta.spacecraft == "LANDSAT_9":
        notes.append("the bands of Landsat 8 are taken for Landsat 9, whose OLI-2 was built alike")
    return sensor
