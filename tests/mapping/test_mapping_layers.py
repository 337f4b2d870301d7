"""Layers of what a model knows beside ECe: interval, probability, and where it should not be believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.mapping.conftest import Brightness, MemoryScene, scene_of, soil

from deepsalt.errors import UsageError
from deepsalt.estimators.answers import Answers
from deepsalt.mapping import map_scene, qml
from deepsalt.mapping.style import map_layers
from deepsalt.readers.raster import open_raster
from deepsalt.salinity import USDA
from deepsalt.spectra import MaskReason


class Knows(Brightness):
    """ECe as `Brightness`; from half of it to the double; the chance to exceed x is ECe / (ECe + x)."""

    name = "toy-knows"
    tells_outside = True

    def answers(self, spectra: Any, *, level: float = 0.9, thresholds: Any = (4.0,)) -> Answers:
        ece = self.predict(spectra)
        above = {threshold: ece / (ece + threshold) for threshold in thresholds}
        outside = ece > 30 if self.tells_outside else None
        return Answers(ece, ece / 2, ece * 2, level, above, outside)


def band(path: Path) -> np.ndarray:
    with open_raster(path) as dataset:
        return dataset.read(1)


def test_known_pixels_give_known_bounds_chances_and_doubt(six_pixels: MemoryScene, tmp_path: Path) -> None:
    folder = map_scene(Knows(), six_pixels, tmp_path).folder
    nan = np.nan
    np.testing.assert_allclose(band(folder / "ece_low.tif"), [[0.5, 1, 2.5], [6, 20, nan]], rtol=1e-6)
    np.testing.assert_allclose(band(folder / "ece_high.tif"), [[2, 4, 10], [24, 80, nan]], rtol=1e-6)
    chance = band(folder / "probability_above_4.tif")
    np.testing.assert_allclose(chance, [[1 / 5, 1 / 3, 5 / 9], [3 / 4, 10 / 11, nan]], rtol=1e-6)
    assert band(folder / "outside.tif").tolist() == [[0, 0, 0], [0, 1, 255]]
    np.testing.assert_allclose(band(folder / "ece.tif"), [[1, 2, 5], [12, 40, nan]], rtol=1e-6)


def test_a_file_read_back_says_what_its_numbers_are(six_pixels: MemoryScene, tmp_path: Path) -> None:
    folder = map_scene(Knows(), six_pixels, tmp_path, level=0.68, thresholds=(4, 12.5)).folder
    said = {}
    for path in folder.glob("*.tif"):
        with open_raster(path) as data:
            tags = {key: data.tags().get(key, "") for key in ("QUANTITY", "UNIT", "LEVEL", "THRESHOLD")}
            said[path.stem] = (data.dtypes[0], data.nodata, data.units[0], data.scales[0], *tags.values())
    nan = pytest.approx(np.nan, nan_ok=True)
    probability = "probability that ECe exceeds {} dS/m"
    assert said == {
        "ece": ("float32", nan, "dS/m", 1.0, "ECe", "dS/m", "", ""),
        "ece_low": ("float32", nan, "dS/m", 1.0, "ECe", "dS/m", "0.68", ""),
        "ece_high": ("float32", nan, "dS/m", 1.0, "ECe", "dS/m", "0.68", ""),
        "probability_above_4": ("float32", nan, "1", 1.0, probability.format(4), "1", "", "4"),
        "probability_above_12.5": ("float32", nan, "1", 1.0, probability.format(12.5), "1", "", "12.5"),
        "class": ("uint8", 255, None, 1.0, "salinity class by ECe", "", "", ""),
        "mask": ("uint8", None, None, 1.0, "reason of a masked pixel", "", "", ""),
        "outside": ("uint8", 255, None, 1.0, "whether the model should be believed", "", "", ""),
    }
    with open_raster(folder / "ece_low.tif") as data:
        assert data.descriptions == ("lower bound of the 68 % interval of ECe",)


def test_the_summary_names_the_layers_and_sums_up_the_doubt(six_pixels: MemoryScene, tmp_path: Path) -> None:
    """Widths 1.5, 3, 7.5, 18, 60; on ln(1+ECe) ln of 3/1.5, 5/2, 11/3.5, 25/7, 81/21."""
    result = map_scene(Knows(), six_pixels, tmp_path)
    facts = json.loads((result.folder / "map.json").read_text("utf-8"))
    assert list(facts["layers"]) == [
        "ece", "ece_low", "ece_high", "probability_above_4", "class", "mask", "outside",
    ]  # fmt: skip
    assert facts["layers"]["probability_above_4"] == "probability_above_4.tif"
    wide = np.log([3 / 1.5, 5 / 2, 11 / 3.5, 25 / 7, 81 / 21]).mean()
    assert facts["interval"] == {"level": 0.9, "mean_width": 18.0, "mean_width_ln": round(wide, 4)}
    chances = np.mean([1 / 5, 1 / 3, 5 / 9, 3 / 4, 10 / 11])
    assert facts["probability_above"] == {"4": round(chances, 4)}
    assert facts["outside"] == {"pixels": 1, "share": 0.2}


def test_a_model_without_errors_has_neither_layers_nor_words_of_them(
    six_pixels: MemoryScene, tmp_path: Path
) -> None:
    facts = map_scene(Brightness(), six_pixels, tmp_path).summary
    assert list(facts["layers"]) == ["ece", "class", "mask"]
    assert not {"interval", "probability_above", "outside"} & set(facts)


def test_a_model_that_cannot_tell_has_no_layer_of_it(six_pixels: MemoryScene, tmp_path: Path) -> None:
    predictor = Knows()
    predictor.tells_outside = False
    result = map_scene(predictor, six_pixels, tmp_path)
    assert "outside" not in result.summary["layers"]
    assert not (result.folder / "outside.tif").exists()
    assert not (result.folder / "outside.qml").exists()
    assert (result.folder / "ece_low.qml").exists()


@pytest.mark.parametrize("pixels", [1, 10_000])
def test_windows_without_a_valid_pixel_are_nodata_in_every_layer(pixels: int, tmp_path: Path) -> None:
    """The first windows are cloud: what there is to write shows only after them."""
    quality = np.zeros((8, 3), np.uint8)
    quality[:4], quality[6:] = MaskReason.CLOUD, MaskReason.WATER
    folder = map_scene(Knows(), scene_of(soil(8, 3, 0.4), quality), tmp_path, pixels_per_window=pixels).folder
    for name in ("ece", "ece_low", "ece_high", "probability_above_4"):
        assert np.array_equal(np.isfinite(band(folder / f"{name}.tif")), quality == 0), name
    assert np.array_equal(band(folder / "outside.tif"), np.where(quality == 0, 1, 255))


def test_a_pixel_without_an_answer_has_no_layer_and_is_defective(tmp_path: Path) -> None:
    class Silent(Knows):
        def predict(self, spectra: Any) -> Any:
            ece = super().predict(spectra)
            return np.where(ece > 10, np.nan, ece)

    folder = map_scene(Silent(), scene_of(soil(1, 3, [[0.05, 0.2, 0.01]])), tmp_path).folder
    assert band(folder / "mask.tif").tolist() == [[0, MaskReason.DEFECTIVE, 0]]
    np.testing.assert_allclose(band(folder / "ece_high.tif"), [[10, np.nan, 2]], rtol=1e-6)
    assert band(folder / "outside.tif").tolist() == [[0, 255, 0]]


def test_a_broken_pixel_does_not_shift_its_neighbours(tmp_path: Path) -> None:
    cube = soil(2, 3, [[0.01, 0.02, 0.05], [0.12, 0.40, 0.50]])
    cube[0, 1, 2] = np.nan
    folder = map_scene(Knows(), scene_of(cube), tmp_path).folder
    np.testing.assert_allclose(band(folder / "ece.tif"), [[1, np.nan, 5], [12, 40, 50]], rtol=1e-6)
    assert band(folder / "mask.tif").tolist() == [[0, MaskReason.DEFECTIVE, 0], [0, 0, 0]]


@pytest.mark.parametrize(("level", "thresholds"), [(1.0, ()), (0.0, ()), (0.9, (-1.0,)), (0.9, (np.nan,))])
def test_questions_without_an_answer_are_refused_before_any_work(
    level: float, thresholds: Any, six_pixels: MemoryScene, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"level is|threshold is"):
        map_scene(Knows(), six_pixels, tmp_path / "maps", level=level, thresholds=thresholds)
    assert not (tmp_path / "maps").exists()
    assert not six_pixels.windows_read


def test_every_layer_is_a_valid_cog_with_a_style_or_colours(tmp_path: Path) -> None:
    from rio_cogeo.cogeo import cog_validate

    ramp = np.linspace(0, 0.4, 600 * 520).reshape(600, 520)
    folder = map_scene(Knows(), scene_of(soil(600, 520, ramp), block=(64, 520)), tmp_path).folder
    rasters = sorted(folder.glob("*.tif"))
    assert len(rasters) == 7
    for path in rasters:
        assert cog_validate(path, strict=True, quiet=True) == (True, [], []), path.name
        assert path.with_suffix(".qml").exists() or path.stem == "mask"


#: What QGIS reads of a raster style: elements, their children, and the attributes without which a value would
#: be lost (QgsRasterRenderer, QgsColorRampShader and QgsPalettedRasterRenderer, readXml).
QML = {
    "qgis": ({"version", "styleCategories"}, {"pipe"}),
    "pipe": (set(), {"rasterrenderer"}),
    "rasterrenderer": ({"type", "band", "opacity", "alphaBand"}, {"rastershader", "colorPalette"}),
    "rastershader": (set(), {"colorrampshader"}),
    "colorrampshader": ({"colorRampType", "classificationMode", "clip"}, {"item"}),
    "colorPalette": (set(), {"paletteEntry"}),
    "item": ({"value", "color", "alpha", "label"}, set()),
    "paletteEntry": ({"value", "color", "alpha", "label"}, set()),
}


@pytest.mark.parametrize("name", [name for name in map_layers(USDA, 0.9, (4.0,)) if name != "mask"])
def test_styles_follow_the_schema_of_qgis(name: str) -> None:
    text = qml.style_of(name, USDA)
    assert text is not None
    assert text.startswith("<!DOCTYPE qgis PUBLIC")
    for element in ElementTree.fromstring(text).iter():
        attributes, children = QML[element.tag]
        assert set(element.attrib) == attributes, element.tag
        assert {child.tag for child in element} <= children
        assert bool(len(element)) == bool(children)
    kind = "paletted" if name in ("class", "outside") else "singlebandpseudocolor"
    assert f'type="{kind}"' in text


def test_the_steps_of_a_style_rise_and_reach_every_value() -> None:
    for text in (qml.ece_qml(USDA), qml.probability_qml()):
        values = [float(item.attrib["value"]) for item in ElementTree.fromstring(text).iter("item")]
        assert values == sorted(set(values))
        assert values[-1] == float("inf")
    assert qml.style_of("ece_low", USDA) == qml.style_of("ece", USDA) == qml.style_of("ece_high", USDA)
    veil = ElementTree.fromstring(qml.outside_qml()).findall(".//paletteEntry")
    assert [(entry.get("value"), entry.get("alpha")) for entry in veil] == [("0", "0"), ("1", "170")]
    assert qml.style_of("mask", USDA) is None
