"""ECe of map units against calculations by hand, and what no calculation may do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import LabelError, UsageError
from deepsalt.map_units import aggregate, moments
from deepsalt.readers.map_units import MapUnitTables, read_map_units

COMPONENTS = (
    "mukey,cokey,compname,comppct_r,majcompflag,compkind",
    "100,1,Alfa,50,Yes,Series",
    "100,2,Bravo,30,Yes,Series",
    "100,3,Charlie,10,No,Series",
    "100,4,Water,10,No,Miscellaneous area",
    "200,5,Delta,100,Yes,Series",
    "300,6,Water,100,Yes,Miscellaneous area",
)
HORIZONS = (
    "cokey,chkey,hzdept_r,hzdepb_r,ec_l,ec_r,ec_h",
    "1,11,0,2,2,4,8",  # 2 of the 5 cm
    "1,12,2,20,1,2,3",  # 3 of the 5 cm
    "2,21,0,1,,,",  # litter: no EC, no weight
    "2,22,1,30,6,10,14",  # 4 of the 5 cm
    "3,31,0,10,,,",  # a component without any EC has no weight
    "4,41,0,5,0,50,99",  # a pond is no soil
    "5,51,5,30,1,1,1",  # begins where the depth ends
    "6,61,0,5,1,1,1",
)


@pytest.fixture
def survey(write_tables) -> MapUnitTables:
    return read_map_units(*write_tables(COMPONENTS, HORIZONS))


def test_a_unit_by_hand(survey: MapUnitTables) -> None:
    """Alfa (4 x 2 + 2 x 3) / 5 = 2.8; Bravo 10 x 4 / 4 = 10; unit (2.8 x 50 + 10 x 30) / (50 + 30) = 5.5."""
    label = aggregate(survey).label("100")
    assert label.components["name"].tolist() == ["Alfa", "Bravo"]
    assert label.components["ece"].tolist() == pytest.approx([2.8, 10.0])
    assert label.components["ece_low"].tolist() == pytest.approx([(2 * 2 + 1 * 3) / 5, 6.0])
    assert label.components["ece_high"].tolist() == pytest.approx([(8 * 2 + 3 * 3) / 5, 14.0])
    assert label.components["known_cm"].tolist() == [5, 4]
    assert label.components["percent"].tolist() == [50, 30]
    assert label.components["share"].tolist() == [0.625, 0.375]
    assert label.ece == pytest.approx((2.8 * 50 + 10 * 30) / 80)


def test_the_mixture_by_hand(survey: MapUnitTables) -> None:
    """On ln(1+ECe): each component triangular, the unit their mixture."""
    label = aggregate(survey).label("100")
    alfa, bravo = np.log1p([1.4, 2.8, 5.0]), np.log1p([6.0, 10.0, 14.0])
    means = [alfa.mean(), bravo.mean()]
    wanted = 0.625 * means[0] + 0.375 * means[1]
    variances = [
        (sum(one * one) - one[0] * one[1] - one[0] * one[2] - one[1] * one[2]) / 18 for one in (alfa, bravo)
    ]
    second = sum(s * (v + m * m) for s, v, m in zip([0.625, 0.375], variances, means, strict=True))
    assert label.wanted == pytest.approx(wanted)
    assert label.spread == pytest.approx(np.sqrt(second - wanted**2))


def test_units_without_soil_or_ec_have_no_label(survey: MapUnitTables) -> None:
    labels = aggregate(survey)
    assert labels.units["mukey"].tolist() == ["100"]
    assert labels.units[["components", "percent_known", "percent_total"]].to_numpy().tolist() == [
        [2, 80, 100]
    ]
    assert "2 of 3 map units have no known ECe in 0-5 cm" in labels.notes
    assert "2 miscellaneous areas do not count" in labels.notes
    with pytest.raises(LabelError, match="no ECe of map unit '300'"):
        labels.label("300")


def test_a_deeper_depth_takes_in_what_begins_there(survey: MapUnitTables) -> None:
    deep = aggregate(survey, 2, 22)
    assert deep.label("100").components["ece"].tolist() == pytest.approx([2.0, 10.0])
    assert deep.label("100").components["known_cm"].tolist() == [18, 20]
    assert deep.label("200").ece == 1.0


def test_miscellaneous_areas_count_where_asked(survey: MapUnitTables) -> None:
    labels = aggregate(survey, miscellaneous=True)
    assert labels.label("100").ece == pytest.approx((2.8 * 50 + 10 * 30 + 50 * 10) / 90)
    assert labels.label("300").ece == 1.0


def test_the_dominant_component(survey: MapUnitTables) -> None:
    labels = aggregate(survey, dominant=True)
    assert labels.label("100").ece == pytest.approx(2.8)
    assert labels.label("100").components["share"].tolist() == [1.0]


def test_of_equal_components_the_first_key_is_dominant_and_one_without_ec_gives_no_label(
    write_tables,
) -> None:
    tables = read_map_units(
        *write_tables(
            ("mukey,cokey,comppct_r", "1,b,50", "1,a,50", "2,c,60", "2,d,40"),
            ("cokey,hzdept_r,hzdepb_r,ec_r", "a,0,5,1", "b,0,5,2", "c,0,5,", "d,0,5,4"),
        )
    )
    labels = aggregate(tables, dominant=True)
    assert labels.units["ece_ds_m"].tolist() == [1.0], "unit 2 is dominated by a component without EC"


@pytest.mark.parametrize(("percents", "word"), [((60, 20), "less"), ((80, 40), "more")])
def test_percents_that_do_not_sum_to_100_are_told_and_shared_out(write_tables, percents, word: str) -> None:
    components = ("mukey,cokey,comppct_r", f"1,a,{percents[0]}", f"1,b,{percents[1]}")
    tables = read_map_units(*write_tables(components, ("cokey,hzdept_r,hzdepb_r,ec_r", "a,0,5,1", "b,0,5,5")))
    labels = aggregate(tables)
    assert (
        f"the components of 1 map units sum to {word} than 100 percent; shares are of their sum"
        in labels.notes
    )
    assert labels.label("1").ece == pytest.approx((percents[0] + 5 * percents[1]) / sum(percents))


def test_a_depth_must_be_one_and_hold_something(survey: MapUnitTables) -> None:
    for top, bottom in ((5, 5), (-1, 5), (10, 5)):
        with pytest.raises(UsageError, match=f"depth {top}-{bottom} cm"):
            aggregate(survey, top, bottom)
    with pytest.raises(LabelError, match="no map unit has a known ECe in 200-300 cm"):
        aggregate(survey, 200, 300)


def tables_of(horizons: list[tuple[float, float, float]], percents: list[int]) -> MapUnitTables:
    """One unit; each component has the same horizons in another order of EC."""
    edges = np.cumsum([0.0, *(thickness for thickness, _, _ in horizons)])
    rows = []
    for number in range(len(percents)):
        turned = horizons[number % len(horizons) :] + horizons[: number % len(horizons)]
        for place, (_, ece, span) in enumerate(turned):
            rows.append(
                (str(number), edges[place], edges[place + 1], ece / (1 + span), ece, ece * (1 + span))
            )
    components = pd.DataFrame(
        {"mukey": "1", "cokey": [str(n) for n in range(len(percents))], "percent": map(float, percents)}
    ).assign(miscellaneous=False, name=None)
    columns = ["cokey", "top_cm", "bottom_cm", "ece_low", "ece", "ece_high"]
    return MapUnitTables(components, pd.DataFrame(rows, columns=columns), ())


layer = st.tuples(st.floats(0.5, 30), st.floats(0, 60), st.floats(0, 2))


@given(st.lists(layer, min_size=1, max_size=4), st.lists(st.integers(1, 60), min_size=1, max_size=4))
def test_a_mean_lies_between_what_it_is_made_of(horizons, percents) -> None:
    labels = aggregate(tables_of(horizons, percents))
    ece = [value for _, value, _ in horizons]
    unit = labels.units.iloc[0]
    slack = 1e-9
    assert min(ece) - slack <= unit["ece_ds_m"] <= max(ece) + slack
    assert unit["ece_low"] - slack <= unit["ece_ds_m"] <= unit["ece_high"] + slack
    assert labels.components["share"].sum() == pytest.approx(1)
    low, high = np.log1p(labels.components["ece_low"].min()), np.log1p(labels.components["ece_high"].max())
    assert low - slack <= unit["wanted"] <= high + slack
    assert 0 <= unit["spread"] <= (high - low) / 2 + slack, "the most a distribution on a range can spread"


def test_moments_are_those_of_drawn_soils() -> None:
    share, low, mode, high = np.array([0.7, 0.3]), np.array([1.0, 4]), np.array([2.0, 9]), np.array([6.0, 20])
    rng = np.random.default_rng(0)
    which = rng.choice(2, 400_000, p=share)
    drawn = rng.triangular(np.log1p(low)[which], np.log1p(mode)[which], np.log1p(high)[which])
    wanted, spread = moments(share, low, mode, high)
    assert wanted == pytest.approx(drawn.mean(), abs=0.003)
    assert spread == pytest.approx(drawn.std(), abs=0.003)
    assert moments(np.array([1.0]), *np.full((3, 1), 4.0)) == pytest.approx((np.log(5), 0))
