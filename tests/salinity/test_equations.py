"""Every published equation against its source's numbers; range, error, choice, and known traps."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import LabelError
from deepsalt.salinity import EQUATIONS, convert
from deepsalt.salinity.choice import choose
from deepsalt.salinity.published import BETWEEN

#: Name -> (EC, texture, ECe worked out from the coefficients as printed).
WORKED = {
    "measured": (3.0, None, 3.0),
    "kargas-2018-1:1": (2.0, None, 1.83 * 2 + 0.117),
    "zhang-2005-1:1": (2.0, None, 3.70),
    "ozkan-1:1": (2.0, None, 3.29),
    "landon-1:1": (2.0, None, 4.4),
    "usda-1:1": (2.0, None, 6.0),
    "hogg-henry-1984-suspension-1:1-coarse": (2.0, "sand", 5.96),
    "hogg-henry-1984-suspension-1:1-medium": (2.0, "loam", 5.25),
    "hogg-henry-1984-suspension-1:1-fine": (2.0, "clay", 4.35),
    "sonmez-2008-1:1-coarse": (2.0, "sand", 4.17),
    "sonmez-2008-1:1-medium": (2.0, "loam", 3.86),
    "sonmez-2008-1:1-fine": (2.0, "clay", 3.65),
    "sonmez-2008-1:1": (2.0, None, 3.88),
    "kssl-1:2": (1.0, None, 2.5548),
    "hogg-henry-1984-1:2-coarse": (1.0, "sand", 3.5),
    "hogg-henry-1984-1:2-medium": (1.0, "loam", 1.99),
    "hogg-henry-1984-1:2-fine": (1.0, "clay", 2.19),
    "sonmez-2008-1:2.5-coarse": (1.0, "sand", 4.47),
    "sonmez-2008-1:2.5-medium": (1.0, "loam", 4.19),
    "sonmez-2008-1:2.5-fine": (1.0, "clay", 3.9),
    "shahid-1:2.5": (1.0, None, 4.77),
    "kargas-2018-1:5": (1.0, None, 6.422),
    "sonmez-2008-1:5-coarse": (1.0, "sand", 7.89),
    "sonmez-2008-1:5-medium": (1.0, "loam", 7.64),
    "sonmez-2008-1:5-fine": (1.0, "clay", 7.12),
    "slavich-petterson-1993-1:5": (1.0, "sand", 17.61),
    "barrett-lennard-2008-1:5-coarse": (0.5, "sand", 7.0),
    "barrett-lennard-2008-1:5-medium": (0.5, "loam", 5.5),
    "barrett-lennard-2008-1:5-fine": (0.5, "clay", 4.0),
    "he-2013-1:5": (2.0, None, math.exp(0.7 * math.log(2.0) + 1.78)),
    "klaustermeier-1:5": (2.0, None, 10 ** (1.256 * math.log10(2.0) + 0.766)),
    "australia-1:5": (0.5, None, 3.2),
    "korea-1:5": (0.4, None, 3.0),
    "fao-2006-1:1": (1.0, "loam", 1 * 100 / 40),
    "fao-2006-1:2": (1.0, "loam", 2 * 100 / 40),
    "fao-2006-1:2.5": (1.0, "loam", 2.5 * 100 / 40),
    "fao-2006-1:5": (1.0, "loam", 5 * 100 / 40),
}
EXTRACTS = sorted(name for name in EQUATIONS if name != "measured")


def test_every_equation_has_a_worked_number() -> None:
    assert set(WORKED) == set(EQUATIONS)


@pytest.mark.parametrize("name", sorted(EQUATIONS))
def test_the_printed_coefficients(name: str) -> None:
    ec, texture, ece = WORKED[name]
    asked = None if name == "measured" else name
    found = convert([ec], EQUATIONS[name].method, texture=texture, equation=asked)
    assert found.ece == pytest.approx([ece])
    assert found.source == EQUATIONS[name].source


@pytest.mark.parametrize(
    ("percent", "factor"), [(20, 17.6), (27, 13.7), (40, 10.0), (49, 8.6), (60, 7.5), (90, 5.8)]
)
def test_slavich_and_petterson_by_measured_water(percent: float, factor: float) -> None:
    found = convert([1.0], "ec1:5", saturation_pct=percent)
    assert found.equation.tolist() == ["slavich-petterson-1993-1:5"]
    assert found.ece == pytest.approx([factor], abs=0.05)


@given(st.lists(st.floats(0, 50), min_size=2), st.sampled_from(EXTRACTS))
def test_no_equation_goes_below_zero_or_down(values: list[float], name: str) -> None:
    ec, equation = np.sort(values), EQUATIONS[name]
    ece, spread = equation.apply(ec, 0.4)
    assert (ece >= 0).all()
    assert (np.diff(ece) >= 0).all()
    assert (spread >= equation.floor_sd).all()
    assert (ece[ec == 0] + spread[ec == 0] <= 3.3).all(), "no salt reads as no salt"


@pytest.mark.parametrize("name", EXTRACTS)
def test_outside_its_range_the_error_doubles_and_is_counted(name: str) -> None:
    equation = EQUATIONS[name]
    edge = equation.valid[1]
    texture = None if equation.texture == "any" else equation.texture
    found = convert([edge, edge * 1.001], equation.method, texture=texture, saturation_pct=40, equation=name)
    assert found.outside.tolist() == [False, True]
    assert found.sd[1] / found.ece[1] == pytest.approx(2 * found.sd[0] / found.ece[0], rel=0.01)
    assert "1 of them outside its range (error doubled)" in found.notes()[0]


def test_a_line_holds_from_where_it_is_zero() -> None:
    found = convert([0.2, 0.5], "ec1:1", texture="sand")
    assert found.ece == pytest.approx([0.0, 0.09])
    assert found.outside.tolist() == [True, False]
    assert found.sd.tolist() == [2.54, 1.27]


@pytest.mark.parametrize(
    "family", ["sonmez-2008", "slavich-petterson-1993", "barrett-lennard-2008", "fao-2006"]
)
def test_sand_reads_saltier_than_clay_at_the_same_1_to_5(family: str) -> None:
    """The R package soilassessment has it the other way round: sand holds less water in its paste."""
    ece = convert([1.0, 1.0, 1.0], "ec1:5", texture=["sand", "loam", "clay"], equation=family).ece
    assert ece[0] > ece[1] > ece[2]


@pytest.mark.parametrize("method", ["ec1:1", "ec1:2", "ec1:2.5", "ec1:5"])
def test_sand_reads_saltier_than_clay_by_default(method: str) -> None:
    ece = convert([3.0, 3.0], method, texture=["S", "C"]).ece
    assert ece[0] > ece[1]


def test_texture_is_used_where_it_is_known() -> None:
    found = convert([1.0] * 4, ["ec1:5", "ec1:2", "ec1:1", "ec1:5"], texture=["SiCL", "sand", "fine", None])
    assert found.equation.tolist() == [
        "slavich-petterson-1993-1:5", "hogg-henry-1984-1:2-coarse", "sonmez-2008-1:1-fine", "kargas-2018-1:5",
    ]  # fmt: skip
    assert found.counts["kargas-2018-1:5"] == 1
    assert found.ece[0] == pytest.approx(2.46 + 3.03 / 0.49)


def test_missing_values_stay_missing_and_keep_the_shape() -> None:
    found = convert([[1.0, np.nan], [np.nan, 2.0]], "ec1:5")
    assert found.ece.shape == found.equation.shape == (2, 2)
    assert np.isnan(found.sd).tolist() == [[False, True], [True, False]]
    assert found.equation[0, 1] == ""
    assert convert([], "ec1:5").notes() == ()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"equation": "sonmez"}, r"no equation 'sonmez' for EC1:5.*For EC1:5: kargas-2018-1:5"),
        ({"equation": "sonmez-2008"}, r"goes by texture \(coarse, medium, fine\), which is not known"),
        ({"equation": "kssl-1:2"}, "is for EC1:2, not EC1:5"),
        ({"equation": "viscounti"}, "not used: it is kargas-2018 under another name"),
        ({"equation": "usda-1:5"}, "4.5 is doubtful"),
        ({"equation": "sonmez-2008-1:5-fine", "texture": "sand"}, "for fine soils, the texture is coarse"),
        ({"equation": "slavich-petterson-1993"}, "needs the water of the saturated paste"),
        ({"texture": "mud"}, "unknown texture 'mud'.*loamy sand"),
        ({"texture": ["sand", "clay"]}, "2 entries of texture for 1 values"),
        ({"saturation_pct": 0.4}, "saturation percentage of 0.4 cannot be.*45, not 0.45"),
    ],
)
def test_what_does_not_go_together(call: dict, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        convert([1.0], "ec1:5", **call)


def test_negative_ec_and_ec_without_a_method() -> None:
    with pytest.raises(LabelError, match="EC below zero: -1 dS/m"):
        convert([1.0, -1.0], "ec1:5")
    with pytest.raises(LabelError, match="EC without a method in row 2"):
        convert([1.0, 1.0], ["ec1:5", None])


def test_the_share_by_which_published_equations_differ() -> None:
    """The constant of the error model, from the equations by texture: 1:1 (two), 1:5 (three)."""
    apart = []
    for group in ("coarse", "medium", "fine"):
        for method, families in (
            ("EC1:1", ("hogg-henry-1984-suspension", "sonmez-2008")),
            ("EC1:5", ("sonmez-2008", "barrett-lennard-2008", "slavich-petterson-1993")),
        ):
            entries = [choose(method, group, family) for family in families]
            water = {"coarse": 0.2, "medium": 0.4, "fine": 0.6}[group]
            slope = [e.apply(2.0, water)[0] - e.apply(1.0, water)[0] for e in entries]
            apart.append(np.std(slope, ddof=1) / np.mean(slope))
    assert np.sqrt(np.mean(np.square(apart))) == pytest.approx(BETWEEN, abs=0.02)


def test_the_page_says_what_the_code_does() -> None:
    page = (Path(__file__).parents[2] / "docs" / "ec.md").read_text(encoding="utf-8")
    for one in (EQUATIONS[name] for name in EXTRACTS):
        assumed = "*" if one.range_note else ""
        ec = f"{one.valid[0]:.3g}-{one.valid[1]:g}{assumed}"
        row = (
            f"| {one.name} | {one.form.formula} | {one.texture} | {ec} | "
            f"{one.relative_sd:g}, {one.floor_sd:g} | {one.source} |"
        )
        assert row in page, f"docs/ec.md lacks this row:\n{row}"
    assert page.count("\n| ") == len(EXTRACTS) + 1
