"""The texture triangle at its corners and bounds, names in text, percent and fractions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import LabelError
from deepsalt.salinity.texture import (
    CLASSES,
    GROUPS,
    SATURATION,
    _rules,
    as_percent,
    group_of,
    parse_texture,
    parse_textures,
    texture_class,
)


@pytest.mark.parametrize(
    ("sand", "clay", "name"),
    [
        (100, 0, "sand"),
        (0, 100, "clay"),
        (0, 0, "silt"),
        (92, 5, "sand"),
        (82, 6, "loamy sand"),
        (65, 10, "sandy loam"),
        (40, 20, "loam"),
        (20, 15, "silt loam"),
        (5, 6, "silt"),
        (60, 28, "sandy clay loam"),
        (32, 34, "clay loam"),
        (10, 34, "silty clay loam"),
        (52, 42, "sandy clay"),
        (6, 47, "silty clay"),
        (20, 60, "clay"),
    ],
)
def test_inside_each_class(sand: float, clay: float, name: str) -> None:
    assert texture_class([sand], [clay]).tolist() == [name]


@pytest.mark.parametrize(
    ("sand", "clay", "name"),
    [
        (85, 0, "loamy sand"),  # silt + 1.5 clay = 15
        (85.1, 0, "sand"),
        (70, 0, "sandy loam"),  # silt + 2 clay = 30
        (85, 15, "sandy loam"),
        (52, 10, "loam"),
        (52.1, 10, "sandy loam"),
        (52.1, 20, "sandy clay loam"),
        (50, 7, "loam"),
        (50, 6.9, "sandy loam"),
        (50, 0, "silt loam"),
        (20, 0, "silt"),
        (8, 12, "silt loam"),
        (45, 27, "clay loam"),
        (20, 27, "silty clay loam"),
        (45.1, 35, "sandy clay"),
        (45, 40, "clay"),
        (20, 40, "silty clay"),
        (20.1, 40, "clay"),
    ],
)
def test_on_the_bounds(sand: float, clay: float, name: str) -> None:
    assert texture_class([sand], [clay]).tolist() == [name]


@given(st.floats(0, 100), st.floats(0, 1))
def test_every_soil_has_exactly_one_class(sand: float, share: float) -> None:
    clay = (100 - sand) * share
    silt = np.maximum(np.round(100 - sand - clay, 6), 0)
    assert sum(bool(rule) for rule in _rules(np.float64(sand), silt, np.float64(clay)).values()) == 1
    assert texture_class([sand], [clay])[0] in CLASSES


def test_no_point_of_the_triangle_has_two_classes_or_none() -> None:
    sand, clay = (part.ravel().astype(float) for part in np.meshgrid(np.arange(101), np.arange(101)))
    inside = sand + clay <= 100
    sand, clay = sand[inside], clay[inside]
    rules = _rules(sand, 100 - sand - clay, clay).values()
    assert (np.sum([rule.astype(int) for rule in rules], axis=0) == 1).all()


def test_missing_and_impossible() -> None:
    assert texture_class([np.nan, 40], [20, 20]).tolist() == [None, "loam"]
    assert texture_class([60.5], [40]).tolist() == ["sandy clay"], "rounding is no error"
    with pytest.raises(LabelError, match=r"sand 60 % and clay 50 % in row 2 cannot be"):
        texture_class([40, 60], [20, 50])
    with pytest.raises(LabelError, match=r"sand -9 %"):
        texture_class([-9], [50])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Loam", "loam"),
        ("silty clay loam", "silty clay loam"),
        ("SiCL", "silty clay loam"),
        ("SICL", "silty clay loam"),
        (" Silty_Clay-Loam ", "silty clay loam"),
        ("fine sandy loam", "sandy loam"),
        ("loamy very fine sand", "loamy sand"),
        ("coarse sand", "sand"),
        ("silty loam", "silt loam"),
        ("coarse", "coarse"),
        ("Clayey", "fine"),
        ("Si", "silt"),
        ("sic", "silty clay"),
    ],
)
def test_names_in_text(text: str, name: str) -> None:
    assert parse_texture(text) == name


def test_unknown_and_missing_names() -> None:
    with pytest.raises(LabelError, match=r"unknown texture 'peat'. Known: sand, loamy sand"):
        parse_texture("peat")
    assert parse_textures(["SL", None, "", float("nan")]).tolist() == ["sandy loam", None, None, None]
    with pytest.raises(LabelError, match=r"soil.csv: row 2: unknown texture 'peat'"):
        parse_textures(["SL", "peat"], "soil.csv")


def test_groups_and_water_of_the_paste() -> None:
    assert {group_of(name) for name in CLASSES} == set(GROUPS)
    assert set(SATURATION) == {*CLASSES, *GROUPS}
    assert SATURATION["sand"] < SATURATION["loam"] < SATURATION["clay"]
    assert [group_of(name) for name in ("loamy sand", "sandy loam", "silty clay loam", "silty clay")] == [
        "coarse", "medium", "medium", "fine",
    ]  # fmt: skip


def test_fractions_are_told_from_percent() -> None:
    sand, clay, how = as_percent([0.4, np.nan], [0.2, 0.1])
    assert (sand[0], clay[0]) == pytest.approx((40, 20))
    assert "fractions" in how
    sand, clay, how = as_percent([40, 0.5], [20, 0.3])
    assert (sand[0], clay[0]) == (40, 20)
    assert np.isnan(sand[1])
    assert "percent; 1 rows of at most 1 %" in how
    assert as_percent([np.nan], [1.0])[2] == "sand and clay are missing"
