"""The same questions to every method: predictions on each part, and the numbers from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from deepsalt.estimators.predictor import Predictor
from deepsalt.evaluation.applicability import COLUMN as OUTSIDE
from deepsalt.evaluation.applicability import applicability_notes, applicability_of, outside_of
from deepsalt.evaluation.bootstrap import salinity_intervals
from deepsalt.evaluation.coverage import COLUMNS as BOUNDS
from deepsalt.evaluation.coverage import bounds_of, coverage_notes, coverage_of
from deepsalt.evaluation.detection_intervals import detection_with_intervals
from deepsalt.evaluation.label_error import label_error
from deepsalt.evaluation.leaks import Leak
from deepsalt.evaluation.metrics import salinity_metrics
from deepsalt.evaluation.paired import DRAWS, LEVEL
from deepsalt.evaluation.strata import seasons, strata_of
from deepsalt.spectra import Spectra

#: Columns that every table of predictions has.
COLUMNS = ["method", "part", "id", "group", "region", "observed", "predicted"]
#: Columns that it has where samples or method tell them: standard error of `observed`, what stratifies
#: results, bounds of intervals, where the method should not be believed.
OPTIONAL = ["observed_sd", "climate_zone", "soil_class", "season", *BOUNDS, OUTSIDE]

#: The column of the label's standard error, by that of the label.
_ERROR_OF = {"ece_ds_m": "ece_sd_ds_m"}


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
SCENE = Part(
    "scene",
    "Scene of the unseen region, against its truth",
    "How well are pixels anywhere in the unseen region's scene mapped, as a simulation knows them?",
)
CROSS_VALIDATION = Part(
    "cv",
    "Cross-validation grouped by profile",
    "How well is a laboratory sample predicted when no layer of its profile was learned from?",
)


def predictions_of(
    predictor: Predictor, part: Part, spectra: Spectra, target: str, strata: Sequence[str] = ()
) -> pd.DataFrame:
    """One row a sample: COLUMNS, in dS/m, those of OPTIONAL that the samples know, and their strata.

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
            **_told(table, target),
            **bounds_of(predictor, spectra),
            **outside_of(predictor, spectra),
        },
        index=range(len(table)),
    )
    return found.assign(**{name: table[name].to_numpy() for name in strata if name not in found})


def _told(table: pd.DataFrame, target: str) -> dict[str, Any]:
    """The columns of OPTIONAL that the samples know."""
    found: dict[str, Any] = {}
    spread = _ERROR_OF.get(target, "")
    if spread in table and (table[spread] > 0).any():
        found["observed_sd"] = table[spread].to_numpy(np.float64)
    for name in ("climate_zone", "soil_class"):
        if name in table:
            found[name] = table[name].astype(object).where(table[name].notna(), "").astype(str).to_numpy()
    if {"date", "latitude"} <= set(table):
        season = seasons(table["date"], table["latitude"].to_numpy(np.float64))
        if (season != "").any():
            found["season"] = season
    return found


def metrics_of(predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """Metrics of each method on each part, computed from the predictions table alone.

    returns  method, part, groups, n, dS_m, ln, detection at the thresholds, `intervals` of the metrics where
             there are groups enough, `label_error` where the labels' own is known, `coverage` of the
             predicted intervals and `applicability` where the method has some
    """
    rows = []
    for (method, part), table in predictions.groupby(["method", "part"], sort=False):
        observed, predicted = table["observed"], table["predicted"]
        row: dict[str, Any] = {"method": method, "part": part, "groups": int(table["group"].nunique())}
        row |= salinity_metrics(observed, predicted)
        row["detection"] = detection_with_intervals(observed, predicted, table["group"])
        between = salinity_intervals(observed, predicted, table["group"])
        noise = label_error(observed, predicted, table["observed_sd"]) if "observed_sd" in table else None
        held, away = coverage_of(table), applicability_of(table)
        rows.append(row | _known(intervals=between, label_error=noise, coverage=held, applicability=away))
    return rows


def _known(**entries: Any) -> dict[str, Any]:
    return {name: value for name, value in entries.items() if value is not None}


def metrics_document(
    predictions: pd.DataFrame,
    parts: Iterable[Part],
    *,
    target: str,
    simulated: bool,
    training: Mapping[str, Any],
    notes: Iterable[str] = (),
    leaks: Iterable[Leak] = (),
) -> dict[str, Any]:
    """Everything that `metrics.json` holds.

    leaks   those that the run was allowed to go on with; every output says so
    """
    parts, results = list(parts), metrics_of(predictions)
    titles = {part.name: part.title for part in parts}
    return {
        "target": target,
        "unit": "dS/m",
        "simulated": simulated,
        "parts": {part.name: {"title": part.title, "question": part.question} for part in parts},
        "methods": list(dict.fromkeys(predictions["method"])),
        "results": results,
        "strata": strata_of(predictions, classes=target == "ECe"),
        "intervals": {"level": LEVEL, "draws": DRAWS, "resampled": "groups"},
        "leaks": [asdict(leak) for leak in leaks],
        "training": dict(training),
        "notes": [*notes, *coverage_notes(results, titles), *applicability_notes(results, titles)],
    }
