"""EC methods, conversion to ECe with its error, classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import LabelError
from deepsalt.salinity import USDA, convert, parse_method
from deepsalt.salinity.conversion import CONVERSIONS


@pytest.mark.parametrize(
    ("text", "name"),
    [("ec1:2", "EC1:2"), ("EC 1:2.5", "EC1:2.5"), ("1to5", "EC1:5"), ("ECE", "ECe"), ("eca", "ECa")],
)
def test_spellings(text: str, name: str) -> None:
    assert parse_method(text) == name


def test_an_unknown_method_lists_the_known_ones() -> None:
    with pytest.raises(LabelError, match=r"unknown EC method 'ec1:3'.*EC1:2.5"):
        parse_method("ec1:3")


@pytest.mark.parametrize(
    ("method", "ec", "ece"),
    [
        ("ec1:2", 1.0, 2.5548),
        ("ec1:1", 2.0, 3.777),
        ("ec1:2.5", 1.0, 4.19),
        ("ec1:5", 1.0, 6.422),
        ("ece", 3.3, 3.3),
    ],
)
def test_the_published_lines(method: str, ec: float, ece: float) -> None:
    assert convert([ec], method).ece == pytest.approx([ece])


def test_beyond_its_range_the_error_doubles() -> None:
    line = CONVERSIONS["EC1:2"]
    found = convert([1.4, 1.6], "ec1:2")
    assert found.sd / found.ece == pytest.approx([line.relative_sd, 2 * line.relative_sd])
    assert "625" in found.source


def test_measured_as_ece_there_is_no_conversion_error() -> None:
    assert convert([0.0, 50.0], "ece").sd.tolist() == [0, 0]


def test_apparent_ec_is_not_converted() -> None:
    with pytest.raises(LabelError, match="no conversion from ECa"):
        convert([1.0], "eca")


@given(st.lists(st.floats(0, 200), min_size=1), st.sampled_from(sorted(CONVERSIONS)))
def test_ece_is_never_negative_and_grows_with_ec(values: list[float], method: str) -> None:
    found = convert(np.sort(values), method)
    assert (found.ece >= 0).all()
    assert (np.diff(found.ece) >= 0).all()
    assert (found.sd >= 0).all()


def test_class_bounds_belong_to_the_upper_class() -> None:
    assert USDA.classify([0, 1.999, 2, 4, 8, 16, 500, np.nan]).tolist() == [0, 0, 1, 2, 3, 4, 4, 255]
    assert [c.upper for c in USDA.classes[:-1]] == [c.lower for c in USDA.classes[1:]]
