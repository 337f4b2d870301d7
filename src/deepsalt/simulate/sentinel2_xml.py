"""Names and metadata of a Sentinel-2 L2A product: what readers use, arranged as in real files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.acquisition import Acquisition
from deepsalt.simulate.place import Grid

BASELINE = "05.10"
_SPACECRAFT, _SHORT = "Sentinel-2A", "S2A"
_ORBIT = 22
#: Processing follows the overpass after about this long.
_PROCESSED_AFTER = timedelta(hours=5)
QUANTIFICATION, OFFSET, _BANDS = 10_000, -1000, 13
SPECIAL = {"NODATA": 0, "SATURATED": 65_535}
_PSD = "https://psd-15.sentinel2.eo.esa.int/PSD"
_SIMULATED = "SIMULATED by deepsalt.simulate; nothing here was measured"

#: Letters of the military grid (MGRS): columns by zone, rows, bands of latitude of 8 degrees from 80 S.
_COLUMNS = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")
_ROWS, _LATITUDES = "ABCDEFGHJKLMNPQRSTUV", "CDEFGHJKLMNPQRSTUVWX"
_SQUARE_M, _EVEN_ZONES_START = 100_000, 5


@dataclass(frozen=True)
class Names:
    """Of the product, its tile ("32TQM"), its granule's folder, and what image names begin with."""

    product: str
    tile: str
    granule: str
    prefix: str

    @classmethod
    def of(cls, taken: Acquisition) -> Names:
        tile = tile_of(taken.grid, taken.region.latitude)
        start = f"{taken.start:%Y%m%dT%H%M%S}"
        processed = f"{taken.start + _PROCESSED_AFTER:%Y%m%dT%H%M%S}"
        baseline = BASELINE.replace(".", "")
        product = f"{_SHORT}_MSIL2A_{start}_N{baseline}_R{_ORBIT:03d}_T{tile}_{processed}"
        return cls(product, tile, f"GRANULE/L2A_T{tile}_A000001_{start}", f"T{tile}_{start}")

    def image(self, layer: str, metres: int) -> str:
        """Path of an image within the product, without suffix, as the metadata list it."""
        return f"{self.granule}/IMG_DATA/R{metres}m/{self.prefix}_{layer}_{metres}m"


def tile_of(grid: Grid, latitude: float) -> str:
    """The 100 km square of the military grid that holds the middle, such as "32TQM".

    Source: NGA.STND.0037, Universal Grids and Grid Reference Systems, the MGRS lettering scheme "AA".
    """
    zone = grid.epsg % 100
    x = grid.left + grid.pixel_m * grid.columns / 2
    y = grid.top - grid.pixel_m * grid.rows / 2
    column = _COLUMNS[zone % 3][int(x // _SQUARE_M) - 1]
    start = 0 if zone % 2 else _EVEN_ZONES_START
    row = _ROWS[(int(y // _SQUARE_M) + start) % len(_ROWS)]
    return f"{zone:02d}{_LATITUDES[int((latitude + 80) // 8)]}{column}{row}"


def product_xml(taken: Acquisition, names: Names, images: Sequence[str]) -> bytes:
    """MTD_MSIL2A.xml; `images` as `Names.image` has them."""
    root = ET.Element(f"{{{_PSD}/User_Product_Level-2A.xsd}}Level-2A_User_Product")
    general = ET.SubElement(root, "General_Info")
    _product_info(ET.SubElement(general, "Product_Info"), taken, names, images)
    _image_characteristics(ET.SubElement(general, "Product_Image_Characteristics"))
    quality = ET.SubElement(root, "Quality_Indicators_Info")
    _text(quality, "Cloud_Coverage_Assessment", f"{_percent(taken.flags['CLOUD'][taken.inside]):.6f}")
    content = ET.SubElement(quality, "Image_Content_QI")
    _text(content, "NODATA_PIXEL_PERCENTAGE", f"{_percent(~taken.inside):.6f}")
    return _bytes(root)


def tile_xml(taken: Mapping[int, Acquisition], names: Names) -> bytes:
    """MTD_TL.xml: the three grids and the sun."""
    root = ET.Element(f"{{{_PSD}/S2_PDI_Level-2A_Tile_Metadata.xsd}}Level-2A_Tile_ID")
    some = next(iter(taken.values()))
    general = ET.SubElement(root, "General_Info")
    _text(general, "TILE_ID", f"{_SHORT}_OPER_MSI_L2A_TL_{names.prefix}")
    _text(general, "SENSING_TIME", _moment(some))
    geometric = ET.SubElement(root, "Geometric_Info")
    geocoding = ET.SubElement(geometric, "Tile_Geocoding")
    _text(geocoding, "HORIZONTAL_CS_CODE", some.grid.crs)
    for metres, one in taken.items():
        size = ET.SubElement(geocoding, "Size", resolution=str(metres))
        _text(size, "NROWS", one.grid.rows)
        _text(size, "NCOLS", one.grid.columns)
        corner = ET.SubElement(geocoding, "Geoposition", resolution=str(metres))
        for tag, value in (
            ("ULX", one.grid.left),
            ("ULY", one.grid.top),
            ("XDIM", metres),
            ("YDIM", -metres),
        ):
            _text(corner, tag, f"{value:g}" if tag.endswith("DIM") else int(value))
    sun = ET.SubElement(ET.SubElement(geometric, "Tile_Angles"), "Mean_Sun_Angle")
    _text(sun, "ZENITH_ANGLE", f"{90 - some.sun_elevation:.4f}", unit="deg")
    _text(sun, "AZIMUTH_ANGLE", f"{some.sun_azimuth:.4f}", unit="deg")
    return _bytes(root)


def _product_info(info: ET.Element, taken: Acquisition, names: Names, images: Sequence[str]) -> None:
    _text(info, "PRODUCT_START_TIME", _moment(taken))
    _text(info, "PRODUCT_STOP_TIME", _moment(taken))
    _text(info, "PRODUCT_URI", f"{names.product}.SAFE")
    _text(info, "PROCESSING_LEVEL", "Level-2A")
    _text(info, "PRODUCT_TYPE", "S2MSI2A")
    _text(info, "PROCESSING_BASELINE", BASELINE)
    _text(info, "GENERATION_TIME", f"{taken.start + _PROCESSED_AFTER:%Y-%m-%dT%H:%M:%S}.000000Z")
    _text(info, "PREVIEW_IMAGE_URL", _SIMULATED)
    datatake = ET.SubElement(info, "Datatake", datatakeIdentifier=names.product)
    _text(datatake, "SPACECRAFT_NAME", _SPACECRAFT)
    _text(datatake, "DATATAKE_SENSING_START", _moment(taken))
    _text(datatake, "SENSING_ORBIT_NUMBER", _ORBIT)
    organisation = ET.SubElement(info, "Product_Organisation")
    granule = ET.SubElement(
        ET.SubElement(organisation, "Granule_List"),
        "Granule",
        imageFormat="JPEG2000",
        granuleIdentifier=names.granule,
    )
    for image in images:
        _text(granule, "IMAGE_FILE", image)


def _image_characteristics(about: ET.Element) -> None:
    for text, value in SPECIAL.items():
        special = ET.SubElement(about, "Special_Values")
        _text(special, "SPECIAL_VALUE_TEXT", text)
        _text(special, "SPECIAL_VALUE_INDEX", value)
    scale = ET.SubElement(about, "QUANTIFICATION_VALUES_LIST")
    _text(scale, "BOA_QUANTIFICATION_VALUE", QUANTIFICATION, unit="none")
    offsets = ET.SubElement(about, "BOA_ADD_OFFSET_VALUES_LIST")
    for band in range(_BANDS):
        _text(offsets, "BOA_ADD_OFFSET", OFFSET, band_id=str(band))


def _percent(holds: NDArray[np.bool_] | NDArray[np.uint8]) -> float:
    return 100.0 * float(np.mean(holds)) if holds.size else 0.0


def _moment(taken: Acquisition) -> str:
    """Milliseconds, as real products write them."""
    return f"{taken.start:%Y-%m-%dT%H:%M:%S}.{taken.start.microsecond // 1000:03d}Z"


def _text(parent: ET.Element, tag: str, value: Any, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = str(value)


def _bytes(root: ET.Element) -> bytes:
    ET.register_namespace("n1", root.tag[1:].partition("}")[0])
    ET.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n' + ET.tostring(root) + b"\n"
