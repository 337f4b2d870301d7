"""What a map may be asked for: levels and thresholds that its names and tags can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mapping.conftest import Brightness, MemoryScene
from tests.mapping.test_mapping_layers import Knows

from deepsalt.errors import UsageError
from deepsalt.mapping import map_scene
from deepsalt.mapping.questions import DEFAULT_QUESTIONS, Questions
from deepsalt.mapping.style import map_layers, probability_name, threshold_of
from deepsalt.salinity import USDA

UNANSWERED = "The model does not know its errors: no interval and no probability, though asked for."


def test_thresholds_rise_and_stand_once() -> None:
    asked = Questions(0.68, (12.5, 4, 8, 4.0))
    assert asked.thresholds == (4, 8, 12.5)
    assert asked.settings() == {"level": "0.68", "thresholds": "4, 8, 12.5"}
    assert Questions(0.68, (8, 12.5, 4)) == asked
    assert (DEFAULT_QUESTIONS.level, DEFAULT_QUESTIONS.thresholds) == (0.9, (4.0,))
    assert Questions(0.9, ()).settings()["thresholds"] == ""


@given(st.lists(st.floats(0.001, 9e5).map(lambda x: float(f"{x:.5g}")), max_size=4))
def test_each_threshold_has_a_layer_whose_name_tells_it(thresholds: list[float]) -> None:
    assert told_by_layers(Questions(0.9, tuple(thresholds))) == sorted(set(thresholds))


@given(st.lists(st.floats(), min_size=1, max_size=4))
def test_what_no_name_tells_is_refused(thresholds: list[float]) -> None:
    try:
        asked = Questions(0.9, tuple(thresholds))
    except UsageError:
        return
    assert told_by_layers(asked) == sorted(set(thresholds))


def told_by_layers(asked: Questions) -> list[float]:
    told = [threshold_of(name) for name in map_layers(USDA, asked.level, asked.thresholds)]
    return [threshold for threshold in told if threshold is not None]


@pytest.mark.parametrize("level", [0, 1, -0.1, 90, float("nan"), float("inf"), 0.9000001, 0.99999999])
def test_a_level_that_is_no_share_or_that_a_tag_would_round_is_refused(level: float) -> None:
    with pytest.raises(UsageError, match=r"level is .*Give a share between 0 and 1 of at most six digits"):
        Questions(level)


@pytest.mark.parametrize("threshold", [-1, -0.0, float("nan"), float("inf"), 4.0000001, 1e-5, 1e7])
def test_a_threshold_that_no_name_can_hold_is_refused(threshold: float) -> None:
    """Two that round to one name would be written into one file."""
    with pytest.raises(UsageError, match=r"threshold is .* dS/m.*Give an ECe in dS/m of at most six digits"):
        Questions(0.9, (4.0, threshold))


@pytest.mark.parametrize(
    "name",
    ["ece", "probability_above_", "probability_above_x", "xprobability_above_4", "probability_above_-4"],
)
def test_other_layers_have_no_threshold(name: str) -> None:
    assert threshold_of(name) is None


def test_a_name_gives_its_threshold_back() -> None:
    assert [threshold_of(probability_name(x)) for x in (0, 4, 12.5, 0.25)] == [0, 4, 12.5, 0.25]


@pytest.mark.parametrize(
    ("model", "asked", "said"),
    [
        (Brightness(), {}, False),
        (Brightness(), {"level": 0.8}, True),
        (Brightness(), {"thresholds": (8.0,)}, True),
        (Brightness(), {"thresholds": (4.0, 8.0)}, True),
        (Knows(), {"level": 0.8, "thresholds": (8.0,)}, False),
    ],
)
def test_what_was_asked_for_and_is_not_known_is_told(
    model: Any, asked: dict[str, Any], said: bool, six_pixels: MemoryScene, tmp_path: Path
) -> None:
    assert (UNANSWERED in map_scene(model, six_pixels, tmp_path, **asked).summary["notes"]) is said
