"""Laboratory-only runs: teacher and baselines cross-validated on a library, grouped by profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import pandas as pd

from deepsalt.config import Config
from deepsalt.errors import LabelError
from deepsalt.estimators import LabRegressor, PaperTeacher, baseline
from deepsalt.evaluation.leaks import stop_on
from deepsalt.evaluation.protocol import CROSS_VALIDATION, metrics_document, predictions_of
from deepsalt.pipeline.about import about_laboratory_run, judged, tell
from deepsalt.pipeline.explain import explain_run
from deepsalt.pipeline.facts import library_facts
from deepsalt.pipeline.leaks import leaks_of_folds
from deepsalt.pipeline.notes import notes_on
from deepsalt.pipeline.prepare import read_library
from deepsalt.pipeline.run import Run
from deepsalt.progress import Progress
from deepsalt.spectra import Spectra
from deepsalt.splits import Rows, grouped_folds

if TYPE_CHECKING:
    from deepsalt.training import LabSettings, PaperSettings

    Settings = LabSettings | PaperSettings


def train_lab_only(
    config: Config,
    settings: Settings,
    run: Run,
    inputs: dict[str, str],
    progress: Progress,
    trained: str | None = None,
) -> None:
    """Cross-validate every method on the same grouped folds, then train the teacher on all samples.

    Raises LabelError if the library has no groups: a random split would put layers of one profile on
    both sides.
    """
    progress("reading the library", 0, 1)
    library = read_library(config.library)
    if "group" not in library.samples:
        raise LabelError(
            "the library has no column of profiles, so that layers of one profile would be split",
            where=config.library.path,
            fix="Name the column with group = '...' in [library].",
        )
    target = "ece_ds_m" if config.library.target == "ece" else "ec_ds_m"
    seconds: dict[str, float] = {}
    folds = list(grouped_folds(library.samples["group"].to_numpy(), config.split.folds, config.seed))
    leaks = stop_on(leaks_of_folds(library, folds), config.allow_leak, where="cross-validation")
    predictions = _cross_validate(config, settings, library, target, folds, run, seconds, progress)
    with run.timed("teacher on all samples", seconds):
        teacher = _teacher(config, settings).fit(library, target, progress=progress)
    explain_run(run, teacher, library, config.seed, seconds, held_out=False)
    facts = library_facts(config.library, library)
    document = metrics_document(
        predictions,
        [CROSS_VALIDATION],
        target=facts["label"],
        simulated=config.simulated,
        training={"seconds": seconds, "checks": teacher.checks_, "folds": config.split.folds},
        notes=notes_on(teacher.checks_),
        leaks=leaks,
    )
    run.write("data", {"library": facts, "fingerprints": inputs})
    run.write("history", [stage.as_dict() for stage in getattr(teacher, "history_", [])])
    run.write_predictions(predictions)
    about = about_laboratory_run(config, library, facts["label"], inputs, trained)
    teacher.save(run.model, about.model_dump(mode="json"))
    tell(run, judged(about, document, teacher.name))
    run.write("metrics", document)


def _cross_validate(
    config: Config,
    settings: Settings,
    library: Spectra,
    target: str,
    folds: Sequence[tuple[Rows, Rows]],
    run: Run,
    seconds: dict[str, float],
    progress: Progress,
) -> pd.DataFrame:
    tables = []
    for name in [*config.method.baselines, LabRegressor.name]:
        with run.timed(name, seconds):
            for number, (train, test) in enumerate(folds):
                progress(f"cross-validating {name}", number, len(folds))
                teaching = name == LabRegressor.name
                method = _teacher(config, settings) if teaching else baseline(name, seed=config.seed)
                method.fit(library.take(train), target)
                tables.append(predictions_of(method, CROSS_VALIDATION, library.take(test), target))
        progress(f"cross-validating {name}", len(folds), len(folds))
    return pd.concat(tables, ignore_index=True)


def _teacher(config: Config, settings: Settings) -> LabRegressor | PaperTeacher:
    """The teacher of the preset, untrained."""
    if config.method.preset == "paper":
        return PaperTeacher(cast("PaperSettings", settings), seed=config.seed)
    return LabRegressor(cast("LabSettings", settings), properties=config.library.properties, seed=config.seed)
