"""Tables of spectral response: one row a band and wavelength."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from deepsalt.errors import BandError, ProductError, UsageError
from deepsalt.spectra.response import Responses

_COLUMNS = ("band", "wavelength_nm", "response")
#: Response is sometimes published with a little negative noise at the foot of the curve.
_NOISE = 0.01


def read_responses(path: str | Path) -> Responses:
    """Response curves of a CSV with the columns `band`, `wavelength_nm` (or `wavelength_um`) and `response`.

    Lines that start with # are comments; rows come in any order. Small negative values are set to zero.

    Raises UsageError for a file that is not there, ProductError for one without these columns or with a
    value that is no number, BandError for a curve that is no response.
    """
    table = _table(Path(path))
    curves = []
    for name, rows in table.groupby("band", sort=False):
        ordered = rows.sort_values("wavelength_nm")
        response = ordered["response"].to_numpy(float)
        if response.min() < -_NOISE * response.max():
            raise BandError(f"response of band {name} falls to {response.min():g}", where=str(path))
        curves.append((str(name), ordered["wavelength_nm"].to_numpy(float), np.maximum(response, 0.0)))
    names, wavelengths, values = zip(*curves, strict=True)
    return Responses(names, wavelengths, values)


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UsageError("no such file", where=str(path), fix="Check the path.")
    try:
        table = pd.read_csv(path, comment="#", skipinitialspace=True)
    except (ValueError, OSError) as error:
        raise ProductError(f"cannot be read as CSV ({error})", where=str(path)) from error
    if "wavelength_um" in table:
        table = table.assign(wavelength_nm=1000.0 * pd.to_numeric(table["wavelength_um"], errors="coerce"))
    missing = [name for name in _COLUMNS if name not in table]
    if missing or table.empty:
        found = ", ".join(map(str, table.columns[:6])) or "nothing"
        raise ProductError(
            f"no column {missing[0]!r}, found {found}" if missing else "no rows",
            where=str(path),
            fix="A table of responses has the columns band, wavelength_nm and response.",
        )
    for name in _COLUMNS[1:]:
        table[name] = pd.to_numeric(table[name], errors="coerce")
    bad = table[list(_COLUMNS)].isna().any(axis=1)
    if bad.any():
        raise ProductError(f"row {int(np.argmax(bad)) + 1} is incomplete or no number", where=str(path))
    return table
