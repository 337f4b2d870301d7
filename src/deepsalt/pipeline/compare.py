"""The stage `compare`: baselines, adaptations, presets and controls on the same cases, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from deepsalt.config import CompareConfig, Config, compare_config
from deepsalt.errors import OutputError, TrainingError, UsageError
from deepsalt.estimators.card import versions
from deepsalt.evaluation.comparison import (
    TUNED,
    TUNED_TITLE,
    Tried,
    default_reference,
    efficiency_of,
    results_of,
    tables_of,
    with_tuned,
)
from deepsalt.evaluation.leaks import stop_on
from deepsalt.evaluation.paired import DRAWS, LEVEL
from deepsalt.evaluation.protocol import COLUMNS
from deepsalt.files import written_whole
from deepsalt.parallel import cores
from deepsalt.pipeline.cases import Case, cases_of
from deepsalt.pipeline.compare_leaks import leaks_of_comparison
from deepsalt.pipeline.methods import METHODS, Method, methods_named
from deepsalt.pipeline.run import write_json
from deepsalt.pipeline.settings import preset_settings
from deepsalt.pipeline.tasks import Result, Task, read_result, run_all
from deepsalt.progress import Progress
from deepsalt.report.comparison import write_comparison

DOCUMENT = "compare.json"


def compare(
    config: Config | None,
    out: str | Path,
    progress: Progress,
    wanted: CompareConfig | None = None,
    allow_leak: bool = False,
) -> dict[str, Any]:
    """Run every method on every case, and write compare.json, compare.md, predictions and figures to `out`.

    config   whose data and [method] are used; None for simulated worlds with defaults
    wanted   instead of the config's own [compare]
    allow_leak   go on where held-out data were learned from, as does the config's own allow_leak
    returns  the content of compare.json

    What an earlier call finished is not done again. A method that fails on a case is recorded with its
    reason. Raises UsageError for an unknown method or nothing to compare on, LabelError on a leak, and
    TrainingError if nothing could be predicted at all.
    """
    asked = wanted or (config.compare if config else CompareConfig())
    methods = methods_named(asked.methods)
    _check_reference(asked.reference, methods)
    if config is not None and config.method.settings:
        preset_settings(
            config.method.preset, config.method.settings
        )  # a wrong key must not wait for the first task
    root = _folder(Path(out))
    allow = allow_leak or (config is not None and config.allow_leak)
    cases = [case.allowing_leaks(allow) for case in cases_of(config, asked, root / "worlds")]
    tasks = [Task.of(case, method.name, root) for case in cases for method in methods]
    crashes = run_all(tasks, asked.workers or cores(), progress)
    results = [
        _crashed(task, crashes[task.key]) if task.key in crashes else read_result(task) for task in tasks
    ]
    progress("comparing", 0, 1)
    predictions = pd.concat([_named(result) for result in results], ignore_index=True)
    if len(predictions) == 0:
        raise TrainingError(
            f"no method could be asked; the first, {results[0].task.method}: {results[0].failure}",
            where=str(root),
        )
    leaks = stop_on(leaks_of_comparison(root, cases, predictions), allow, where=str(root))
    document = _document(config, asked, methods, cases, results, predictions)
    document["leaks"] = [asdict(leak) for leak in leaks]
    _write(root, document, predictions)
    progress("comparing", 1, 1)
    return document


def asked_for(
    config: Config | None,
    *,
    covers: Sequence[bool] = (),
    laws: str | None = None,
    sensor: str | None = None,
    ec_measured: float | None = None,
    visnir_measured: float | None = None,
    position_error: float | None = None,
    **changes: Any,
) -> CompareConfig:
    """The config's [compare] with what the call says otherwise; None and an empty list say nothing.

    covers         with (True) and without (False) laboratory samples of the unseen region
    laws, sensor, ec_measured, visnir_measured, position_error   settings of simulated worlds
    changes        other keys of [compare]
    """
    base = config.compare if config else CompareConfig()
    said = {
        key: value for key, value in {**changes, "covered": list(covers)}.items() if value not in (None, [])
    }
    given = {
        "laws": laws,
        "sensor": sensor,
        "ec_measured": ec_measured,
        "visnir_measured": visnir_measured,
        "library_position_error": position_error,
    }
    world = {key: value for key, value in given.items() if value is not None}
    if world:
        said["world"] = {**base.world, **world}
    return compare_config(base, said)


def _check_reference(reference: str | None, methods: Sequence[Method]) -> None:
    names = [method.name for method in methods]
    if any(method.kind == "baseline" for method in methods):
        names.append(TUNED)
    if reference is None or reference in names:
        return
    close = get_close_matches(reference, names, n=1)
    fix = f"Did you mean {close[0]!r}?" if close else f"It must be one of: {', '.join(names)}."
    raise UsageError(f"the reference {reference!r} is not among the methods compared", fix=fix)


def _folder(root: Path) -> Path:
    """The folder of a new or an earlier comparison. Raises OutputError if something else is there."""
    ours = any((root / name).exists() for name in (DOCUMENT, "tasks", "data", "worlds"))
    if root.exists() and not (root.is_dir() and (ours or not any(root.iterdir()))):
        raise OutputError(
            "is in the way and holds no comparison", where=str(root), fix="Choose a new folder with --out."
        )
    return root


def _crashed(task: Task, reason: str) -> Result:
    facts = {"points": task.case.points or 0, "fields": 0, "seconds": 0.0}
    return Result(task, f"unexpected: {reason}", facts, pd.DataFrame())


def _named(result: Result) -> pd.DataFrame:
    """The predictions with their case and cluster."""
    if len(result.predictions) == 0:
        return pd.DataFrame(columns=[*COLUMNS, "case", "cluster"]).astype(_TYPES)
    case = result.task.case
    return result.predictions.assign(case=case.name, cluster=case.frame.cluster)


_TYPES: Mapping[Any, Any] = {"observed": float, "predicted": float}


def _tried(result: Result) -> Tried:
    case = result.task.case
    return Tried(
        method=result.task.method,
        kind=METHODS[result.task.method].kind,
        case=case.name,
        cluster=case.frame.cluster,
        cover=case.frame.cover,
        points=case.points,
        learned=int(result.facts["points"]),
        seconds=float(result.facts["seconds"]),
        cv_rmse=result.facts.get("cv_rmse"),
        failure=result.failure,
    )


def _document(
    config: Config | None,
    asked: CompareConfig,
    methods: Sequence[Method],
    cases: Sequence[Case],
    results: Sequence[Result],
    predictions: pd.DataFrame,
) -> dict[str, Any]:
    """Everything that compare.json holds."""
    whole, tried = with_tuned(predictions, [_tried(result) for result in results])
    names = [method.name for method in methods]
    if any(one.method == TUNED for one in tried):
        names.insert(1 + max(i for i, method in enumerate(methods) if method.kind == "baseline"), TUNED)
    answered = set(whole["method"])
    reference = asked.reference or default_reference([name for name in names if name in answered])
    tables = tables_of(whole, tried, names, reference)
    titles = {**{method.name: method.title for method in methods}, TUNED: TUNED_TITLE}
    return {
        "kind": "comparison",
        "name": config.name if config else "simulated worlds",
        "simulated": bool(asked.worlds is not None or (config and config.simulated)),
        "target": "ECe",
        "unit": "dS/m",
        "scale": "ln(1 + ECe)",
        "reference": reference,
        "intervals": {"level": LEVEL, "draws": DRAWS, "resampled": "clusters of cases, groups within them"},
        "methods": [{"name": name, "title": titles[name], "kind": _kind(name)} for name in names],
        "cases": [_case_facts(case) for case in cases],
        "tables": tables,
        "efficiency": efficiency_of(tables),
        "tuned": {one.case: _chosen(one, tried) for one in tried if one.method == TUNED},
        "tasks": [_task_facts(result) for result in results],
        "results": results_of(predictions),
        "notes": _notes(cases, results),
        "settings": asked.model_dump(),
        "versions": versions(),
    }


def _kind(name: str) -> str:
    return "baseline" if name == TUNED else METHODS[name].kind


def _chosen(tuned: Tried, tried: Sequence[Tried]) -> str:
    """Which baseline stands behind the tuned one in a case."""
    return next(
        one.method
        for one in tried
        if one.case == tuned.case and one.kind == "baseline" and one.cv_rmse == tuned.cv_rmse
    )


def _case_facts(case: Case) -> dict[str, Any]:
    return {
        "name": case.name,
        "cluster": case.frame.cluster,
        "unseen": case.frame.config.split.unseen_region,
        "cover": case.frame.cover,
        "points": "all" if case.points is None else case.points,
        "draw": case.draw,
        "seed": case.seed,
    }


def _task_facts(result: Result) -> dict[str, Any]:
    facts = {key: result.facts.get(key) for key in ("points", "fields", "seconds", "cv_rmse")}
    return {
        "method": result.task.method,
        "case": result.task.case.name,
        "key": result.task.key,
        **facts,
        "failure": result.failure,
    }


def _notes(cases: Sequence[Case], results: Sequence[Result]) -> list[str]:
    """What a reader must know before believing a number."""
    notes = []
    clusters = {case.frame.cluster for case in cases}
    if cases[0].frame.world is None:
        notes.append("Intervals resample the fields of one survey: they say nothing about other lands.")
    elif len(clusters) == 1:
        notes.append("One simulated world only: intervals say nothing about other worlds.")
    elif len(clusters) < 5:
        notes.append(f"{len(clusters)} simulated worlds only: intervals over so few are too narrow.")
    crashed = [result for result in results if result.failure.startswith("unexpected: ")]
    if crashed:
        notes.append(f"{len(crashed)} tasks failed for a reason that nobody expected: {crashed[0].failure}")
    return notes


def _write(root: Path, document: Mapping[str, Any], predictions: pd.DataFrame) -> None:
    with written_whole(root / "predictions.parquet") as aside:
        predictions.to_parquet(aside, index=False)
    write_comparison(root, document)
    write_json(root / DOCUMENT, document)
