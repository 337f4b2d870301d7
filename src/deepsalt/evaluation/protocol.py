"""The same questions to every method: predictions on each part, and the numbers from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from deepsalt.estimators.predictor import Predictor
from deepsalt.evaluation.metrics import salinity_metrics
from deepsalt.spectra import Spectra

COLUMNS = ["method", "part", "id", "group", "region", "observed", "predicted"]


@dataclass(frozen=True)
class Part:
    """Rows nobody learned from, and what they can answer.

    name      short key: "test", "unseen", "cv"
    title     shown above its numbers
    question  what a good number here means, in one sentence
    """

    name: str
    title: str
    question: str


TEST = Part(
    "test",
    "Grouped random test",
    "How well are fields mapped that nobody sampled, in regions where other fields were sampled?",
)
UNSEEN = Part(
    "unseen",
    "Unseen region",
    "How well is a region mapped from which no ground point and no laboratory sample was used?",
)
UNSEEN_COVERED = Part(
    "unseen",
    "Unseen region, covered by the library",
    "How well is a region mapped that gave laboratory samples but no ground point?",
)
CROSS_VALIDATION = Part(
    "cv",
    "Cross-validation grouped by profile",
    "How well is a laboratory sample predicted when no layer of its profile was learned from?",
)


def predictions_of(
    predictor: Predictor, part: Part, spectra: Spectra, target: str, strata: Sequence[str] = ()
) -> pd.DataFrame:
    """One row a sample: method, part, id, group, region, observed and predicted, in dS/m, and its strata.

    target   column of `spectra.samples` that holds the observed value
    strata   columns of classes, such as the climate zone, to carry along
    """
    table = spectra.samples
    text = {
        key: table[key].astype(str).to_numpy() if key in table else "" for key in ("id", "group", "region")
    }
    found = pd.DataFrame(
        {
            "method": predictor.name,
            "part": part.name,
            **text,
            "observed": table[target].to_numpy(np.float64),
            "predicted": np.asarray(predictor.predict(spectra), np.float64),
        },
        index=range(len(table)),
    )[COLUMNS]
    return found.assign(**{name: table[name].to_numpy() for name in strata})


def metrics_of(predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """Metrics of each method on each part, computed from the predictions table alone."""
    rows = []
    for (method, part), table in predictions.groupby(["method", "part"], sort=False):
        found = salinity_metrics(table["observed"], table["predicted"])
        rows.append({"method": method, "part": part, **found})
    return rows


def metrics_document(
    predictions: pd.DataFrame,
    parts: Iterable[Part],
    *,
    target: str,
    simulated: bool,
    training: Mapping[str, Any],
    notes: Iterable[str] = (),
) -> dict[str, Any]:
    """Everything that `metrics.json` holds."""
    return {
        "target": target,
        "unit": "dS/m",
        "simulated": simulated,
        "parts": {part.name: {"title": part.title, "question": part.question} for part in parts},
        "methods": list(dict.fromkeys(predictions["method"])),
        "results": metrics_of(predictions),
        "training": dict(training),
        "notes": list(notes),
    }
