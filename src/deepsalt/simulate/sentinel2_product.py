"""A Sentinel-2 L2A product (SAFE folder) of the land: three grids, one overpass, one file a band.

As in products of processing baseline 04.00 and later: JPEG 2000 without loss, no nodata tag and no scale in
the images, 0 = no data, 65535 = saturated, stored = reflectance * 10000 + 1000; the offset stands in
MTD_MSIL2A.xml alone. Each band is there at its own resolution and, averaged, at the coarser ones (B8 at 10 m
only); the scene classification at 20 and 60 m. Left out: aerosol and water vapour maps, true colour images,
QI_DATA. B9 is drawn like any other band: the deep water vapour band of the real one is not simulated.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.acquisition import Acquisition
from deepsalt.simulate.place import Grid
from deepsalt.simulate.sentinel2_classes import scene_classes
from deepsalt.simulate.sentinel2_overpass import NATIVE, Overpass
from deepsalt.simulate.sentinel2_xml import OFFSET, QUANTIFICATION, SPECIAL, Names, product_xml, tile_xml

NODATA, SATURATED = SPECIAL["NODATA"], SPECIAL["SATURATED"]
#: The band that is not averaged to coarser pixels.
_ONE_RESOLUTION = "B8"


def write_sentinel2(overpass: Overpass, folder: Path) -> Path:
    """Write the product into `folder`, under its own name; returns the .SAFE folder."""
    names = Names.of(overpass.main)
    product = folder / f"{names.product}.SAFE"
    images = _images(overpass)
    for (layer, metres), values in images.items():
        file = product / names.image(layer, metres)
        file.parent.mkdir(parents=True, exist_ok=True)
        _write_jp2(file.with_name(f"{file.name}.jp2"), values, overpass.taken[metres].grid)
    listed = [names.image(layer, metres) for layer, metres in images]
    (product / "MTD_MSIL2A.xml").write_bytes(product_xml(overpass.main, names, listed))
    (product / names.granule / "MTD_TL.xml").write_bytes(tile_xml(overpass.taken, names))
    return product


def _images(overpass: Overpass) -> dict[tuple[str, int], NDArray[np.uint8] | NDArray[np.uint16]]:
    """Every image by file code and metres: bands at their own resolution and coarser ones, then classes."""
    images: dict[tuple[str, int], NDArray[np.uint8] | NDArray[np.uint16]] = {}
    for native, bands in NATIVE.items():
        for band in bands:
            stored = stored_numbers(overpass.taken[native], band)
            for metres in NATIVE if band != _ONE_RESOLUTION else (native,):
                if metres >= native:
                    images[_code(band), metres] = _averaged(stored, metres // native)
    classes = scene_classes(overpass)
    images["SCL", 20], images["SCL", 60] = classes, classes[1::3, 1::3]
    return dict(sorted(images.items()))


def stored_numbers(taken: Acquisition, band: str) -> NDArray[np.uint16]:
    """(y, x) numbers of one band as the product stores them."""
    reflectance = taken.reflectance[taken.sensor.detector.index(band)]
    scaled = np.rint(reflectance * QUANTIFICATION - OFFSET)
    return np.where(np.isnan(scaled), NODATA, np.clip(scaled, NODATA + 1, SATURATED - 1)).astype(np.uint16)


def _averaged(stored: NDArray[np.uint16], n: int) -> NDArray[np.uint16]:
    """Means of n x n pixels; no data where one of them has none."""
    blocks = stored.reshape(stored.shape[0] // n, n, stored.shape[1] // n, n)
    mean = np.rint(blocks.mean(axis=(1, 3))).astype(np.uint16)
    return np.where((blocks == NODATA).any(axis=(1, 3)), np.uint16(NODATA), mean)


def _code(band: str) -> str:
    return f"B{int(band[1:]):02d}" if band[1:].isdigit() else band


def _write_jp2(path: Path, values: NDArray[np.uint8] | NDArray[np.uint16], grid: Grid) -> None:
    import rasterio
    from rasterio.transform import Affine

    with (
        rasterio.Env(GDAL_PAM_ENABLED="NO"),
        rasterio.open(
            path,
            "w",
            driver="JP2OpenJPEG",
            dtype=values.dtype.name,
            count=1,
            height=grid.rows,
            width=grid.columns,
            crs=grid.crs,
            transform=Affine(*grid.transform),
            QUALITY="100",
            REVERSIBLE="YES",
        ) as file,
    ):
        file.write(values[None])
