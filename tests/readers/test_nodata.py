"""Nodata is what equals it, whatever the kind of number it is stated in."""

from __future__ import annotations

import numpy as np
import pytest

from deepsalt.readers.raster import is_nodata


@pytest.mark.parametrize(
    ("dtype", "nodata", "expected"),
    [
        ("int16", -32768.0, [True, False, False]),
        ("int16", None, [False, False, False]),
        ("int16", 1.5, [False, False, False]),
        ("int16", 1e6, [False, False, False]),
        ("int16", float("nan"), [False, False, False]),
        ("uint8", -1.0, [False, False, False]),
        ("float32", -32768.0, [True, False, True]),
        ("float32", None, [False, False, True]),
        ("float32", float("nan"), [False, False, True]),
    ],
)
def test_nodata_of_whole_and_broken_numbers(dtype: str, nodata: float | None, expected: list[bool]) -> None:
    stored = {
        "int16": np.array([-32768, 0, 1], np.int16),
        "uint8": np.array([255, 0, 1], np.uint8),
        "float32": np.array([-32768, 0, np.nan], np.float32),
    }[dtype]
    assert is_nodata(stored, nodata).tolist() == expected
