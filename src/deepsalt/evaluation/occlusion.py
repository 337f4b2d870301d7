"""Which bands drive a prediction, asked of any model: what changes when a window of bands tells nothing?

A hidden window is no window of zeros, which is a spectrum that no soil has: it is bridged by a straight line
from the bands on both sides, so that its features go and the rest stays; or it gets the mean spectrum's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.estimators.predictor import Predictor
from deepsalt.evaluation.band_groups import BandGroup
from deepsalt.preprocessing.present import mean_present
from deepsalt.spectra import Spectra
from deepsalt.units import log_ece

Floats = NDArray[np.float64]
Fill = Literal["line", "mean"]
_FILLS = ("line", "mean")


@dataclass(frozen=True, eq=False)
class Occlusion:
    """What each window of bands adds to the answer of each sample, on ln(1+ECe).

    groups     the windows
    values     (sample, group) answer as it is less answer with the window hidden; NaN where there is none
    departure  (sample, group) mean of the window less mean of what stood there when it was hidden
    answer     (sample,) ln(1+ECe)
    """

    groups: tuple[BandGroup, ...]
    values: Floats
    departure: Floats
    answer: Floats


def occlude(
    model: Predictor, spectra: Spectra, groups: Sequence[BandGroup], fill: Fill = "line"
) -> Occlusion:
    """Hide each window in turn and ask the model again.

    groups  of bands of `spectra`
    fill    "line": between the bands on both sides, the nearest one beyond the ends: are there features?
            "mean": the mean of these spectra: does it matter that this one is no average one?

    A band that is missing stays missing. Effects do not add up: windows lean on each other.
    Raises UsageError for windows of other bands or of all bands, and what predicting raises.
    """
    if fill not in _FILLS:
        raise UsageError(f"unknown fill {fill!r}", fix=f"Known: {', '.join(_FILLS)}.")
    answer = log_ece(model.predict(spectra))
    values, departure = np.zeros((2, len(spectra), len(groups)))
    for number, one in enumerate(groups):
        hidden = _hidden(spectra, one, fill)
        values[:, number] = answer - log_ece(model.predict(hidden))
        apart = spectra.values[:, one.bands].astype(np.float64) - hidden.values[:, one.bands]
        departure[:, number] = mean_present(apart)
    return Occlusion(tuple(groups), values, departure, answer)


def _hidden(spectra: Spectra, group: BandGroup, fill: Fill) -> Spectra:
    """The spectra without what the window says."""
    if group.bands.shape != (len(spectra.axis),) or group.bands.all():
        raise UsageError(
            f"the window {group.name} has {int(group.bands.sum())} of {len(group.bands)} bands, "
            f"the spectra {len(spectra.axis)}",
            fix="Make windows of the spectra's own axis, each of some of its bands.",
        )
    there = spectra.values[:, group.bands]
    if fill == "mean":
        put = np.broadcast_to(mean_present(spectra.values, axis=0)[group.bands], there.shape)
    else:
        put = _bridged(spectra.values, spectra.axis.values, group.bands)
    filled = np.array(spectra.values)
    filled[:, group.bands] = np.where(np.isnan(there), there, put)
    return spectra.with_values(filled, spectra.axis, sensor=spectra.sensor, step=f"{group.name} hidden")


def _bridged(values: NDArray[np.float32], at: Floats, hidden: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(sample, hidden band) on the line between the bands that are there outside of the window."""
    found = np.full((len(values), int(hidden.sum())), np.nan, np.float32)
    for row, spectrum in enumerate(values):
        known = ~hidden & ~np.isnan(spectrum)
        if known.any():
            found[row] = np.interp(at[hidden], at[known], spectrum[known])
    return found
