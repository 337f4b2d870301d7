"""Survey map units: components and horizons as SSURGO has them, and the polygons of the units.

Names of columns are those of SSURGO (NASIS). A unit (`mukey`) holds components (`cokey`) with the percent of
its area (`comppct_r`); a component holds horizons with EC of the saturation extract, which is ECe in dS/m at
25 C (mmhos/cm), as low, representative and high value (`ec_l`, `ec_r`, `ec_h`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import LabelError, UsageError
from deepsalt.readers.columns import as_text, listed, numeric, rows_text
from deepsalt.readers.tabular import open_table
from deepsalt.readers.vector import read_vector

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

#: Column of the tables here -> column of SSURGO; the second tuple may be missing.
_COMPONENT = {"mukey": "mukey", "cokey": "cokey", "percent": "comppct_r"}
_COMPONENT_MAYBE = {"kind": "compkind", "major": "majcompflag", "name": "compname"}
_HORIZON = {"cokey": "cokey", "top_cm": "hzdept_r", "bottom_cm": "hzdepb_r", "ece": "ec_r"}
_HORIZON_MAYBE = {"chkey": "chkey", "ece_low": "ec_l", "ece_high": "ec_h"}
_KEYS = ("mukey", "cokey", "chkey")

#: `compkind` of what is no soil: water, rock, urban land, pits (NSSH 627).
MISCELLANEOUS = "miscellaneous area"
#: The saltiest extract that a soil can have, as for measured EC: brine has about 250 dS/m.
_HIGHEST_DS_M = 500.0


@dataclass(frozen=True, eq=False)
class MapUnitTables:
    """What a survey says of its units.

    components  a row a component: mukey, cokey, percent, miscellaneous, name
    horizons    a row a horizon: cokey, top_cm, bottom_cm, ece_low, ece, ece_high in dS/m, NaN = not known
    notes       what was left out or assumed
    """

    components: pd.DataFrame
    horizons: pd.DataFrame
    notes: tuple[str, ...]


def read_map_units(
    components: str | Path,
    horizons: str | Path,
    *,
    components_sheet: str | None = None,
    horizons_sheet: str | None = None,
) -> MapUnitTables:
    """Read the two tables (CSV, Excel or Parquet).

    Raises UsageError for a file that is not there; LabelError for columns, keys or percents that are
    missing, a key that stands there twice, percents and depths that cannot be, and EC that is negative or
    beyond any soil.
    """
    notes: list[str] = []
    parts = _table(components, components_sheet, _COMPONENT, _COMPONENT_MAYBE)
    layers = _table(horizons, horizons_sheet, _HORIZON, _HORIZON_MAYBE)
    parts = _components(parts, str(components), notes)
    layers = _horizons(layers, str(horizons), notes)
    strangers = ~layers["cokey"].isin(parts["cokey"])
    if strangers.all():
        raise LabelError(
            "no horizon belongs to any component",
            where=str(horizons),
            fix="Check that both tables are of one survey: cokey joins them.",
        )
    if strangers.any():
        notes.append(f"{int(strangers.sum())} horizons of components that are not in the table left out")
    return MapUnitTables(parts, layers[~strangers].reset_index(drop=True), tuple(notes))


def read_unit_polygons(
    path: str | Path, *, layer: str | None = None, crs: str | None = None, mukey: str = "mukey"
) -> GeoDataFrame:
    """Polygons with a column `mukey` (text) in the file's own coordinate system.

    mukey   name of the column of keys in the file

    Raises UsageError for a file that is not there, LabelError for features that are no polygons or have
    no key, and what `read_vector` raises.
    """
    place = Path(path).expanduser()
    where = str(place)
    if not place.exists():
        raise UsageError("no such file", where=where, fix="Check the path of the polygons.")
    found = read_vector(place, layer=layer, crs=crs)
    names = {str(name).lower(): str(name) for name in found.columns}
    if mukey.lower() not in names:
        fix = f"Name it with mukey=. Columns: {listed([str(name) for name in found.columns])}."
        raise LabelError(f"no column {mukey}", where=where, fix=fix)
    keys = as_text(found[names[mukey.lower()]])
    _refuse(
        keys.isna(), f"no value in {{}} of column {mukey}", where, "Give every polygon the key of its unit."
    )
    found = found[~(found.geometry.isna() | found.geometry.is_empty)].assign(mukey=keys)
    other = ~found.geometry.geom_type.isin(("Polygon", "MultiPolygon"))
    kinds = ", ".join(sorted(set(found.geometry.geom_type[other])))
    _refuse(other, f"{kinds} in {{}}, not polygons", where, "Give the polygons of the map units.")
    found = found[["mukey", found.geometry.name]].reset_index(drop=True)
    return found if found.geometry.name == "geometry" else found.rename_geometry("geometry")


def _table(
    path: str | Path, sheet: str | None, needed: Mapping[str, str], maybe: Mapping[str, str]
) -> pd.DataFrame:
    """The known columns under our names, keys as text."""
    place = Path(path).expanduser()
    if not place.is_file():
        raise UsageError("no such file", where=str(place), fix="Check the path of the survey's table.")
    file = open_table(place, sheet)
    by_lower = {name.lower().strip(): name for name in reversed(file.columns)}
    missing = [name for name in needed.values() if name not in by_lower]
    if missing:
        raise LabelError(
            f"no column {', '.join(missing)} (columns: {listed(file.columns)})",
            where=str(place),
            fix="Give the table with the column names of SSURGO.",
        )
    of = {ours: by_lower[theirs] for ours, theirs in {**needed, **maybe}.items() if theirs in by_lower}
    keys = {of[name] for name in _KEYS if name in of}
    frame, _ = file.load(other=list(of.values()), text=keys)
    if not len(frame):
        raise LabelError("the table has a header but no rows", where=str(place))
    table = pd.DataFrame({ours: frame[theirs] for ours, theirs in of.items()})
    for name in _KEYS:
        if name in table:
            table[name] = as_text(table[name])
            what = f"no value in {{}} of column {name}"
            _refuse(table[name].isna(), what, str(place), "Every row needs its key.")
    return table


def _components(table: pd.DataFrame, where: str, notes: list[str]) -> pd.DataFrame:
    _refuse(
        table["cokey"].duplicated(), "a cokey stands there again in {}", where, "Give each component once."
    )
    percent = numeric(table["percent"], "comppct_r", where)
    wrong = pd.Series((percent < 0) | (percent > 100))
    _refuse(wrong, "comppct_r below 0 or above 100 in {}", where, "It is the percent of the unit's area.")
    unknown = np.isnan(percent)
    if unknown.any():
        notes.append(f"{int(unknown.sum())} components without comppct_r left out: they have no weight")
    if "kind" not in table:
        notes.append("no column compkind: every component is taken for soil")
    kind = as_text(table["kind"]).fillna("") if "kind" in table else pd.Series("", index=table.index)
    found = pd.DataFrame(
        {
            "mukey": table["mukey"],
            "cokey": table["cokey"],
            "percent": percent,
            "miscellaneous": kind.str.lower() == MISCELLANEOUS,
            "name": as_text(table["name"]) if "name" in table else None,
        }
    )
    return found[~unknown].reset_index(drop=True)


def _horizons(table: pd.DataFrame, where: str, notes: list[str]) -> pd.DataFrame:
    if "chkey" in table:
        _refuse(table["chkey"].duplicated(), "a chkey stands there again in {}", where, "Give horizons once.")
    top, bottom = numeric(table["top_cm"], "hzdept_r", where), numeric(table["bottom_cm"], "hzdepb_r", where)
    wrong = pd.Series((top < 0) | (bottom < top))
    _refuse(wrong, "depths that cannot be in {}", where, "hzdept_r is 0 or more, hzdepb_r not above it.")
    ece = {name: _ec(table, name, where) for name in ("ece_low", "ece", "ece_high")}
    ece["ece_low"], ece["ece_high"] = _ordered(ece, notes)
    found = pd.DataFrame({"cokey": table["cokey"], "top_cm": top, "bottom_cm": bottom, **ece})
    unknown = (found["top_cm"].isna() | found["bottom_cm"].isna()).to_numpy()
    if unknown.any():
        notes.append(f"{int(unknown.sum())} horizons without a depth left out")
    return found[~unknown].reset_index(drop=True)


def _ec(table: pd.DataFrame, name: str, where: str) -> NDArray[np.float64]:
    theirs = {**_HORIZON, **_HORIZON_MAYBE}[name]
    values = numeric(table[name], theirs, where) if name in table else np.full(len(table), np.nan)
    wrong = pd.Series((values < 0) | (values > _HIGHEST_DS_M))
    _refuse(
        wrong, f"{theirs} below 0 or beyond any soil in {{}}", where, "Give ECe in dS/m; leave unknown empty."
    )
    return values


def _ordered(
    ece: Mapping[str, NDArray[np.float64]], notes: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Low and high values; the representative one where they are missing or on the wrong side of it."""
    known = ~np.isnan(ece["ece"])
    low, high = ece["ece_low"], ece["ece_high"]
    missing = known & (np.isnan(low) | np.isnan(high))
    wrong = known & ((low > ece["ece"]) | (high < ece["ece"]))
    if missing.any():
        notes.append(f"{int(missing.sum())} horizons without ec_l or ec_h: ec_r stands for what is missing")
    if wrong.any():
        notes.append(
            f"{int(wrong.sum())} horizons whose ec_r is not between ec_l and ec_h: ec_r stands for both"
        )
    low = np.where(np.isnan(low) | wrong, ece["ece"], low)
    high = np.where(np.isnan(high) | wrong, ece["ece"], high)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def _refuse(wrong: pd.Series, found: str, where: str, fix: str) -> None:
    """Raise LabelError that names the rows where `wrong` holds."""
    rows = np.flatnonzero(wrong.to_numpy(bool))
    if len(rows):
        raise LabelError(found.format(rows_text(rows)), where=where, fix=fix)
