"""What drives a model, or one of its answers, as one document: for a report, a figure, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import SpectraError
from deepsalt.estimators.predictor import training_groups
from deepsalt.evaluation.band_groups import BandGroup, equal_windows, feature_windows
from deepsalt.evaluation.explain import Attribution, explain, function_of
from deepsalt.evaluation.importance import (
    Agreement,
    Randomised,
    against_randomised,
    agreement_of,
    by_network,
    importance_of,
)
from deepsalt.evaluation.occlusion import occlude
from deepsalt.preprocessing.gaps import fill_gaps
from deepsalt.preprocessing.present import mean_present
from deepsalt.salinity.features import GYPSUM, HALITE, features_on
from deepsalt.spectra import Spectra
from deepsalt.units import ece_from_log

if TYPE_CHECKING:
    from deepsalt.estimators.differentiable import Differentiable

#: Samples that the checks look at; more say the same.
_CHECKED = 30


def model_explanation(
    model: Any,
    spectra: Spectra,
    baseline: Spectra | None = None,
    *,
    width: float | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """What a model reads, over a table of spectra: importance of windows and known features, with checks.

    model     a network of deepsalt, see `explain`
    baseline  as for `explain`
    width     of the windows, nm or cm-1; None for 50 nm or 100 cm-1
    Raises SpectraError where no answer can be explained, and what `explain` and `occlude` raise.
    """
    function = function_of(model, spectra)
    found = explain(model, spectra, baseline)
    rows = np.flatnonzero(found.explained)
    if not len(rows):
        raise _nothing_read(len(spectra))
    asked = _as_read(spectra, function).take(rows)
    kept, windows = _rows_of(found, rows), equal_windows(asked.axis, width)
    checked = rows[:_CHECKED]
    looked_at = _rows_of(found, checked), _samples_of(function, checked)
    randomised = against_randomised(looked_at[1], looked_at[0], windows, seed=seed)
    networks = agreement_of(looked_at[1], looked_at[0], windows)
    return {
        "kind": "explanation",
        "of": "model",
        **_about(model, asked),
        "rows": len(rows),
        "left_out": len(spectra) - len(rows),
        "bands": {
            "centres": asked.axis.values,
            "spectrum": mean_present(asked.values, axis=0),
            "baseline": kept.baseline.mean(axis=0),
        },
        "windows": _importances(model, asked, kept, windows, seed),
        "features": _importances(model, asked, kept, feature_windows(asked.axis), seed),
        "checks": {
            "completeness": float(np.abs(kept.gap).max()),
            "randomised": {**asdict(randomised), "passed": randomised.passed},
            "networks": asdict(networks),
        },
        "notes": [*_doubts(randomised, networks), HALITE, GYPSUM],
    }


def sample_explanation(
    model: Any, sample: Spectra, baseline: Spectra, *, width: float | None = None
) -> dict[str, Any]:
    """Why one spectrum gets the answer it gets: effects of windows and of known features, on ln(1+ECe).

    sample    a table of one row
    baseline  others, of the same scene: what the answer is compared with
    width     as for `model_explanation`
    Raises SpectraError where the answer cannot be explained, and what `explain` and `occlude` raise.
    """
    function = function_of(model, sample)
    found = explain(model, sample, baseline)
    if not found.explained.all():
        raise _nothing_read(len(sample))
    asked = _as_read(sample, function)
    windows = equal_windows(asked.axis, width)
    return {
        "kind": "explanation",
        "of": "sample",
        **_about(model, asked),
        "answer": _both_scales(found.answer[0]),
        "baseline": _both_scales(found.baseline_answer[0]),
        "bands": {
            "centres": asked.axis.values,
            "spectrum": asked.values[0],
            "baseline": found.baseline[0],
            "effect": found.values[0],
        },
        "windows": _effects(model, asked, function, found, windows),
        "features": _effects(model, asked, function, found, feature_windows(asked.axis)),
        "checks": {"completeness": float(np.abs(found.gap[0]))},
        "notes": [HALITE, GYPSUM],
    }


def _as_read(spectra: Spectra, function: Differentiable) -> Spectra:
    """The spectra on the bands that the model reads, short gaps filled."""
    same = spectra.axis == function.axis
    values = fill_gaps(spectra.values, spectra.axis) if same else function.values
    return spectra.with_values(values, function.axis, sensor=spectra.sensor, step="read by the model")


def _rows_of(found: Attribution, rows: NDArray[np.intp]) -> Attribution:
    names = ("spectra", "baseline", "values", "answer", "baseline_answer")
    return replace(found, **{name: getattr(found, name)[rows] for name in names})


def _samples_of(function: Differentiable, rows: NDArray[np.intp]) -> Differentiable:
    names = ("values", "reader", "beside", "line")
    return replace(function, **{name: getattr(function, name)[rows] for name in names})


def _importances(
    model: Any, asked: Spectra, found: Attribution, windows: Sequence[BandGroup], seed: int
) -> list[dict[str, Any]]:
    """Each window with its importance by gradients and by hiding it."""
    if not windows:
        return []
    groups = training_groups(asked)
    hidden = occlude(model, asked, windows)
    shared = importance_of(found.of(windows), found.departure(windows), groups, seed=seed)
    missed = importance_of(hidden.values, hidden.departure, groups, seed=seed)
    return [
        {**_named(one, asked), "gradients": asdict(by_gradients), "hidden": asdict(by_hiding)}
        for one, by_gradients, by_hiding in zip(windows, shared, missed, strict=True)
    ]


def _effects(
    model: Any,
    asked: Spectra,
    function: Differentiable,
    found: Attribution,
    windows: Sequence[BandGroup],
) -> list[dict[str, Any]]:
    """Each window with its effect on one answer: by gradients, their spread over networks, by hiding it."""
    if not windows:
        return []
    hidden, shared = occlude(model, asked, windows).values[0], found.of(windows)[0]
    spread = by_network(function, found, windows)[:, 0].std(axis=0)
    return [
        {**_named(one, asked), "gradients": float(a), "spread": float(b), "hidden": float(c)}
        for one, a, b, c in zip(windows, shared, spread, hidden, strict=True)
    ]


def _named(window: BandGroup, asked: Spectra) -> dict[str, Any]:
    """Name and place of a window, and what it means where it is a known feature."""
    known = {one.name: one for one in features_on(asked.axis.values, asked.axis.unit)}
    told: dict[str, Any] = {"name": window.name, "low": window.low, "high": window.high}
    if window.name in known:
        feature = known[window.name]
        told |= {"material": feature.material, "what": feature.what, "source": feature.source}
    return told


def _about(model: Any, asked: Spectra) -> dict[str, Any]:
    return {
        "model": str(model.name),
        "simulated": bool(getattr(model, "simulated", False)),
        "scale": "ln(1+EC), EC in dS/m",
        "unit": asked.axis.unit,
        "quantity": asked.quantity,
    }


def _both_scales(answer: float) -> dict[str, float]:
    return {"ln": float(answer), "ds_m": float(ece_from_log(answer))}


def _doubts(randomised: Randomised, networks: Agreement) -> list[str]:
    """What a reader must know before believing the picture."""
    doubts = []
    if not randomised.passed:
        doubts.append(
            "Networks with random weights give much the same picture (rank correlation "
            f"{randomised.signed:.2f}): it shows the spectra, not what was learned. Do not read it as the "
            "model's."
        )
    if networks.correlation is not None and networks.correlation < 0.5:
        doubts.append(
            f"The model's {networks.networks} networks disagree on which windows count (rank correlation "
            f"{networks.correlation:.2f}): another training would tell another story."
        )
    return doubts


def _nothing_read(rows: int) -> SpectraError:
    return SpectraError(
        f"none of {rows} answers can be explained: gaps are too wide, or nothing of the same scene is there "
        "to compare with",
        fix="Fill or cut the missing bands, or give more spectra of the scene.",
    )
