"""`deepsalt ec`: what a value means, which equations there are, and calls that make no sense."""

from __future__ import annotations

import json

import pytest


def test_ec_says_what_a_value_means(call) -> None:
    code, out, err = call("ec", "1.2", "--from", "ec1:5", "--to", "ece", "--texture", "loam", "--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert told["to"]["value"] == pytest.approx(12.042)
    assert told["to"]["sd"] == pytest.approx(6.021)
    assert told["equation"]["name"] == "slavich-petterson-1993-1:5"
    assert told["equation"]["formula"] == "ECe = (2.46 + 3.03/SP) EC"
    assert (told["inside_range"], told["class"], told["scheme"]) == (True, "moderately saline", "USDA")
    more = ("--unit", "uS/cm", "--temperature", "15", "--equation", "australia-1:5", "--classes", "fao")
    told = json.loads(call("ec", "1200", "--from", "ec1:5", *more, "--json")[1])
    assert told["to"]["value"] == pytest.approx(1.2 * 1.2494 * 6.4, abs=0.01)
    assert told["class"] == "very strongly salty"
    assert "sd" in call("ec", "1.2", "--from", "ec1:5")[1]


def test_ec_lists_its_equations(call) -> None:
    listed = json.loads(call("ec", "--list", "--json")[1])["equations"]
    assert {"kssl-1:2", "he-2013-1:5"} <= {one["name"] for one in listed}
    code, out, _ = call("ec", "--list")
    assert code == 0
    assert "hogg-henry-1984-suspension-1:1-medium" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("1.2",), "no EC with its method. For example: deepsalt ec 1.2 --from ec1:5"),
        (("1.2", "--from", "ec1:5", "--to", "ec1:1"), "Equations lead to ECe only"),
        (("1.2", "--from", "ec1:3"), "unknown EC method 'ec1:3'"),
        (("1.2", "--from", "ec1:5", "--unit", "S"), "unknown unit of EC 'S'"),
        (("1.2", "--from", "ec1:5", "--texture", "mud"), "unknown texture 'mud'"),
        (("1.2", "--from", "ec1:5", "--temperature", "290"), "Is it in Celsius?"),
    ],
)
def test_ec_that_cannot_be_converted_is_a_wrong_call(call, arguments: tuple, message: str) -> None:
    code, out, err = call("ec", *arguments, "--json")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
