"""A small Sentinel-2 L2A product in its real layout: SAFE folder, images of three sizes, XML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine

PREFIX = "T32TQM_20230615T101559"
PRODUCT = "S2A_MSIL2A_20230615T101559_N0509_R065_T32TQM_20230615T162159"
LEFT, TOP = 600_000, 5_000_040
#: Rows and columns at 60 m.
ROWS, COLUMNS = 4, 3
NATIVE = {
    10: ("B02", "B03", "B04", "B08"),
    20: ("B05", "B06", "B07", "B8A", "B11", "B12"),
    60: ("B01", "B09"),
}
CODES = [code for codes in NATIVE.values() for code in codes]
BANDS = ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12"]


def stored_value(code: str) -> int:
    """Stored number of a band throughout, unless a test changes it: 2100, 2200, ..."""
    return 2000 + 100 * (CODES.index(code) + 1)


@dataclass
class Safe:
    """What to write; change a field, then call `write`."""

    folder: Path
    baseline: str = "05.09"
    offset: int | None = -1000
    spacecraft: str = "Sentinel-2A"
    level: str = "2A"
    suffix: str = "jp2"
    crs: str | None = "EPSG:32632"
    images: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)
    origins: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)
    epsg: dict[tuple[str, int], str] = field(default_factory=dict)
    xml: Callable[[str], str] | None = None
    without_xml: bool = False

    def __post_init__(self) -> None:
        self.path = self.folder / f"{PRODUCT}.SAFE"
        for metres, codes in NATIVE.items():
            for code in codes:
                self.images[code, metres] = self.full(metres, stored_value(code), np.uint16)
        self.images["SCL", 20] = self.full(20, 5, np.uint8)

    @staticmethod
    def full(metres: int, value: int, dtype: type) -> np.ndarray:
        n = 60 // metres
        return np.full((n * ROWS, n * COLUMNS), value, dtype)

    def file(self, code: str, metres: int) -> Path:
        folder = self.path / "GRANULE" / "L2A_T32TQM_A041688_20230615T101601" / "IMG_DATA" / f"R{metres}m"
        return folder / f"{PREFIX}_{code}_{metres}m.{self.suffix}"

    def write(self) -> Path:
        for (code, metres), values in self.images.items():
            left, top = self.origins.get((code, metres), (LEFT, TOP))
            crs = self.epsg.get((code, metres), self.crs)
            write_image(self.file(code, metres), values, metres, left, top, crs)
        text = product_xml(self)
        if not self.without_xml:
            (self.path / "MTD_MSIL2A.xml").write_text(self.xml(text) if self.xml else text, encoding="utf-8")
        granule = next((self.path / "GRANULE").iterdir())
        (granule / "MTD_TL.xml").write_text(
            '<n1:Level-2A_Tile_ID xmlns:n1="https://t/x.xsd"><n1:Geometric_Info><Tile_Angles><Mean_Sun_Angle>'
            '<ZENITH_ANGLE unit="deg">25.5</ZENITH_ANGLE><AZIMUTH_ANGLE unit="deg">148.25</AZIMUTH_ANGLE>'
            "</Mean_Sun_Angle></Tile_Angles></n1:Geometric_Info></n1:Level-2A_Tile_ID>",
            encoding="utf-8",
        )
        return self.path


def write_image(
    path: Path, values: np.ndarray, metres: float, left: float, top: float, crs: str | None
) -> None:
    """JPEG 2000 without loss, or GeoTIFF, by the suffix; neither has a nodata tag, as in real products."""
    path.parent.mkdir(parents=True, exist_ok=True)
    jp2 = path.suffix == ".jp2"
    options = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES"} if jp2 else {"driver": "GTiff"}
    transform = Affine(metres, 0, left, 0, -metres, top)
    with rasterio.Env(GDAL_PAM_ENABLED="NO"), rasterio.open(
        path, "w", dtype=values.dtype, count=1, height=values.shape[0], width=values.shape[1], crs=crs,
        transform=transform, **options,
    ) as out:  # fmt: skip
        out.write(values[None])


def product_xml(safe: Safe) -> str:
    images = "".join(
        f"<IMAGE_FILE>GRANULE/L2A_T32TQM_A041688_20230615T101601/IMG_DATA/R{m}m/{PREFIX}_{c}_{m}m</IMAGE_FILE>"
        for c, m in safe.images
    )
    listed = "".join(f'<BOA_ADD_OFFSET band_id="{n}">{safe.offset}</BOA_ADD_OFFSET>' for n in range(13))
    offsets = (
        "" if safe.offset is None else f"<BOA_ADD_OFFSET_VALUES_LIST>{listed}</BOA_ADD_OFFSET_VALUES_LIST>"
    )
    special = "".join(
        f"<Special_Values><SPECIAL_VALUE_TEXT>{text}</SPECIAL_VALUE_TEXT>"
        f"<SPECIAL_VALUE_INDEX>{index}</SPECIAL_VALUE_INDEX></Special_Values>"
        for text, index in (("NODATA", 0), ("SATURATED", 65535))
    )
    root = f"n1:Level-{safe.level}_User_Product"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns:n1="https://psd/User_Product_Level-{safe.level}.xsd">'
        "<n1:General_Info><Product_Info><PRODUCT_START_TIME>2023-06-15T10:15:59.024Z</PRODUCT_START_TIME>"
        f"<PRODUCT_URI>{PRODUCT}.SAFE</PRODUCT_URI><PROCESSING_LEVEL>Level-{safe.level}</PROCESSING_LEVEL>"
        f"<PROCESSING_BASELINE>{safe.baseline}</PROCESSING_BASELINE>"
        f"<Datatake><SPACECRAFT_NAME>{safe.spacecraft}</SPACECRAFT_NAME>"
        "<SENSING_ORBIT_NUMBER>65</SENSING_ORBIT_NUMBER></Datatake>"
        f"<Product_Organisation><Granule_List><Granule>{images}</Granule></Granule_List></Product_Organisation>"
        f"</Product_Info><Product_Image_Characteristics>{special}<QUANTIFICATION_VALUES_LIST>"
        '<BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>'
        f"{offsets}</Product_Image_Characteristics></n1:General_Info><n1:Quality_Indicators_Info>"
        "<Cloud_Coverage_Assessment>3.5</Cloud_Coverage_Assessment></n1:Quality_Indicators_Info>"
        f"</{root}>"
    )
