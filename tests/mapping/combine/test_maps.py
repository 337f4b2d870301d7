"""Folders that are no maps, or are damaged or hostile, are refused in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from tests.mapping.combine.conftest import write_map

from deepsalt.errors import DeepSaltError, ProductError, UsageError
from deepsalt.mapping.combine import FinishedMap, open_map
from deepsalt.spectra import Window

Make = Callable[..., FinishedMap]


def told(one: FinishedMap, **changes: Any) -> Path:
    """map.json with some keys changed; None takes a key away."""
    facts = {**one.summary, **changes}
    kept = {key: value for key, value in facts.items() if value is not None}
    (one.folder / "map.json").write_text(json.dumps(kept), "utf-8")
    return one.folder


def test_a_map_tells_what_it_is(maps: Make) -> None:
    one = maps("one", [[1.0, float("nan")]], sd=0.2, level=0.68, above={4.0: 0.1, 0.5: 0.2}, outside=[[0, 1]])
    assert one.thresholds == {"probability_above_4": 4.0, "probability_above_0.5": 0.5}
    assert (one.level, one.scene, one.scheme.name) == (0.68, "one", "USDA")
    assert one.acquired is not None
    assert one.acquired.isoformat() == "2026-05-01T10:00:00+00:00"
    assert one.read("outside", Window(0, 1, 1, 1)).tolist() == [[1]]


def test_another_nodata_is_none_too(maps: Make) -> None:
    one = maps("one", [[1.0, 2.0]])
    with rasterio.open(one.folder / "ece.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.nodata = 2.0
    values = open_map(one.folder).read("ece", Window(0, 0, 1, 2))
    np.testing.assert_array_equal(values, [[1.0, np.nan]])


def test_folders_without_a_map_are_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(UsageError, match=r"not the folder of a map \(it has no map\.json\)"):
            open_map(place)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"classes": None}, "it has no 'classes'"),
        ({"classes": []}, "its classes cannot be read"),
        ({"classes": [{"name": "a"}]}, "its classes cannot be read"),
        ({"classes": 7}, "its classes cannot be read"),
        (
            {"classes": [{"name": "a", "lower": 0, "upper": None, "colour": '#fff"/><evil/>'}]},
            "its classes cannot be read",
        ),
        ({"layers": {"ece": "ece.tif"}}, "has no layer mask"),
        ({"layers": {"ece": "../other/ece.tif", "mask": "mask.tif"}}, "has no layer ece"),
        ({"layers": ["ece"]}, "its layers cannot be read"),
        ({"layers": {"ece": "mask.tif", "mask": "mask.tif"}}, "layer ece has 1 bands of uint8"),
        ({"layers": {"ece": "ece.tif", "mask": "mask.tif", "ece_low": "ece.tif"}}, "it has ece_low alone"),
    ],
)
def test_a_map_json_that_does_not_fit_is_refused(maps: Make, changes: dict[str, Any], says: str) -> None:
    one = maps("one", [[1.0]])
    write_map(one.folder.parent / "other", [[1.0]])
    with pytest.raises(ProductError, match=says):
        open_map(told(one, **changes))


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00", "7"])
def test_a_damaged_map_json_is_refused(maps: Make, text: str) -> None:
    one = maps("one", [[1.0]])
    (one.folder / "map.json").write_text(text, "utf-8")
    with pytest.raises(ProductError, match=r"map\.json"):
        open_map(one.folder)


def test_layers_that_contradict_each_other_are_refused(maps: Make) -> None:
    one, other = maps("one", [[1.0]]), maps("other", [[1.0, 2.0]])
    shutil.copy(other.folder / "mask.tif", one.folder / "mask.tif")
    with pytest.raises(ProductError, match="layer mask does not lie on the grid of ece"):
        open_map(one.folder)
    with pytest.raises(ProductError, match="the tag LEVEL of ece_low is 'high'"):
        maps("level", [[1.0]], sd=0.1, LEVEL="high")
    (other.folder / "mask.tif").unlink()
    with pytest.raises(ProductError, match="has no layer mask"):
        open_map(other.folder)


@pytest.mark.parametrize("kept", [0, 20, 300])
def test_a_damaged_layer_is_refused(maps: Make, kept: int) -> None:
    one = maps("one", [[1.0]])
    layer = one.folder / "ece.tif"
    layer.write_bytes(layer.read_bytes()[:kept])
    with pytest.raises(DeepSaltError, match=r"ece\.tif"):
        open_map(one.folder)
