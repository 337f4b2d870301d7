"""The axis a file tells: one function makes it, and what is refused names the file."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt import readers
from deepsalt.errors import AxisError, DeepSaltError, ProductError
from deepsalt.readers.file_axis import axis_of_file
from deepsalt.spectra import Axis


@given(st.lists(st.floats(400, 2500), min_size=1, max_size=8, unique=True), st.booleans())
def test_what_an_axis_can_have_is_kept(centres: list[float], widths: bool) -> None:
    values = np.sort(centres)
    fwhm = np.full(len(values), 6.5) if widths else None
    axis = axis_of_file(values, "nm", fwhm, where="scene.xml")
    assert axis == Axis(values, "nm", fwhm)
    assert (axis.fwhm is None) == (not widths)


@pytest.mark.parametrize("error", [AxisError, ProductError])
@pytest.mark.parametrize(
    ("centres", "fwhm", "says"),
    [
        ([500.0, 500.0], None, "scene.xml: 500 nm stands there twice. Average or drop one"),
        ([0.5, 0.6], None, "scene.xml: .* declared as nm. They look like micrometres: multiply by 1000"),
        ([500.0, 600.0], [6.0, 0.0], "scene.xml: FWHM must be 2 positive numbers.* Leave it out if unknown"),
    ],
)
def test_what_is_refused_names_the_file_and_the_fix(
    error: type[DeepSaltError], centres: list[float], fwhm: list[float] | None, says: str
) -> None:
    widths = None if fwhm is None else np.array(fwhm)
    with pytest.raises(error, match=says) as refused:
        axis_of_file(np.array(centres), "nm", widths, where="scene.xml", error=error)
    assert type(refused.value) is error
    assert refused.value.where == "scene.xml"


def made_in(source: str) -> int:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return sum(ast.unparse(call.func) in ("Axis", "spectra.Axis", "axis.Axis") for call in calls)


def test_no_reader_makes_an_axis_of_its_own() -> None:
    """One that did would refuse a file without its name."""
    folder = Path(readers.__file__).parent
    makers = {path.name for path in folder.rglob("*.py") if made_in(path.read_text(encoding="utf-8"))}
    assert makers == {"file_axis.py"}
