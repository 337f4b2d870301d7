"""Many methods on many cases: means, paired differences against one reference, label efficiency.

Two kinds of unseen are never mixed: every table is of one part, one kind of cover and one number of
ground points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from deepsalt.evaluation.efficiency import points_saved
from deepsalt.evaluation.metrics import rank_correlation, salinity_metrics
from deepsalt.evaluation.paired import Paired, mean_rmse, paired
from deepsalt.evaluation.protocol import SCENE, TEST, UNSEEN, UNSEEN_COVERED, Part

#: The baseline that a careful user would have chosen: in each case the one with the best grouped
#: cross-validation on the training points, not the one that turned out best.
TUNED = "tuned-baseline"
TUNED_TITLE = "Best baseline by its own cross-validation"
#: Presets, the one under test first.
_PRESETS = ("deepsalt", "paper")
_ALL = "all"


@dataclass(frozen=True)
class Tried:
    """One method on one case, as far as it is no prediction.

    cover        "covered", "unknown" or "none": whether the library covers the unseen region
    points       ground points asked for; None for all
    learned      ground points there were
    cv_rmse      grouped cross-validation on the training points, ln scale; None where there is none
    failure      why there are no predictions, "" for success
    """

    method: str
    kind: str
    case: str
    cluster: str
    cover: str
    points: int | None
    learned: int
    seconds: float
    cv_rmse: float | None = None
    failure: str = ""


def part_of(name: str, cover: str) -> Part:
    """The part with the words that fit the kind of unseen."""
    if name in (TEST.name, SCENE.name):
        return TEST if name == TEST.name else SCENE
    return UNSEEN_COVERED if cover == "covered" else UNSEEN


def with_tuned(predictions: pd.DataFrame, tried: Sequence[Tried]) -> tuple[pd.DataFrame, list[Tried]]:
    """Both with the rows of TUNED added: in each case a copy of the baseline with the smallest `cv_rmse`."""
    best: dict[str, Tried] = {}
    for one in tried:
        if one.kind != "baseline" or one.failure or one.cv_rmse is None:
            continue
        if one.case not in best or one.cv_rmse < (best[one.case].cv_rmse or 0.0):
            best[one.case] = one
    copies = [
        predictions[(predictions["case"] == case) & (predictions["method"] == one.method)].assign(
            method=TUNED
        )
        for case, one in best.items()
    ]
    added = [Tried(**{**asdict(one), "method": TUNED}) for one in best.values()]
    return pd.concat([predictions, *copies], ignore_index=True), [*tried, *added]


def default_reference(methods: Sequence[str]) -> str:
    """The preset under test; without one the tuned baseline, or the first method."""
    for name in (*_PRESETS, TUNED):
        if name in methods:
            return name
    return methods[0]


def results_of(predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """Metrics of each method on each part of each case, computed from the predictions alone."""
    found = []
    for (method, case, part), table in predictions.groupby(["method", "case", "part"], sort=False):
        numbers = salinity_metrics(table["observed"], table["predicted"])
        ranks = rank_correlation(table["observed"], table["predicted"])
        for scale in ("ln", "dS_m"):
            numbers[scale]["spearman"] = ranks
        found.append({"method": method, "case": case, "part": part, **numbers})
    return found


def tables_of(
    predictions: pd.DataFrame, tried: Sequence[Tried], methods: Sequence[str], reference: str
) -> list[dict[str, Any]]:
    """One table for each part, kind of cover and number of points, a row a method in the order given.

    predictions   columns of `protocol.COLUMNS`, and `case`, `cluster`
    """
    parts = list(dict.fromkeys(predictions["part"]))
    cells = list(dict.fromkeys((one.cover, one.points) for one in tried))
    cells.sort(key=lambda cell: (cell[0], cell[1] is None, cell[1] or 0))
    found = []
    for part in [TEST.name, *(part for part in parts if part != TEST.name)]:
        for cover, points in cells:
            here = [one for one in tried if (one.cover, one.points) == (cover, points)]
            rows = predictions[
                (predictions["part"] == part) & predictions["case"].isin({one.case for one in here})
            ]
            if len(rows):
                found.append(_table(part, cover, points, rows, here, methods, reference))
    return found


def _table(
    part: str,
    cover: str,
    points: int | None,
    predictions: pd.DataFrame,
    tried: Sequence[Tried],
    methods: Sequence[str],
    reference: str,
) -> dict[str, Any]:
    words = part_of(part, cover)
    by_method = {name: [one for one in tried if one.method == name] for name in methods}
    rows = [_row(name, by_method[name], predictions, reference) for name in methods if by_method[name]]
    baselines = [row for row in rows if row["kind"] == "baseline" and row["method"] != TUNED and row["cases"]]
    return {
        "part": part,
        "cover": cover,
        "points": _ALL if points is None else points,
        "learned": _mean_learned(tried),
        "title": words.title,
        "question": words.question,
        "cases": len({one.case for one in tried}),
        "clusters": len({one.cluster for one in tried}),
        "reference": reference,
        "best_baseline_in_hindsight": min(baselines, key=_rmse)["method"] if baselines else None,
        "rows": rows,
    }


def _mean_learned(tried: Sequence[Tried]) -> float:
    """Ground points of a case, averaged over cases; a task that crashed does not know how many it had."""
    by_case: dict[str, int] = {}
    for one in tried:
        by_case[one.case] = max(one.learned, by_case.get(one.case, 0))
    return float(np.mean(list(by_case.values())))


def _rmse(row: Mapping[str, Any]) -> float:
    return float(row["rmse"])


def _row(method: str, tried: Sequence[Tried], predictions: pd.DataFrame, reference: str) -> dict[str, Any]:
    failures = [one.failure for one in tried if one.failure]
    row: dict[str, Any] = {
        "method": method,
        "kind": tried[0].kind,
        "cases": len(tried) - len(failures),
        "failed": len(failures),
        "failures": list(dict.fromkeys(failures)),
        "seconds": float(np.mean([one.seconds for one in tried])),
        "rmse": None,
        "interval": None,
        "ln": None,
        "dS_m": None,
        "against": None,
    }
    own = predictions[predictions["method"] == method]
    if len(own) == 0:
        return row
    row["rmse"], row["interval"] = mean_rmse(predictions, method)
    row |= _mean_metrics(own)
    if method != reference:
        compared = paired(predictions, method, reference)
        row["against"] = None if compared is None else paired_facts(compared)
    return row


def paired_facts(compared: Paired) -> dict[str, Any]:
    """A Paired as plain values, with what follows from it."""
    return {
        **asdict(compared),
        "difference": compared.difference,
        "ratio": compared.ratio,
        "outcome": compared.outcome,
    }


def _mean_metrics(own: pd.DataFrame) -> dict[str, Any]:
    """Metrics averaged over the cases of a cluster, then over clusters; undefined ones are left out."""
    cluster = dict(zip(own["case"], own["cluster"], strict=True))
    found = results_of(own)
    means: dict[str, Any] = {}
    for scale in ("ln", "dS_m"):
        table = pd.DataFrame([one[scale] for one in found])
        by_cluster = table.groupby([cluster[one["case"]] for one in found]).mean()
        means[scale] = {name: float(value) for name, value in by_cluster.mean().items()}
    return means


def efficiency_of(
    tables: Sequence[Mapping[str, Any]], other: str = TUNED, kinds: Iterable[str] = ("preset", "adaptation")
) -> list[dict[str, Any]]:
    """Curves of error against ground points, and the points saved against a baseline.

    tables   of `tables_of`; a curve needs at least two numbers of points
    other    the baseline whose curve must reach the same error
    kinds    methods of these kinds are asked how many points they save
    """
    found = []
    for part, cover in dict.fromkeys((table["part"], table["cover"]) for table in tables):
        cells = [table for table in tables if (table["part"], table["cover"]) == (part, cover)]
        curves = _curves(cells)
        if not any(len(curve["points"]) > 1 for curve in curves):
            continue
        words = part_of(part, cover)
        found.append(
            {
                "part": part,
                "cover": cover,
                "title": words.title,
                "curves": curves,
                "saved_against": other,
                "saved": _saved(curves, other, set(kinds)),
            }
        )
    return found


def _curves(cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    curves: dict[str, dict[str, Any]] = {}
    for cell in sorted(cells, key=lambda cell: cell["learned"]):
        for row in cell["rows"]:
            if row["rmse"] is None:
                continue
            start = {"method": row["method"], "kind": row["kind"], "points": [], "rmse": [], "interval": []}
            curve = curves.setdefault(row["method"], start)
            curve["points"].append(cell["learned"])
            curve["rmse"].append(row["rmse"])
            curve["interval"].append(row["interval"])
    return list(curves.values())


def _saved(curves: Sequence[Mapping[str, Any]], other: str, kinds: set[str]) -> list[dict[str, Any]]:
    by_name = {curve["method"]: dict(zip(curve["points"], curve["rmse"], strict=True)) for curve in curves}
    if not any(points > 0 for points in by_name.get(other, {})):
        return []
    return [
        {"method": curve["method"], **asdict(saved), "factor": saved.factor}
        for curve in curves
        if curve["kind"] in kinds
        for saved in points_saved(by_name[curve["method"]], by_name[other])
    ]
