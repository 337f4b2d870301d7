"""Leaks of a comparison: those of its prepared data, and covariates that know the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from deepsalt.evaluation.comparison import results_of
from deepsalt.evaluation.leakage import lookup_leaks
from deepsalt.evaluation.leaks import Leak, distinct
from deepsalt.evaluation.protocol import TEST
from deepsalt.pipeline.cases import Case
from deepsalt.pipeline.methods import METHODS
from deepsalt.pipeline.tasks import leaks_of_frame

#: The method that must not tell as much as a preset.
CONTROL = "covariates-only"


def leaks_of_comparison(root: Path, cases: Sequence[Case], predictions: pd.DataFrame) -> list[Leak]:
    """The first leak of each kind.

    predictions   of all methods, with their `case`
    """
    frames = {case.frame.key: case.frame for case in cases}
    of_data = [leak for frame in frames.values() for leak in leaks_of_frame(root, frame)]
    return distinct([*of_data, *_lookups(predictions[predictions["part"] == TEST.name])])


def _lookups(predictions: pd.DataFrame) -> Iterator[Leak]:
    """In each case, the control against the best preset."""
    scores = {(row["method"], row["case"]): row["ln"]["r2"] for row in results_of(predictions)}
    for (method, case), r2 in scores.items():
        full = [scores[name, one] for name, one in scores if one == case and METHODS[name].kind == "preset"]
        if method == CONTROL and full:
            yield from lookup_leaks(max(full), r2)
