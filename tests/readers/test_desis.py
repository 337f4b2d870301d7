"""DESIS L2A products as published readers describe them; no real one was there."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.readers.conftest import write_tiff

import deepsalt as ds
from deepsalt.errors import ProductError
from deepsalt.readers import reader_for
from deepsalt.readers.describe import describe
from deepsalt.spectra import MaskReason, Window

NAME = "DESIS-HSI-L2A-DT0707652640_011-20220404T193259-V0220"
ROWS, COLUMNS, NODATA = 12, 10, -32768
CENTRES = [402.8, 500.1, 650.2, 800.3, 999.5]
QUALITY = (
    "shadow", "land_clear", "snow", "land_haze", "water_haze", "land_cloud", "water_cloud", "water_clear",
    "aod", "pwv",
)  # fmt: skip
UNCHECKED = "DESIS L2A is read as published readers have it; no real product was there to check it on"


@dataclass
class Desis:
    """What to write; change a field, then call `write`."""

    folder: Path
    name: str = NAME
    image: np.ndarray = field(default_factory=lambda: np.zeros(0))
    quality: np.ndarray = field(default_factory=lambda: np.zeros((10, ROWS, COLUMNS), np.uint8))
    descriptions: tuple[str, ...] = ()
    xml: Callable[[str], str] | None = None
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        cube = 1000 * np.arange(1, len(CENTRES) + 1)[:, None] + np.arange(COLUMNS)
        self.image = np.repeat(cube[:, None], ROWS, axis=1).astype(np.int16)
        self.quality[1] = 1
        self.quality[8:] = 50

    @property
    def path(self) -> Path:
        return self.folder / self.name

    def file(self, part: str) -> Path:
        return self.path / f"{self.name}-{part}"

    def write(self) -> Path:
        self.path.mkdir(exist_ok=True)
        write_tiff(self.file("SPECTRAL_IMAGE.tif"), self.image, nodata=NODATA)
        if "QL" not in self.without:
            write_tiff(self.file("QL_QUALITY-2.tif"), self.quality, descriptions=self.descriptions)
        text = metadata_xml()
        if "XML" not in self.without:
            self.file("METADATA.xml").write_text(self.xml(text) if self.xml else text)
        self.file("HISTORY.xml").write_text("<hsi_doc><history/></hsi_doc>")
        return self.path


def metadata_xml() -> str:
    """Bands in another order in the document than in the image: bandNumber tells."""
    bands = "".join(
        f"<band><bandNumber>{n}</bandNumber><wavelengthCenterOfBand>{CENTRES[n - 1]}</wavelengthCenterOfBand>"
        f"<wavelengthWidthOfBand>{3 + n / 10}</wavelengthWidthOfBand><gainOfBand>0.0001</gainOfBand>"
        f"<offsetOfBand>{0.01 if n == 1 else 0}</offsetOfBand><response>0.1,1,0.1</response></band>"
        for n in (5, 1, 2, 3, 4)
    )
    return (
        '<?xml version="1.0"?><hsi_doc xmlns="http://www.dlr.de"><base><temporalCoverage>'
        "<startTime>2022-04-04T19:32:59.123Z</startTime></temporalCoverage></base><specific>"
        "<sunZenithAngle>31.5</sunZenithAngle>"
        f"<bandCharacterisation>{bands}</bandCharacterisation></specific></hsi_doc>"
    )


@pytest.fixture
def desis(tmp_path: Path) -> Desis:
    return Desis(tmp_path)


def test_facts_and_values(desis: Desis) -> None:
    desis.image[2, 3, 4] = NODATA
    desis.image[:, 0, 0] = NODATA
    scene = ds.read(desis.write())
    assert reader_for(desis.path).name == "desis"
    assert (scene.name, scene.level, scene.sensor.name, scene.crs) == (NAME, "L2A", "desis", "EPSG:32632")
    assert scene.acquired == datetime(2022, 4, 4, 19, 32, 59, 123000, tzinfo=UTC)
    assert scene.sensor.axis.values.tolist() == CENTRES
    assert scene.sensor.axis.fwhm.tolist() == pytest.approx([3.1, 3.2, 3.3, 3.4, 3.5])
    assert scene.facts == {"sun zenith angle": "31.5"}
    values = scene.read(Window(3, 4, 1, 2)).values
    np.testing.assert_allclose(
        values[0],
        [[0.1104, 0.2004, np.nan, 0.4004, 0.5004], [0.1105, 0.2005, 0.3005, 0.4005, 0.5005]],
        rtol=1e-5,
    )
    mask = scene.mask()
    assert np.argwhere(mask == MaskReason.BACKGROUND).tolist() == [[0, 0]]
    assert np.argwhere(mask == MaskReason.DEFECTIVE).tolist() == [[3, 4]]


def test_what_is_out_of_sight_or_assumed_is_noted(desis: Desis) -> None:
    notes = ds.read(desis.write()).notes
    assert notes == (
        UNCHECKED,
        "DESIS sees 402-1000 nm: features of salt and water at 1.4, 1.9 and 2.2 um are out of its sight",
        f"{NAME}-QL_QUALITY-2.tif does not name its bands: taken as {', '.join(QUALITY)}",
    )


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("shadow", MaskReason.CLOUD_SHADOW),
        ("snow", MaskReason.SNOW),
        ("land_haze", MaskReason.HAZE),
        ("water_haze", MaskReason.HAZE),
        ("land_cloud", MaskReason.CLOUD),
        ("water_cloud", MaskReason.CLOUD),
        ("water_clear", MaskReason.WATER),
    ],
)
@pytest.mark.parametrize("described", [False, True])
def test_each_quality_band_masks_its_pixel(
    desis: Desis, layer: str, reason: MaskReason, described: bool
) -> None:
    order = QUALITY[::-1] if described else QUALITY
    desis.quality = desis.quality[::-1].copy() if described else desis.quality
    desis.quality[order.index(layer), 5, 6] = 1
    desis.descriptions = tuple(name.replace("_", " ").title() for name in order) if described else ()
    scene = ds.read(desis.write())
    expected = np.zeros((ROWS, COLUMNS), np.uint8)
    expected[5, 6] = reason
    np.testing.assert_array_equal(scene.mask(), expected)
    assert any("does not name its bands" in note for note in scene.notes) != described


def test_a_quality_layer_of_another_kind_or_none(desis: Desis) -> None:
    desis.quality = desis.quality[:3]
    desis.quality[2] = 1
    desis.descriptions = ("shadow", "other", "snow")
    scene = ds.read(desis.write())
    assert (scene.mask() == MaskReason.SNOW).all()
    assert "has 3 bands in place of 10: only those it names are used (shadow, snow)" in scene.notes[-1]
    desis.file("QL_QUALITY-2.tif").unlink()
    scene = ds.read(desis.path)
    assert scene.notes[-1] == "QL_QUALITY-2 is missing: nothing but nodata is masked"
    assert (scene.mask() == MaskReason.VALID).all()
    write_tiff(desis.file("QL_QUALITY-2.tif"), desis.quality[:, :5])
    with pytest.raises(ProductError, match=r"QL_QUALITY-2.tif is 5 x 10 .*, the image 12 x 10"):
        ds.read(desis.path)


def test_without_xml_the_header_tells_the_bands_and_then_the_table(desis: Desis) -> None:
    desis.without = ("XML",)
    desis.write()
    with pytest.raises(ProductError, match=r"no METADATA.xml, and 5 bands are not the 235 of DESIS"):
        ds.read(desis.path)
    desis.file("SPECTRAL_IMAGE.hdr").write_text(
        f"ENVI\nbands = 5\nwavelength = {{{', '.join(map(str, CENTRES))}}}\nfwhm = {{3, 3, 3, 3, 3}}\n"
        "data gain values = {0.0002, 0.0001, 0.0001, 0.0001, 0.0001}\n"
    )
    scene = ds.read(desis.path)
    assert scene.sensor.axis.values.tolist() == CENTRES
    assert scene.read().values[0, 0, 0] == pytest.approx(0.2)
    assert scene.acquired == datetime(2022, 4, 4, 19, 32, 59, tzinfo=UTC)
    assert f"no METADATA.xml: wavelengths of {NAME}-SPECTRAL_IMAGE.hdr" in scene.notes
    path = desis.folder / "whole.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in desis.path.iterdir():
            archive.write(file, f"{NAME}/{file.name}")
    np.testing.assert_array_equal(ds.read(path).read().values, scene.read().values)
    assert ds.read(path).notes == scene.notes


def test_the_shipped_table_serves_a_product_without_metadata(desis: Desis) -> None:
    desis.image = np.full((235, ROWS, COLUMNS), 2500, np.int16)
    desis.without = ("XML",)
    scene = ds.read(desis.write())
    assert scene.sensor.axis == ds.Sensor.load("desis").axis
    assert (scene.sensor.axis.values[0], scene.sensor.axis.values[-1]) == (402.0, 999.5)
    assert scene.read().values[3, 3].tolist() == pytest.approx([0.25] * 235)
    assert any("scale 0.0001, are assumed" in note for note in scene.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda xml: xml[:300], "damaged or cut off"),
        (lambda xml: xml.replace(">650.2<", ">?<"), "wavelengthcenterofband of band 3 is '[?]'"),
        (lambda xml: xml.replace(">650.2<", ">500.1<"), "500.1 nm stands there twice"),
        (lambda xml: xml.replace("<bandNumber>2<", "<bandNumber>1<"), "bandNumber stands there twice"),
        (lambda xml: xml.replace("bandCharacterisation", "other"), "no bands are characterised"),
        (lambda xml: xml.replace("<band>", "<x>", 1).replace("</band>", "</x>", 1), "describes 4 bands"),
    ],
)
def test_a_bad_xml_is_one_clear_line(desis: Desis, change, message: str) -> None:
    desis.xml = change
    with pytest.raises(ProductError, match=message) as caught:
        ds.read(desis.write())
    assert "\n" not in str(caught.value)


def test_what_the_xml_leaves_out_is_noted(desis: Desis) -> None:
    desis.xml = lambda xml: xml.replace("gainOfBand", "a").replace("wavelengthWidthOfBand", "b")
    scene = ds.read(desis.write())
    assert scene.sensor.axis.fwhm is None
    assert "gainofband missing for bands 1-5: 0.0001 assumed" in scene.notes
    assert "widths of bands are missing: the distance to the neighbours is taken" in scene.notes


def test_another_level_and_a_missing_image(desis: Desis) -> None:
    radiance = Desis(desis.folder, NAME.replace("L2A", "L1C")).write()
    with pytest.raises(ProductError, match="the product is L1C, not L2A"):
        ds.read(radiance)
    desis.write()
    desis.file("SPECTRAL_IMAGE.tif").unlink()
    with pytest.raises(ProductError, match="there is no SPECTRAL_IMAGE beside the metadata"):
        ds.read(desis.file("METADATA.xml"))


def test_its_parts_open_it_and_inspect_tells_all(desis: Desis) -> None:
    desis.write()
    for part in ("SPECTRAL_IMAGE.tif", "METADATA.xml"):
        assert ds.read(desis.file(part)).name == NAME
    facts = describe(ds.read(desis.path))
    assert facts["sensor"] == "desis"
    assert facts["wavelength_nm"] == [402.8, 999.5]
    assert facts["quality_layers"] == sorted(QUALITY)
    assert facts["band_faults"] == {}
