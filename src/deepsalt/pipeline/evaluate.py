"""The stage `evaluate`: every number of the report, computed again from the stored predictions."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from deepsalt.errors import UsageError
from deepsalt.evaluation.leaks import stop_on
from deepsalt.evaluation.protocol import metrics_of
from deepsalt.evaluation.strata import strata_of
from deepsalt.pipeline.leaks import leaks_of_run
from deepsalt.pipeline.run import Run


def evaluate(run: Run, allow_leak: bool = False) -> dict[str, Any]:
    """metrics.json of a run, its results computed anew from predictions.parquet.

    allow_leak   return the numbers of a run that has a leak, the leaks in `leaks`

    Raises UsageError if the numbers differ: then the run folder was changed after training. Raises
    LabelError on a leak that the run was allowed, or that its split.json shows.
    """
    document = run.read("metrics")
    leaks = stop_on(leaks_of_run(run, document), allow_leak, where=str(run.root))
    predictions = run.read_predictions()
    results = metrics_of(predictions)
    strata = strata_of(predictions, classes=document["target"] == "ECe")
    if not (_same(document["results"], results) and _same(document.get("strata", strata), strata)):
        raise UsageError(
            "metrics.json does not follow from predictions.parquet",
            where=str(run.root),
            fix="The folder was changed after training: train the run again.",
        )
    return {**document, "results": results, "strata": strata, "leaks": [asdict(leak) for leak in leaks]}


def _same(stored: Any, found: Any) -> bool:
    """Whether what is stored follows; what an earlier version did not store is not missed."""
    if isinstance(stored, dict):
        return isinstance(found, dict) and all(
            key in found and _same(stored[key], found[key]) for key in stored
        )
    if isinstance(stored, list):
        return isinstance(found, list) and len(found) == len(stored) and all(map(_same, stored, found))
    if isinstance(found, float):
        if not math.isfinite(found):
            return stored is None
        return isinstance(stored, int | float) and math.isclose(found, stored, rel_tol=1e-9, abs_tol=1e-12)
    return bool(found == stored)
