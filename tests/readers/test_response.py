"""Tables of spectral response."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepsalt.errors import BandError, ProductError, UsageError
from deepsalt.readers.response import read_responses

GOOD = """band,wavelength_nm,response
B2,700,0
B1,510,1
B1,500,0
B1,520,-0.001
B2,720,0.5
B2,710,0.5
"""


def table(folder: Path, text: str) -> Path:
    path = folder / "srf.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_come_in_any_order_and_noise_below_zero_is_zero(tmp_path: Path) -> None:
    found = read_responses(table(tmp_path, "# somebody's curves\n" + GOOD))
    assert found.names == ("B1", "B2")
    assert found.wavelengths[0].tolist() == [500, 510, 520]
    assert found.values[0].tolist() == [0, 1, 0]
    assert found.axis.values[0] == pytest.approx(510)


def test_micrometres_are_read_as_such(tmp_path: Path) -> None:
    text = "band,wavelength_um,response\nB1,0.50,0\nB1,0.51,1\nB1,0.52,0\n"
    assert read_responses(table(tmp_path, text)).axis.values == pytest.approx([510])


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("centre,fwhm\n500,10\n", ProductError, "no column 'band', found centre, fwhm"),
        ("band,wavelength_nm,response\n", ProductError, "no rows"),
        ("", ProductError, "cannot be read as CSV"),
        (GOOD.replace("510,1", "510,x"), ProductError, "row 2 is incomplete or no number"),
        (GOOD.replace("B1,510,1", "B1,500,1"), BandError, "band B1: wavelengths are not increasing at 500"),
        (GOOD.replace("-0.001", "-0.5"), BandError, "response of band B1 falls to -0.5"),
        (GOOD.replace("510,1", "510,0").replace("-0.001", "0"), BandError, "not zero throughout"),
        (GOOD + "B3,900,1\n", BandError, "band B3: 1 wavelengths and 1 values"),
    ],
)
def test_tables_that_are_no_responses_are_one_error(
    tmp_path: Path, text: str, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        read_responses(table(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_responses(tmp_path / "nothing.csv")


@pytest.mark.real_data
def test_real_tables(shared_data: Path) -> None:
    oli = read_responses(shared_data / "srf" / "landsat_oli_srf.csv")
    red = oli.names.index("Red")
    assert oli.axis.values[red] == pytest.approx(654.6, abs=1)
    assert np.all(np.diff(oli.axis.values) > 0)
