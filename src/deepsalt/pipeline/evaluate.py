"""The stage `evaluate`: every number of the report, computed again from the stored predictions."""

from __future__ import annotations

import math
from typing import Any

from deepsalt.errors import UsageError
from deepsalt.evaluation.protocol import metrics_of
from deepsalt.pipeline.run import Run


def evaluate(run: Run) -> dict[str, Any]:
    """metrics.json of a run, its results computed anew from predictions.parquet.

    Raises UsageError if they differ: then the run folder was changed after training.
    """
    document = run.read("metrics")
    results = metrics_of(run.read_predictions())
    if not _same(results, document["results"]):
        raise UsageError(
            "metrics.json does not follow from predictions.parquet",
            where=str(run.root),
            fix="The folder was changed after training: train the run again.",
        )
    return {**document, "results": results}


def _same(found: Any, stored: Any) -> bool:
    if isinstance(found, dict):
        return isinstance(stored, dict) and all(_same(found[key], stored.get(key)) for key in found)
    if isinstance(found, list):
        return isinstance(stored, list) and len(found) == len(stored) and all(map(_same, found, stored))
    if isinstance(found, float):
        if not math.isfinite(found):
            return stored is None
        return isinstance(stored, int | float) and math.isclose(found, stored, rel_tol=1e-9, abs_tol=1e-12)
    return bool(found == stored)
