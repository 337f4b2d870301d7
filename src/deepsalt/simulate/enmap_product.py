"""An EnMAP L2A product folder, in the form the ground segment delivers it.

Seen on real products: int16 SPECTRAL_IMAGE with nodata -32768, deflate, bands one after another, strips
of three rows, no wavelength, scale or description tags; quality layers uint8, LZW, strips of six rows;
PIXELMASK, TESTFLAGS and the quicklooks deflate; only QUALITY_CLASSES has a nodata value (3). All
wavelengths stand in METADATA.XML alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.acquisition import BACKGROUND, NODATA, Acquisition
from deepsalt.simulate.enmap_xml import QUICKLOOKS_NM, metadata_xml
from deepsalt.simulate.tiff import write_tiff

_IMAGE_STRIP_ROWS, _MASK_STRIP_ROWS = 3, 6
_LZW_LAYERS = ("CIRRUS", "CLASSES", "CLOUD", "CLOUDSHADOW", "HAZE", "SNOW")


def write_enmap(taken: Acquisition, folder: Path) -> Path:
    """Write the product into `folder`, under its own name; returns the product's folder."""
    product = folder / taken.name
    product.mkdir(parents=True)
    image = {"compress": "deflate", "interleave": "band", "nodata": NODATA, "blockysize": _IMAGE_STRIP_ROWS}
    write_tiff(_file(product, "SPECTRAL_IMAGE.TIF"), taken.dn, taken.grid, image)
    write_tiff(_file(product, "QL_PIXELMASK.TIF"), taken.defective, taken.grid, _mask("deflate"))
    layers = {**taken.flags, "CLASSES": taken.classes}
    for name, values in sorted(layers.items()):
        options = _mask("lzw" if name in _LZW_LAYERS else "deflate")
        if name == "CLASSES":
            options["nodata"] = BACKGROUND
        write_tiff(_file(product, f"QL_QUALITY_{name}.TIF"), values[None], taken.grid, options)
    for detector, wavelengths in QUICKLOOKS_NM.items():
        write_tiff(
            _file(product, f"QL_{detector}.TIF"),
            _quicklook(taken, wavelengths),
            taken.grid,
            {**_mask("deflate"), "photometric": "RGB", "alpha": "unspecified"},
        )
    sizes = {file.name: file.stat().st_size for file in sorted(product.iterdir())}
    _file(product, "METADATA.XML").write_bytes(metadata_xml(taken, sizes))
    return product


def _file(product: Path, kind: str) -> Path:
    return product / f"{product.name}-{kind}"


def _mask(compress: str) -> dict[str, Any]:
    return {"compress": compress, "interleave": "band", "blockysize": _MASK_STRIP_ROWS}


def _quicklook(taken: Acquisition, wavelengths_nm: tuple[float, float, float]) -> NDArray[np.uint8]:
    """(4, y, x) red, green, blue stretched over 2-98 %, and opacity."""
    image = np.zeros((4, *taken.classes.shape), dtype=np.uint8)
    for at, wavelength in enumerate(wavelengths_nm):
        band = taken.dn[int(np.abs(taken.sensor.axis.values - wavelength).argmin())].astype(np.float32)
        low, high = np.percentile(band[taken.inside], [2, 98])
        image[at] = np.clip(255 * (band - low) / max(high - low, 1.0), 1, 255)
    image[3] = 255
    image[:, ~taken.inside] = 0
    return image
