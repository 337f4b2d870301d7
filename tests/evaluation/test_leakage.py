"""Planted leaks are caught before any score; a clean set-up raises none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from deepsalt.errors import LabelError
from deepsalt.evaluation.leakage import check_leaks
from deepsalt.spectra import Axis, Spectra
from deepsalt.splits import Split

AXIS = Axis(np.array([500.0, 600]), "nm")
NEAR_M = 60.0


def table(**columns: list) -> Spectra:
    rows = len(next(iter(columns.values())))
    return Spectra.of_table(np.full((rows, 2), 0.3), AXIS, "reflectance", samples=pd.DataFrame(columns))


def sites() -> Spectra:
    """Six points a kilometre apart: fields a, b (train), c (test), d (unseen, in a scene of its own)."""
    return table(
        id=["1", "2", "3", "4", "5", "6"],
        group=["a", "a", "b", "c", "c", "d"],
        scene=["s"] * 5 + ["u"],
        row=[1, 2, 3, 4, 5, 6],
        column=[1] * 6,
        latitude=[0.00, 0.01, 0.02, 0.03, 0.04, 5.0],
        longitude=[0.0] * 6,
    )


def pixels(latitude: list[float], scene: str = "s") -> Spectra:
    count = len(latitude)
    return table(
        scene=[scene] * count, row=list(range(50, 50 + count)), column=[9] * count,
        latitude=latitude, longitude=[0.0] * count,
    )  # fmt: skip


SPLIT = Split(np.array([0, 1, 2]), np.array([3, 4]), np.array([5]))
LIBRARY = table(id=["l"])


def test_a_clean_set_up_raises_nothing() -> None:
    check_leaks(sites(), SPLIT, pixels([0.0, 0.005, 0.025]), LIBRARY, NEAR_M)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (Split(np.array([0, 1, 2, 3]), np.array([3, 4]), np.array([5])), "row 3 is on both sides"),
        (Split(np.array([0, 2]), np.array([1, 3, 4]), np.array([5])), "group a is on both sides"),
        (Split(np.array([0, 1, 2, 5]), np.array([3, 4]), np.array([5])), "row 5 is on both sides"),
    ],
)
def test_a_row_or_a_map_unit_on_both_sides(split: Split, message: str) -> None:
    """Published fault: splits that put one map unit on both sides."""
    with pytest.raises(LabelError, match=message):
        check_leaks(sites(), split, pixels([0.0]), LIBRARY, NEAR_M)


def test_two_points_in_one_pixel_on_both_sides() -> None:
    same = sites().with_samples(row=[1, 2, 3, 3, 5, 6])
    with pytest.raises(LabelError, match="pixel s/3/1 is on both sides"):
        check_leaks(same, SPLIT, pixels([0.0]), LIBRARY, NEAR_M)


def test_an_unlabelled_pixel_beside_a_test_point() -> None:
    """Published fault: alignment pairs that contain test or held-out rows."""
    near = 0.03 + 40 / 111_195
    with pytest.raises(LabelError, match="1 unlabelled pixels lie within 60 m of a held-out point"):
        check_leaks(sites(), SPLIT, pixels([0.0, near]), LIBRARY, NEAR_M)


def test_the_very_pixel_of_a_test_point_even_with_a_wrong_place() -> None:
    moved = replace(pixels([1.0]), samples=pixels([1.0]).samples.assign(row=4, column=1))
    with pytest.raises(LabelError, match="pixel s/4/1"):
        check_leaks(sites(), SPLIT, moved, LIBRARY, NEAR_M)


def test_unlabelled_pixels_of_the_unseen_region() -> None:
    with pytest.raises(LabelError, match="come from a scene of the unseen region"):
        check_leaks(sites(), SPLIT, pixels([9.0], scene="u"), LIBRARY, NEAR_M)


def test_the_scene_of_the_unseen_region_may_be_seen_but_not_beside_a_laboratory_site() -> None:
    seen = pixels([9.0, 9.1], scene="u")
    check_leaks(sites(), SPLIT, seen, LIBRARY, NEAR_M, pixels_of_unseen=True)
    beside = table(id=["l"], latitude=[9.1 + 40 / 111_195], longitude=[0.0])
    with pytest.raises(LabelError, match="1 pixels of the unseen region lie beside a laboratory site"):
        check_leaks(sites(), SPLIT, seen, beside, NEAR_M, pixels_of_unseen=True)
    at_home = pixels([9.0, 9.1])
    check_leaks(sites(), SPLIT, at_home, beside, NEAR_M, pixels_of_unseen=True)


def test_a_pixel_beside_a_held_out_point_is_caught_in_a_scene_that_may_be_seen() -> None:
    with pytest.raises(LabelError, match="within 60 m of a held-out point"):
        check_leaks(sites(), SPLIT, pixels([5.0], scene="u"), LIBRARY, NEAR_M, pixels_of_unseen=True)
