"""The stage `train`: every method learns from the same rows and is asked the same questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from deepsalt.config import Config
from deepsalt.estimators import DeepSaltRegressor, PaperRegressor, Predictor, baseline
from deepsalt.estimators.card import versions
from deepsalt.evaluation.leakage import FIELD, LABORATORY
from deepsalt.evaluation.leaks import Leak, stop_on
from deepsalt.evaluation.protocol import TEST, UNSEEN, UNSEEN_COVERED, Part, metrics_document, predictions_of
from deepsalt.files import fingerprint
from deepsalt.pipeline.about import about_satellite_run, judged, tell
from deepsalt.pipeline.explain import explain_run
from deepsalt.pipeline.lab import train_lab_only
from deepsalt.pipeline.leaks import leaks_of_training
from deepsalt.pipeline.notes import notes_on
from deepsalt.pipeline.paths import expand
from deepsalt.pipeline.prepare import Prepared, prepare
from deepsalt.pipeline.run import Run
from deepsalt.pipeline.settings import lab_settings, preset_settings
from deepsalt.progress import Progress
from deepsalt.readers import files_behind
from deepsalt.readers.class_names import named_by
from deepsalt.readers.vector import files_of
from deepsalt.spectra import Spectra
from deepsalt.splits import FittedOn
from deepsalt.training.bridge_settings import DeepSaltSettings, switched

if TYPE_CHECKING:
    from deepsalt.training import PaperSettings

    Settings = DeepSaltSettings | PaperSettings

TARGET = "ece_ds_m"
Student = DeepSaltRegressor | PaperRegressor


def train(
    config: Config, out: str | Path, progress: Progress, trained: str | None = None, workers: int = 1
) -> Run:
    """Run a config whole and keep everything in a run folder.

    trained   the day, for the model's card; None leaves it out, and the same run gives the same bytes
    workers   processes for trainings of the preset `deepsalt` with something held out; the run is the same

    A run whose config and inputs have not changed since it ended well is left as it is.
    Raises what reading, preparing and training raise; metrics.json is written last, so that a run
    that failed is never taken for a finished one.
    """
    preset, changes = config.method.preset, config.method.settings
    lab_only = config.satellite is None
    teaching = lab_settings(preset, changes) if lab_only else None
    settings = preset_settings(preset, {} if lab_only else changes)
    run = Run.create(out)
    inputs = input_fingerprints(config)
    if is_current(run, config, inputs):
        run.log("nothing to do: config and inputs have not changed")
        progress("config and inputs have not changed", 1, 1)
        return run
    _forget_result(run)
    run.write("config", _resolved(config))
    run.write("versions", versions())
    if teaching is not None:
        train_lab_only(config, teaching, run, inputs, progress, trained)
    else:
        _train_with_satellite(config, settings, run, inputs, progress, trained, workers)
    return run


def input_fingerprints(config: Config) -> dict[str, str]:
    """Digest of every input file, by path."""
    library = config.library
    patterns = [str(file) for file in files_behind(library.path, library.reader)] + list(library.files())
    if config.satellite is not None:
        asked = config.satellite
        patterns += [*asked.scenes, *files_of(asked.points), *asked.covariates]
        patterns += asked.map_units.files() if asked.map_units else []
        patterns += [str(file) for path in expand(asked.strata, "raster") for file in named_by(Path(path))]
    return {path: fingerprint(path) for path in expand(patterns, "input")}


def is_current(run: Run, config: Config, inputs: dict[str, str]) -> bool:
    """Whether the run there was made from this very config, these inputs and these versions."""
    if not (run.has("metrics") and run.has("data") and run.model.is_file()):
        return False
    return bool(
        run.read("config") == _resolved(config)
        and run.read("data").get("fingerprints") == inputs
        and run.read("versions") == versions()
    )


def _resolved(config: Config) -> dict[str, Any]:
    """What the run depends on; a comparison is another job, so that [compare] renews no run."""
    return config.model_dump(exclude={"compare"})


def _forget_result(run: Run) -> None:
    """What an earlier run of this folder found must not outlive its config."""
    named = (run.root / f"{name}.json" for name in ("metrics", "explanation"))
    for path in (*named, run.model, run.report, run.predictions):
        path.unlink(missing_ok=True)


def _train_with_satellite(
    config: Config,
    settings: Settings,
    run: Run,
    inputs: dict[str, str],
    progress: Progress,
    trained: str | None,
    workers: int,
) -> None:
    training = Training()
    with run.timed("prepare", training.seconds):
        data = prepare(config, progress)
    parts = _parts(config)
    run.write("split", _split_facts(data, parts))
    for name in config.method.baselines:
        progress(f"tuning {name}", 0, 1)
        with run.timed(name, training.seconds):
            simple = baseline(name, data.covariate_names, config.seed).fit(data.part("train"))
        training.record(f"{name}: scaling, tuning and fit", data.part("train"))
        training.tuned[name] = simple.chosen_
        training.ask(simple, parts, data)
    students = _students(config, settings, data.covariate_names, workers)
    for student in students:
        with run.timed(student.name, training.seconds):
            _fit(student, data, progress)
        training.record(
            f"{student.name}: encoders, adaptation and fit",
            data.part("train"),
            data.unlabelled,
            data.libraries,
        )
        training.ask(student, parts, data)
    found = leaks_of_training(
        data, parts, training.fitted, training.predictions, students[-1].name, config.seed
    )
    training.leaks = stop_on(found, config.allow_leak, where=config.name)
    explain_run(run, students[-1], data.part("test"), config.seed, training.seconds, held_out=True)
    run.write("data", {**data.facts, "pairs": pair_facts(students[-1]), "fingerprints": inputs})
    student, about = students[-1], about_satellite_run(config, data, inputs, trained)
    student.save(run.model, about.model_dump(mode="json"))
    document = _write_result(config, run, student, parts, training)
    tell(run, judged(about, document, student.name))
    run.write("metrics", document)


@dataclass
class Training:
    """What is collected while methods are trained one after the other."""

    seconds: dict[str, float] = field(default_factory=dict)
    tuned: dict[str, Any] = field(default_factory=dict)
    predictions: list[pd.DataFrame] = field(default_factory=list)
    fitted: list[FittedOn] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)

    def record(
        self,
        stage: str,
        sites: Spectra,
        unlabelled: Spectra | None = None,
        libraries: Mapping[str, Spectra] | None = None,
    ) -> None:
        """Keep on which rows a stage was fitted."""
        given = FittedOn.of(stage, sites, unlabelled, kind=FIELD)
        read = FittedOn.of(stage, *(libraries or {}).values(), kind=LABORATORY)
        self.fitted.append(FittedOn(stage, given.keys | read.keys))

    def ask(self, predictor: Predictor, parts: list[Part], data: Prepared) -> None:
        """Keep the method's predictions on every part."""
        self.predictions += [
            predictions_of(predictor, part, data.part(part.name), TARGET, data.strata) for part in parts
        ]


def _fit(student: Student, data: Prepared, progress: Progress) -> None:
    sites = data.part("train")
    if isinstance(student, DeepSaltRegressor):
        student.fit(data.libraries, sites, data.unlabelled, units=data.units, progress=progress)
    else:
        student.fit(data.library, sites, data.unlabelled, progress=progress)


def _students(config: Config, settings: Settings, covariates: tuple[str, ...], workers: int) -> list[Student]:
    """The student without adaptation first, the configured preset last."""
    method = config.method
    if isinstance(settings, DeepSaltSettings):
        chosen = switched(settings, adaptation=method.adaptation, distillation=method.distillation)
        return [DeepSaltRegressor(chosen, seed=config.seed, workers=workers)]
    switches = [(method.adaptation, method.distillation)]
    if method.student_alone and any(switches[0]):
        switches.insert(0, (False, False))
    return [
        PaperRegressor(
            method.preset,
            adaptation=adaptation,
            distillation=distillation,
            settings=settings,
            covariates=covariates,
            pair_within_m=method.pair_within_m,
            seed=config.seed,
        )
        for adaptation, distillation in switches
    ]


def _parts(config: Config) -> list[Part]:
    if config.split.unseen_region is None:
        return [TEST]
    return [TEST, UNSEEN_COVERED if config.split.library_covers_unseen else UNSEEN]


def _split_facts(data: Prepared, parts: list[Part]) -> dict[str, Any]:
    table = data.sites.samples
    ids, groups = table["id"].astype(str).to_numpy(), table["group"].astype(str).to_numpy()
    rows = {name: data.split.part(name) for name in ["train", *(part.name for part in parts)]}
    return {
        name: {"points": len(at), "fields": sorted(set(groups[at])), "ids": list(ids[at])}
        for name, at in rows.items()
    }


def _write_result(
    config: Config, run: Run, student: Student, parts: list[Part], training: Training
) -> dict[str, Any]:
    """Write what was found but for metrics.json, which is returned: a run that has it is whole."""
    predictions = pd.concat(training.predictions, ignore_index=True)
    document = metrics_document(
        predictions,
        parts,
        target="ECe",
        simulated=config.simulated,
        training={"seconds": training.seconds, "tuned": training.tuned, "checks": student.checks_},
        notes=notes_on(student.checks_),
        leaks=training.leaks,
    )
    run.write("history", [stage.as_dict() for stage in student.history_])
    run.write_predictions(predictions)
    return document


def pair_facts(student: Student) -> dict[str, Any]:
    """How many pairs the adaptation learned from, and how far apart their halves lie."""
    if isinstance(student, DeepSaltRegressor):
        return {"pairs": "none: the bridge goes through the sensor's response, not over neighbours"}
    pairs = student.pairs_
    if not len(pairs):
        return {"pairs": 0}
    return {
        "pairs": len(pairs),
        **student.pair_report_,
        "within, m": student.pair_within_m,
        "median distance, m": round(float(np.median(pairs.distance_m)), 1),
    }
