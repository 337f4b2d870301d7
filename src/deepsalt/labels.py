"""EC labels: which value a sample is learned from, and with what error."""

from __future__ import annotations

import numpy as np

from deepsalt.errors import LabelError
from deepsalt.salinity import to_ece
from deepsalt.spectra import Spectra


def with_ece(spectra: Spectra) -> Spectra:
    """Spectra with columns `ece_ds_m` and `ece_sd_ds_m`, converted from EC by its own method.

    An ECe that stands there already is kept. Raises LabelError if there is no EC with a method.
    """
    table = spectra.samples
    if "ece_ds_m" in table and table["ece_ds_m"].notna().any():
        spread = table["ece_sd_ds_m"] if "ece_sd_ds_m" in table else np.zeros(len(table))
        return spectra.with_samples(ece_sd_ds_m=spread)
    require_ec(spectra)
    method = str(table["ec_method"].dropna().iloc[0])
    ece, spread, source = to_ece(table["ec_ds_m"], method)
    step = f"ECe converted from {method} ({source})"
    return spectra.with_samples(ece_ds_m=ece, ece_sd_ds_m=spread).noted(step)


def require_ec(spectra: Spectra, where: str = "library") -> None:
    """Raise LabelError unless the samples hold EC with one known method."""
    table = spectra.samples
    if "ec_ds_m" not in table or not table["ec_ds_m"].notna().any():
        why = next((step for step in reversed(spectra.provenance) if "EC" in step), "no EC column was found")
        raise LabelError(
            f"no EC label to learn from: {why}",
            where=where,
            fix="Say which column and method, for example ec = 'ec1:2' (and ec_column = '...').",
        )
    methods = sorted(table.loc[table["ec_ds_m"].notna(), "ec_method"].dropna().unique())
    if len(methods) != 1:
        raise LabelError(
            f"EC by {len(methods)} methods ({', '.join(methods) or 'none named'}) in one table",
            where=where,
            fix="Keep one method, or convert to ECe first.",
        )
