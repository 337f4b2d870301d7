"""EC labels: which value a sample is learned from, and with what error."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import LabelError
from deepsalt.readers.columns import find_column, numeric
from deepsalt.salinity import convert, texture_class
from deepsalt.salinity.texture import as_percent, parse_textures
from deepsalt.spectra import Spectra

#: Names of columns of texture, and of sand with clay in percent, that `texture="auto"` takes, in this order.
TEXTURE_COLUMNS = ("texture", "texture_class", "texture_usda", "layer.texture_usda_txt")
PARTICLE_COLUMNS = (
    ("sand_pct", "clay_pct"),
    ("sand.tot_usda.c60_w.pct", "clay.tot_usda.a334_w.pct"),
    ("sand", "clay"),
)

#: The column in which `with_ece` leaves the texture that it used.
TEXTURE_USED = "texture_used"


def with_ece(spectra: Spectra, texture: str | None = None) -> Spectra:
    """Spectra with columns `ece_ds_m` and `ece_sd_ds_m`, converted from EC by the method of each row.

    texture   None: one line a method for every soil. "auto": equations by texture where a column of
              texture, or of sand and clay, is known by name. Else the name of a column of textures, or two
              names, "sand,clay". The texture that was used stands in `texture_used`

    An ECe that stands there already is kept. The provenance says how many rows went by which equation, and
    how many lay outside its range. Raises LabelError if there is no EC with a method, for a texture column
    that is not there, and for a texture that cannot be.
    """
    table = spectra.samples
    if "ece_ds_m" in table and table["ece_ds_m"].notna().any():
        spread = table["ece_sd_ds_m"] if "ece_sd_ds_m" in table else np.zeros(len(table))
        return spectra.with_samples(ece_sd_ds_m=spread)
    require_ec(spectra)
    soil, note = textures_of(table, texture) if texture is not None else (None, "")
    found = convert(table["ec_ds_m"], methods_of(table), texture=soil)
    columns: dict[str, object] = {"ece_ds_m": found.ece, "ece_sd_ds_m": found.sd}
    if soil is not None:
        columns[TEXTURE_USED] = pd.Series(soil, index=table.index, dtype=object)
    done = spectra.with_samples(**columns)
    for step in (note, *found.notes()):
        done = done.noted(step) if step else done
    return done


def require_ec(spectra: Spectra, where: str = "library", *, one_method: bool = False) -> None:
    """Raise LabelError unless the samples hold EC by a known method, each its own.

    one_method  all by the same, as for a target that is EC as measured
    """
    table = spectra.samples
    if "ec_ds_m" not in table or not table["ec_ds_m"].notna().any():
        why = next((step for step in reversed(spectra.provenance) if "EC" in step), "no EC column was found")
        raise LabelError(
            f"no EC label to learn from: {why}",
            where=where,
            fix="Say which column and method, for example ec = 'ec1:2' (and ec_column = '...').",
        )
    methods = sorted(table.loc[table["ec_ds_m"].notna(), "ec_method"].dropna().unique())
    if not methods or (one_method and len(methods) > 1):
        raise LabelError(
            f"EC by {len(methods)} methods ({', '.join(methods) or 'none named'}) in one table",
            where=where,
            fix="Learn ECe (target = 'ece'), or keep one method." if methods else "Name it in ec_method.",
        )


def has_ec(spectra: Spectra) -> bool:
    """Whether any sample has an EC, or an ECe, that was measured."""
    table = spectra.samples
    return any(name in table and bool(table[name].notna().any()) for name in ("ece_ds_m", "ec_ds_m"))


def methods_of(table: pd.DataFrame) -> str | list[str | None]:
    """The method of all rows where only one is named, else that of each; None where a row names none."""
    named = table["ec_method"].dropna().unique()
    if len(named) == 1:
        return str(named[0])
    return [None if pd.isna(method) else str(method) for method in table["ec_method"]]


def textures_of(table: pd.DataFrame, texture: str) -> tuple[NDArray[np.object_], str]:
    """(n,) USDA class or group of each row, None where not known; and a sentence on where it is from.

    texture   as for `with_ece`. Raises LabelError for "auto" without a known column, and UsageError for a
              column that is not there
    """
    names = [str(column) for column in table.columns]
    wanted = [part.strip() for part in texture.split(",")]
    if texture.strip().lower() == "auto":
        wanted = list(_known_columns(names))
    columns = [find_column(names, one, "texture", "") for one in wanted]
    if len(columns) == 1:
        texts = table[columns[0]].astype(object).where(table[columns[0]].notna(), None)
        found, how = parse_textures(texts.to_numpy(), f"column {columns[0]}"), ""
    elif len(columns) == 2:
        parts = [numeric(table[column], column, "") for column in columns]
        sand, clay, how = as_percent(*(np.where(part < 0, np.nan, part) for part in parts))
        found = texture_class(sand, clay)
    else:
        raise LabelError(f"{len(columns)} columns of texture", fix="Name one, or sand and clay: 'sand,clay'.")
    known = sum(one is not None for one in found)
    told = f" ({how})" if how else ""
    return found, f"texture of {known} of {len(found)} rows from {', '.join(columns)}{told}"


def _known_columns(names: list[str]) -> tuple[str, ...]:
    lower = {name.lower() for name in names}
    for candidate in (*((one,) for one in TEXTURE_COLUMNS), *PARTICLE_COLUMNS):
        if set(candidate) <= lower:
            return candidate
    pairs = " or ".join(",".join(pair) for pair in PARTICLE_COLUMNS)
    raise LabelError(
        "texture = 'auto', but no column of texture is known by its name",
        fix=f"Known: {', '.join(TEXTURE_COLUMNS)}; {pairs}. Name yours: texture = 'column'.",
    )
