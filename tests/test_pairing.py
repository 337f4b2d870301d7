"""Pairs by great-circle distance, in degrees as users give them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.pairing import far_from, great_circle_m, nearest_pairs

LATITUDE, LONGITUDE = st.floats(-80, 80), st.floats(-179, 179)


def test_known_distances() -> None:
    """Berlin to Cairo is about 2,890 km; a degree of longitude shrinks with the cosine of latitude."""
    assert great_circle_m(52.52, 13.405, 30.044, 31.236) == pytest.approx(2.89e6, rel=0.01)
    assert great_circle_m(60, 10, 60, 11) == pytest.approx(great_circle_m(0, 10, 0, 11) / 2, rel=1e-3)


def test_degrees_are_not_taken_for_radians() -> None:
    """Published fault: a haversine tree fed with degrees. Then the far site would look nearest.

    Taken as radians, 44 is 2 pi * 7 + 0.018 and 0 is 0: neighbours. In degrees they are not.
    """
    pairs = nearest_pairs([0.0], [0.0], [44.0, 1.0], [0.0, 0.0], within_m=200_000)
    assert pairs.satellite.tolist() == [1]
    assert pairs.distance_m == pytest.approx([111_195], rel=1e-3)


@given(st.lists(st.tuples(LATITUDE, LONGITUDE), min_size=1, max_size=8), st.tuples(LATITUDE, LONGITUDE))
def test_the_nearest_is_what_brute_force_finds(places, site) -> None:
    latitude, longitude = np.array(places).T
    pairs = nearest_pairs([site[0]], [site[1]], latitude, longitude, within_m=3e7)
    distance = great_circle_m(site[0], site[1], latitude, longitude)
    assert pairs.distance_m[0] == pytest.approx(distance.min(), abs=1e-3)


def test_the_radius_is_in_metres_and_missing_places_are_never_paired() -> None:
    step = 60 / 111_195  # 60 m of latitude
    pairs = nearest_pairs([0.0, 0.0, np.nan], [0.0, 1.0, 0.0], [step, np.nan], [0.0, 1.0], within_m=61)
    assert (pairs.lab.tolist(), pairs.satellite.tolist()) == ([0], [0])
    assert len(nearest_pairs([0.0], [0.0], [step], [0.0], within_m=59)) == 0
    assert len(nearest_pairs([0.0], [0.0], [np.nan], [np.nan], within_m=59)) == 0


def test_far_from_marks_what_lies_near_a_held_out_place() -> None:
    step = 60 / 111_195
    far = far_from([0.0, step, 3 * step], [0.0] * 3, [0.0], [0.0], beyond_m=61)
    assert far.tolist() == [False, False, True]
