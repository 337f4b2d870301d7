"""What was fitted on which rows: records that stages keep, so that a leak can be looked up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deepsalt.spectra import Spectra

#: Columns that name a pixel.
PIXEL = ("scene", "row", "column")


@dataclass(frozen=True)
class FittedOn:
    """One stage and the rows that it was given.

    stage   what was fitted, for example "scaler", "band selection", "autoencoder", "baseline plsr"
    keys    names of the rows, see `row_keys`
    """

    stage: str
    keys: frozenset[str]

    @classmethod
    def of(cls, stage: str, *tables: Spectra | None, kind: str = "sample") -> FittedOn:
        """The record of a stage that was given these tables; None is a table that was not there."""
        there = (table for table in tables if table is not None)
        return cls(stage, frozenset().union(*(row_keys(table, kind) for table in there)))

    def seen(self, keys: Iterable[str]) -> list[str]:
        """Those of the keys that the stage was given, sorted."""
        return sorted(self.keys & set(keys))


def row_keys(spectra: Spectra, kind: str = "sample") -> frozenset[str]:
    """Names of the rows of a table: `sample ID` where it has ids, `pixel SCENE/ROW/COLUMN` for pixels.

    kind   of the ids: a laboratory and a field that number their samples from 1 do not mean the same soil
    """
    table = spectra.samples
    found: set[str] = set()
    if "id" in table:
        found |= {f"{kind} {name}" for name in table["id"].dropna().astype(str)}
    if set(PIXEL) <= set(table):
        found |= {f"pixel {name}" for name in pixel_names(spectra)}
    return frozenset(found)


def pixel_names(spectra: Spectra) -> list[str]:
    """(row,) SCENE/ROW/COLUMN of each row of a table of pixels."""
    scene, row, column = (spectra.samples[name].astype(str) for name in PIXEL)
    return list(scene + "/" + row + "/" + column)
