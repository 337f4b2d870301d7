"""Small files in the real layouts: an EnMAP L2A folder, a hyperspectral GeoTIFF, wide tables."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

NAME = "ENMAP01-____L2A-DT0000009999_20230615T103012Z_002_V010303_20230616T090807Z"
ROWS, COLUMNS = 12, 10
#: Sorted by wavelength, the detectors interleaved between 902 and 994 nm as in real products.
CENTRES = [418.2, 550.0, 895.5, 902.3, 903.6, 911.7, 993.5, 994.7, 1340.0, 1360.0, 1650.0, 2200.0]
DETECTORS = ["VNIR", "VNIR", "VNIR", "SWIR", "VNIR", "VNIR", "VNIR", "SWIR", "SWIR", "SWIR", "SWIR", "SWIR"]
EMPTY = (8, 9)
NODATA = -32768
LAYERS = ("CLASSES", "CLOUD", "CLOUDSHADOW", "CIRRUS", "HAZE", "SNOW", "TESTFLAGS", "PIXELMASK")


def stored_value(band: int) -> int:
    """Stored value of a band (from 0, by wavelength) at row 0, column 0; a pixel adds its column."""
    return 100 * (band + 1)


@dataclass
class Product:
    """What to write; change a field, then call `write`."""

    folder: Path
    centres: list[float] = field(default_factory=lambda: list(CENTRES))
    detectors: list[str] = field(default_factory=lambda: list(DETECTORS))
    empty: tuple[int, ...] = EMPTY
    layers: dict[str, np.ndarray] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    image: np.ndarray | None = None
    xml: Callable[[str], str] | None = None
    crs: str | None = "EPSG:32632"
    nodata: int | None = NODATA
    compress: str = "deflate"
    cog: bool = False

    def __post_init__(self) -> None:
        self.path = self.folder / NAME
        cube = np.array([stored_value(b) + np.arange(COLUMNS) for b in range(len(self.centres))])
        self.image = np.repeat(cube[:, None, :], ROWS, axis=1).astype(np.int16)
        self.image[list(self.empty)] = NODATA
        for layer in LAYERS:
            bands = len(self.centres) if layer == "PIXELMASK" else 1
            fill = 1 if layer == "CLASSES" else 0
            self.layers[layer] = np.full((bands, ROWS, COLUMNS), fill, np.uint8)

    def file(self, part: str) -> Path:
        return self.path / f"{NAME}-{part}"

    def tiff(self, part: str) -> Path:
        return self.file(f"{part}_COG.tiff" if self.cog else f"{part}.TIF")

    def layer_file(self, layer: str) -> Path:
        return self.tiff("QL_PIXELMASK" if layer == "PIXELMASK" else f"QL_QUALITY_{layer}")

    def write(self) -> Path:
        self.path.mkdir(parents=True, exist_ok=True)
        image = {"nodata": self.nodata, "compress": self.compress, "tiled": self.cog}
        write_tiff(self.tiff("SPECTRAL_IMAGE"), self.image, self.crs, **image)
        for layer, values in self.layers.items():
            if layer not in self.without:
                write_tiff(self.layer_file(layer), values, self.crs, nodata=3 if layer == "CLASSES" else None)
        if "XML" not in self.without:
            text = metadata_xml(self.centres, self.detectors, self.empty)
            self.file("METADATA.XML").write_text(self.xml(text) if self.xml else text, encoding="utf-8")
        return self.path

    def zipped(self, how: int = zipfile.ZIP_DEFLATED, inside: str = f"{NAME}/") -> Path:
        """The product as one zip; the folder is not needed any more."""
        path = self.folder / "delivery.zip"
        with zipfile.ZipFile(path, "w", how) as archive:
            for file in sorted(self.path.iterdir()):
                archive.write(file, f"{inside}{file.name}")
        return path


def metadata_xml(centres: list[float], detectors: list[str], empty: tuple[int, ...]) -> str:
    numbers = range(1, len(centres) + 1)
    lists = {d: ",".join(str(n) for n in numbers if detectors[n - 1] == d) for d in ("VNIR", "SWIR")}
    bands = "".join(
        f'<bandID number="{n}"><wavelengthCenterOfBand>{c}</wavelengthCenterOfBand>'
        f"<FWHMOfBand>{6 + n / 10}</FWHMOfBand><GainOfBand>0.0001</GainOfBand>"
        "<OffsetOfBand>0</OffsetOfBand></bandID>"
        for n, c in zip(numbers, centres, strict=True)
    )
    statistics = "".join(
        f'<bandID number="{n}"><mean>{-1000000 if n - 1 in empty else 0.1}</mean></bandID>' for n in numbers
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><level_X><metadata><schema>'
        f"<processingLevel>L2A</processingLevel></schema><name>{NAME}-METADATA.XML</name></metadata>"
        "<base><temporalCoverage><startTime>2023-06-15T10:30:12.123456Z</startTime></temporalCoverage>"
        "<format>ENMAP_L2A</format><level>L2A</level></base>"
        f"<specific><vnirProductQuality><expectedChannelsList>{lists['VNIR']}</expectedChannelsList>"
        f"</vnirProductQuality><swirProductQuality><expectedChannelsList>{lists['SWIR']}</expectedChannelsList>"
        "</swirProductQuality><qualityFlag><cloudCover>4</cloudCover></qualityFlag>"
        f"<backgroundValue>0</backgroundValue><bandCharacterisation>{bands}</bandCharacterisation></specific>"
        f"<product><bandStatistics>{statistics}</bandStatistics></product></level_X>"
    )


def write_tiff(
    path: Path,
    values: np.ndarray,
    crs: str | None = "EPSG:32632",
    *,
    nodata: float | None = None,
    compress: str = "deflate",
    descriptions: tuple[str, ...] = (),
    band_tags: list[dict[str, str]] | None = None,
    tags: dict[str, str] | None = None,
    transform: object = None,
    tiled: bool = False,
) -> Path:
    """A GeoTIFF of strips of three rows, band after band, as EnMAP images are; or of tiles of 16 x 16."""
    blocks = {"tiled": True, "blockxsize": 16, "blockysize": 16} if tiled else {"blockysize": 3}
    profile = {"transform": transform or Affine(30, 0, 600_000, 0, -30, 5_800_000)} if crs else {}
    with rasterio.Env(GDAL_PAM_ENABLED="NO"), quiet(), rasterio.open(
        path, "w", driver="GTiff", dtype=values.dtype, count=values.shape[0], height=values.shape[1],
        width=values.shape[2], crs=crs, nodata=nodata, compress=compress, interleave="band",
        **blocks, **profile,
    ) as out:  # fmt: skip
        out.write(values)
        for number, text in enumerate(descriptions, 1):
            out.set_band_description(number, text)
        for number, of_band in enumerate(band_tags or [], 1):
            out.update_tags(number, **of_band)
        out.update_tags(**(tags or {}))
    return path


@contextmanager
def quiet() -> Iterator[None]:
    """Writing a raster without georeference warns; that is meant here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        yield


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return Product(tmp_path)


@pytest.fixture
def make_tiff(tmp_path: Path) -> Callable[..., Path]:
    def make(values: np.ndarray, name: str = "image.tif", **options: object) -> Path:
        return write_tiff(tmp_path / name, values, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """Write lines of text as a file and give its path."""

    def write(*lines: str, name: str = "table.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes("\n".join([*lines, ""]).encode(encoding))
        return path

    return write
