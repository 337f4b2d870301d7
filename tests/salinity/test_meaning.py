"""Units and TDS, temperature, classes, sodium, and one value explained."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import LabelError
from deepsalt.salinity import FAO, USDA, scheme, to_25c
from deepsalt.salinity.explain import equation_list, explain
from deepsalt.salinity.sodicity import esp_from_sar, sar, sodicity
from deepsalt.units import ds_per_m, from_ds_per_m

UNITS = ("dS/m", "mS/cm", "mmho/cm", "mS/m", "uS/cm", "mg/L", "ppm")


@pytest.mark.parametrize(
    ("value", "unit", "ds_m"),
    [
        (1, "dS/m", 1),
        (1, "mS/cm", 1),
        (1, "mmho/cm", 1),
        (1, "mS/m", 0.01),
        (1, "uS/cm", 0.001),
        (1, "µS/cm", 0.001),
    ],
)
def test_ms_per_m_is_not_ms_per_cm(value: float, unit: str, ds_m: float) -> None:
    assert float(ds_per_m(value, unit)) == pytest.approx(ds_m)


@pytest.mark.parametrize(
    ("tds", "ds_m"), [(640, 1), (3200, 5), (3201, 5), (3999, 5), (4000, 5), (8000, 10), (0, 0)]
)
def test_dissolved_salts(tds: float, ds_m: float) -> None:
    assert float(ds_per_m(tds, "mg/L")) == pytest.approx(ds_m)


@given(st.floats(0, 1e5), st.floats(0, 1e5))
def test_more_dissolved_salts_never_conduct_less(one: float, other: float) -> None:
    low, high = ds_per_m(sorted((one, other)), "ppm")
    assert low <= high


@given(st.floats(0, 200), st.sampled_from(UNITS))
def test_units_there_and_back(ec: float, unit: str) -> None:
    assert float(ds_per_m(from_ds_per_m(ec, unit), unit)) == pytest.approx(ec)


def test_an_unknown_unit_lists_the_known_ones() -> None:
    with pytest.raises(LabelError, match=r"unknown unit of EC 'S/m'.*mg/l.*us/cm"):
        from_ds_per_m(1, "S/m")


def test_at_25_c_nothing_changes_and_warm_water_conducts_more() -> None:
    assert to_25c([0.0, 1.7], 25.0).tolist() == [0.0, 1.7]
    printed = [0.4470 + 1.4034 * math.exp(-t / 26.815) for t in (5, 15, 35, 45)]
    np.testing.assert_allclose(to_25c(1.0, [5, 15, 35, 45]), printed, rtol=1e-3)
    assert (np.diff(to_25c(1.0, np.arange(3, 48))) < 0).all()
    assert to_25c(1.0, 15) == pytest.approx(1.02**10, abs=0.04), "about 2 % a degree"


@pytest.mark.parametrize("temperature", [2.9, 47.1, 298.0])
def test_temperatures_beyond_the_range(temperature: float) -> None:
    with pytest.raises(LabelError, match=r"cannot be brought to 25 C.*from 3 to 47 C"):
        to_25c([1.0, 1.0], [20.0, temperature])


def test_fao_classes() -> None:
    assert FAO.classify([0, 0.75, 2, 4, 8, 14.99, 15, np.nan]).tolist() == [0, 1, 2, 3, 4, 4, 5, 255]
    assert [c.upper for c in FAO.classes[:-1]] == [c.lower for c in FAO.classes[1:]]
    assert (scheme("usda"), scheme("FAO")) == (USDA, FAO)
    with pytest.raises(LabelError, match=r"unknown scheme of classes 'who'. Known: USDA, FAO"):
        scheme("who")


def test_sodium() -> None:
    assert sar([20, 3, 1], [6, 0, 0], [2, 0, 2]).tolist() == pytest.approx([10, np.nan, 1], nan_ok=True)
    assert float(esp_from_sar(13)) == pytest.approx(100 * 0.17915 / 1.17915)
    assert float(esp_from_sar(0)) == 0
    with pytest.raises(LabelError, match="an ion below zero"):
        sar(1, -1, 3)


def test_saline_and_sodic() -> None:
    assert sodicity([1, 4, 1, 4, np.nan], esp=[14.9, 14.9, 15, 15, 15]).tolist() == [
        "normal", "saline", "sodic", "saline-sodic", None,
    ]  # fmt: skip
    assert sodicity([5, 5, 5], sar=[13, 13.1, np.nan]).tolist() == ["saline", "saline-sodic", None]
    with pytest.raises(LabelError, match="Give one of esp= and sar="):
        sodicity([1.0])


def test_one_value_explained() -> None:
    facts = explain(1.2, "ec1:5", texture="loam")
    assert facts["to"]["value"] == pytest.approx(1.2 * (2.46 + 3.03 / 0.4))
    assert facts["to"]["sd"] == pytest.approx(0.5 * facts["to"]["value"])
    assert facts["class"] == "moderately saline"
    assert facts["equation"]["valid_ec_ds_m"] == [0, 4]
    assert facts["inside_range"] is True
    assert facts["notes"] == ["SP 0.4 kg/kg assumed from the texture loam"]
    assert explain(5, "ec1:5")["notes"] == ["outside the range of the equation: the error is doubled"]
    assert explain(9, "ec1:5", scheme=FAO)["class"] == "extremely salty"


def test_units_and_temperature_without_an_equation() -> None:
    facts = explain(1200, "ec1:5", "1:5", unit="uS/cm", to_unit="mS/m")
    assert facts["to"] == {"method": "EC1:5", "unit": "mS/m", "value": pytest.approx(120)}
    assert "class" not in facts, "classes are of ECe"
    assert explain(2, "ece", temperature_c=15)["to"]["value"] == pytest.approx(2 * 1.2494, abs=1e-3)
    assert explain(1, "ec1:2", to_unit="uS/cm")["to"]["sd"] == pytest.approx(1558.4, abs=0.1)


@pytest.mark.parametrize(
    ("value", "method", "to", "message"),
    [
        (1, "ec1:5", "ec1:1", "no conversion from EC1:5 to EC1:1. Equations lead to ECe only: --to ece"),
        (1, "ece", "ec1:5", "no conversion from ECe to EC1:5"),
        (1, "eca", "ece", "no conversion from ECa.*calibration"),
        (-1, "ece", "ece", "EC of -1 cannot be"),
        (math.nan, "ece", "ece", "EC of nan cannot be"),
    ],
)
def test_what_cannot_be_explained(value: float, method: str, to: str, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        explain(value, method, to)


def test_the_list_holds_every_equation_with_its_source() -> None:
    listed = equation_list()["equations"]
    assert len({one["name"] for one in listed}) == len(listed) == 36
    assert all(one["source"] and one["formula"].startswith("ECe = ") for one in listed)
