"""A scene to a map: known pixels give known numbers, and all of the map or none of it."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mapping.conftest import Brightness, MemoryScene, WithClay, scene_of, soil

from deepsalt.errors import DeepSaltError, OutputError, UsageError
from deepsalt.files import fingerprint
from deepsalt.mapping import map_scene
from deepsalt.mapping.folder import whole_folder
from deepsalt.preprocessing.masks import SurfaceRules
from deepsalt.readers.raster import open_raster
from deepsalt.spectra import Axis, MaskReason, Sensor

LAYERS = {"ece.tif", "class.tif", "mask.tif", "class.tif.aux.xml", "mask.tif.aux.xml"}
BESIDE = {"ece.qml", "class.qml", "quicklook.png", "map.json", "item.json"}


def band(path: Path) -> np.ndarray:
    with open_raster(path) as dataset:
        return dataset.read(1)


def test_known_pixels_give_known_ece_classes_and_reasons(six_pixels: MemoryScene, tmp_path: Path) -> None:
    result = map_scene(Brightness(), six_pixels, tmp_path)
    np.testing.assert_allclose(band(result.ece), [[1, 2, 5], [12, 40, np.nan]], rtol=1e-6)
    assert band(result.classes).tolist() == [[0, 1, 2], [3, 4, 255]]
    assert band(result.mask).tolist() == [[0, 0, 0], [0, 0, MaskReason.CLOUD]]


def test_the_folder_holds_every_layer_and_nothing_else(six_pixels: MemoryScene, tmp_path: Path) -> None:
    result = map_scene(Brightness(), six_pixels, tmp_path)
    assert result.folder == tmp_path / "TOY-SCENE"
    assert {p.name for p in result.folder.iterdir()} == LAYERS | BESIDE
    assert [p.name for p in tmp_path.iterdir()] == ["TOY-SCENE"]
    assert json.loads((result.folder / "map.json").read_text("utf-8")) == result.summary


def test_map_lies_where_the_scene_lies(six_pixels: MemoryScene, tmp_path: Path) -> None:
    result = map_scene(Brightness(), six_pixels, tmp_path)
    with open_raster(result.ece) as dataset:
        assert dataset.crs.to_epsg() == 32614
        assert tuple(dataset.transform)[:6] == six_pixels.transform
        assert (dataset.units, dataset.descriptions) == (("dS/m",), ("ECe of the surface layer",))
        assert np.isnan(dataset.nodata)
        tags = dataset.tags()
    assert (tags["MODEL"], tags["MODEL_FINGERPRINT"]) == ("toy-brightness", "0123456789abcdef")
    assert (tags["SCENE"], tags["QUANTITY"]) == ("TOY-SCENE", "ECe")
    assert "SIMULATED" not in tags
    assert result.summary["bounds"] == [500_000.0, 1_999_940.0, 500_090.0, 2_000_000.0]


def test_a_model_of_a_simulated_world_says_so_in_the_tags(six_pixels: MemoryScene, tmp_path: Path) -> None:
    predictor = Brightness()
    predictor.simulated = True  # type: ignore[attr-defined]
    result = map_scene(predictor, six_pixels, tmp_path, about={"seed": "7"})
    with open_raster(result.classes) as dataset:
        assert dataset.tags()["SIMULATED"].startswith("yes")
        assert dataset.tags()["SEED"] == "7"


def test_green_and_broken_pixels_are_masked_with_their_reason(tmp_path: Path) -> None:
    cube = soil(1, 4, 0.03)
    cube[0, 1, 1] = 0.6  # NDVI 0.54
    cube[0, 2, 2] = np.nan  # a needed band is missing
    cube[0, 3] = np.nan
    result = map_scene(Brightness(), scene_of(cube), tmp_path)
    assert band(result.mask).tolist() == [
        [0, MaskReason.VEGETATION, MaskReason.DEFECTIVE, MaskReason.DEFECTIVE]
    ]
    assert result.summary["reasons"] == {"defective": 2, "vegetation": 1}
    assert result.summary["valid"] == 1


def test_a_band_that_the_product_never_holds_masks_nothing(tmp_path: Path) -> None:
    class OnRed(Brightness):
        def predict(self, spectra: Any) -> Any:
            return spectra.values[:, 0] * 10

    cube = soil(2, 2, np.nan)
    scene = scene_of(cube, band_faults=("", "", "no data"))
    np.testing.assert_allclose(band(map_scene(OnRed(), scene, tmp_path).ece), np.full((2, 2), 1.8), rtol=1e-6)


def test_the_predictor_says_which_bands_it_needs(tmp_path: Path) -> None:
    class OnSwir(Brightness):
        def needed_bands(self, scene: Any) -> Any:
            return scene.sensor.axis.values > 2000

    cube = soil(1, 2, 0.03)
    cube[0, 0, 0] = np.nan
    cube[0, 1, 2] = np.nan
    result = map_scene(OnSwir(), scene_of(cube), tmp_path)
    assert band(result.mask).tolist() == [[0, MaskReason.DEFECTIVE]]


def test_a_short_gap_is_filled_before_any_predictor_sees_it(tmp_path: Path) -> None:
    """Bands 2180, 2200 and 2220 nm; the middle one, which the predictor reads, is missing."""

    class Middle(Brightness):
        def predict(self, spectra: Any) -> Any:
            return 100.0 * spectra.values[:, 3]

    sensor = Sensor("toy", Axis(np.array([660.0, 840.0, 2180.0, 2200.0, 2220.0]), "nm", np.full(5, 10.0)))
    cube = np.empty((1, 4, 5), np.float32)
    cube[...] = [0.18, 0.22, 0.02, 0.03, 0.04]
    cube[0, 1, 3] = np.nan
    cube[0, 2, 2:] = np.nan
    cube[0, 3] = np.nan
    before = cube.copy()
    result = map_scene(Middle(), scene_of(cube, [[0, 0, 0, 2]], sensor=sensor), tmp_path)
    np.testing.assert_allclose(band(result.ece), [[3.0, 3.0, np.nan, np.nan]], rtol=1e-5)
    assert band(result.mask).tolist() == [[0, 0, MaskReason.DEFECTIVE, MaskReason.CLOUD]]
    np.testing.assert_array_equal(cube, before)


def test_no_finite_answer_is_defective_and_negative_ece_is_zero(tmp_path: Path) -> None:
    class Odd(Brightness):
        def predict(self, spectra: Any) -> Any:
            return np.array([np.nan, np.inf, -0.5, 3.0])

    result = map_scene(Odd(), scene_of(soil(1, 4, 0.1)), tmp_path)
    np.testing.assert_array_equal(band(result.ece), np.float32([[np.nan, np.nan, 0.0, 3.0]]))
    assert band(result.mask).tolist() == [[8, 8, 0, 0]]
    assert result.summary["notes"] == ["1 pixels were predicted below zero and are shown as 0 dS/m."]


def test_only_valid_pixels_reach_the_predictor(six_pixels: MemoryScene, tmp_path: Path) -> None:
    seen: list[int] = []

    class Counting(Brightness):
        def predict(self, spectra: Any) -> Any:
            seen.append(len(spectra))
            assert not np.isnan(spectra.values).any()
            return super().predict(spectra)

    map_scene(Counting(), six_pixels, tmp_path)
    assert seen == [5]


def test_a_wholly_masked_scene_gives_a_map_without_values(tmp_path: Path) -> None:
    scene = scene_of(soil(2, 2, 0.1), np.full((2, 2), 7))
    result = map_scene(Brightness(), scene, tmp_path)
    assert np.isnan(band(result.ece)).all()
    assert result.summary["ece"] == {"median": None, "p5": None, "p95": None}
    assert result.summary["reasons"] == {"water": 4}
    assert result.summary["notes"] == ["No pixel has a value; most are masked because of: water."]


@given(
    height=st.integers(1, 60), block=st.integers(1, 20), width=st.integers(1, 9), pixels=st.integers(1, 200)
)
def test_windows_cover_every_row_once(height: int, block: int, width: int, pixels: int) -> None:
    scene = scene_of(soil(height, width, 0.1), block=(block, width))
    covered = np.zeros((height, width), int)
    for window in scene.windows(pixels):
        assert window.row % block == 0
        covered[window.slices] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize("pixels", [1, 40, 10_000])
def test_the_map_does_not_depend_on_the_windows(pixels: int, tmp_path: Path) -> None:
    truth = np.random.default_rng(3).uniform(0, 30, (33, 17)).astype(np.float32)
    scene = scene_of(soil(33, 17, truth / 100), block=(4, 17))
    steps: list[tuple[int, int]] = []
    result = map_scene(
        Brightness(),
        scene,
        tmp_path,
        pixels_per_window=pixels,
        progress=lambda done, of: steps.append((done, of)),
    )
    np.testing.assert_allclose(band(result.ece), truth, rtol=1e-5)
    assert max(w.rows * w.columns for w in scene.windows_read) <= max(pixels, 4 * 17)
    assert steps[-1] == (33, 33)
    assert len(steps) == len(scene.windows_read)


def test_same_input_gives_the_same_bytes(six_pixels: MemoryScene, tmp_path: Path) -> None:
    first = map_scene(Brightness(), six_pixels, tmp_path / "a")
    second = map_scene(Brightness(), six_pixels, tmp_path / "b")
    assert fingerprint(first.folder) == fingerprint(second.folder)


class Clay:
    """Covariates: clay content by row; NaN in the first pixel."""

    names = ("clay_pct", "sand_pct")

    def on(self, scene: Any, window: Any) -> dict[str, np.ndarray]:
        clay = np.array([[10, 20, 30], [40, 50, 60]], np.float32)
        clay[0, 0] = np.nan
        return {"clay_pct": clay[window.slices], "sand_pct": np.zeros_like(clay[window.slices])}


def test_covariates_reach_the_right_pixels(six_pixels: MemoryScene, tmp_path: Path) -> None:
    result = map_scene(WithClay(), six_pixels, tmp_path, covariates=Clay())
    np.testing.assert_allclose(band(result.ece), [[np.nan, 4, 8], [16, 45, np.nan]], rtol=1e-6)
    assert band(result.mask)[0, 0] == MaskReason.DEFECTIVE


def test_missing_covariate_values_reach_a_predictor_that_accepts_them(
    six_pixels: MemoryScene, tmp_path: Path
) -> None:
    predictor = WithClay()
    predictor.accepts_missing_covariates = True  # type: ignore[attr-defined]
    result = map_scene(predictor, six_pixels, tmp_path, covariates=Clay())
    assert band(result.ece)[0, 0] == pytest.approx(2.0)


def test_covariates_that_are_not_given_are_named_with_the_way_to_give_them(
    six_pixels: MemoryScene, tmp_path: Path
) -> None:
    with pytest.raises(DeepSaltError, match=r"toy-clay: needs the covariates clay_pct.*--covariates FILE\.$"):
        map_scene(WithClay(), six_pixels, tmp_path)
    predictor = WithClay()
    predictor.accepts_missing_covariates = True  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="or --covariates none"):
        map_scene(predictor, six_pixels, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_covariates_none_is_noted_or_refused(six_pixels: MemoryScene, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot do without"):
        map_scene(WithClay(), six_pixels, tmp_path, covariates="none")
    predictor = WithClay()
    predictor.accepts_missing_covariates = True  # type: ignore[attr-defined]
    result = map_scene(predictor, six_pixels, tmp_path, covariates="none")
    np.testing.assert_allclose(band(result.ece)[0], [2, 3, 6], rtol=1e-6)
    assert "Mapped without covariates (clay_pct)" in result.summary["notes"][0]
    with open_raster(result.ece) as dataset:
        assert dataset.tags()["COVARIATES"].startswith("none given")


class Failing(Brightness):
    """Fails on the second window."""

    def __init__(self) -> None:
        self.calls = 0

    def predict(self, spectra: Any) -> Any:
        self.calls += 1
        if self.calls == 2:
            raise RuntimeError("out of luck")
        return super().predict(spectra)


def test_a_predictor_that_fails_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    scene = scene_of(soil(8, 3, 0.1))
    with pytest.raises(RuntimeError, match="out of luck"):
        map_scene(Failing(), scene, tmp_path, pixels_per_window=6)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_earlier_map(tmp_path: Path) -> None:
    scene = scene_of(soil(8, 3, 0.1))
    before = fingerprint(map_scene(Brightness(), scene, tmp_path).folder)
    with pytest.raises(RuntimeError):
        map_scene(Failing(), scene, tmp_path, pixels_per_window=6)
    assert fingerprint(tmp_path / "TOY-SCENE") == before
    assert [p.name for p in tmp_path.iterdir()] == ["TOY-SCENE"]


def test_a_rename_that_fails_puts_the_earlier_map_back(tmp_path: Path, monkeypatch: Any) -> None:
    scene = scene_of(soil(2, 2, 0.1))
    before = fingerprint(map_scene(Brightness(), scene, tmp_path).folder)
    real = os.replace

    def refuse(source: Path, destination: Path) -> None:
        if str(source).endswith(".part"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, destination)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match="no space left"), whole_folder(tmp_path / "TOY-SCENE") as folder:
        (folder / "map.json").write_text("{}")
    assert fingerprint(tmp_path / "TOY-SCENE") == before
    assert [p.name for p in tmp_path.iterdir()] == ["TOY-SCENE"]


def test_a_whole_map_replaces_the_earlier_one(tmp_path: Path) -> None:
    map_scene(Brightness(), scene_of(soil(2, 2, 0.01)), tmp_path)
    result = map_scene(Brightness(), scene_of(soil(2, 2, 0.09)), tmp_path)
    np.testing.assert_allclose(band(result.ece), np.full((2, 2), 9.0), rtol=1e-6)
    assert [p.name for p in tmp_path.iterdir()] == ["TOY-SCENE"]


def test_a_folder_that_is_not_a_map_is_not_touched(six_pixels: MemoryScene, tmp_path: Path) -> None:
    (tmp_path / "TOY-SCENE").mkdir()
    (tmp_path / "TOY-SCENE" / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="not a map is in the way"):
        map_scene(Brightness(), six_pixels, tmp_path)
    assert (tmp_path / "TOY-SCENE" / "thesis.txt").read_text() == "years of work"


def test_a_predictor_of_the_wrong_shape_is_named(six_pixels: MemoryScene, tmp_path: Path) -> None:
    class Column(Brightness):
        def predict(self, spectra: Any) -> Any:
            return super().predict(spectra)[:, None]

    with pytest.raises(DeepSaltError, match=r"toy-brightness: predicted shape \(5, 1\) for 5 pixels"):
        map_scene(Column(), six_pixels, tmp_path)


def test_scene_names_cannot_leave_the_output_folder(tmp_path: Path) -> None:
    scene = scene_of(soil(1, 1, 0.1), name="../../etc/scene")
    result = map_scene(Brightness(), scene, tmp_path / "maps")
    assert result.folder.parent == tmp_path / "maps"


def test_a_predictor_that_reads_each_scene_in_its_own_way_is_asked_to(
    six_pixels: MemoryScene, tmp_path: Path
) -> None:
    class Bound(Brightness):
        notes: tuple[str, ...] = ()

        def for_scene(self, scene: Any, rules: Any) -> Any:
            other = Bound()
            other.notes = (f"read as {scene.name} below {rules.max_ndvi}",)
            return other

        def predict(self, spectra: Any) -> Any:
            assert self.notes, "the predictor of no scene was asked"
            return super().predict(spectra)

    result = map_scene(Bound(), six_pixels, tmp_path, rules=SurfaceRules(max_ndvi=0.3))
    assert "read as TOY-SCENE below 0.3" in result.summary["notes"]
