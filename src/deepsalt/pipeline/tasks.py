"""The work of a comparison: each method on each case, in parallel, once.

A finished task is a folder of its own, written whole and named by what it depends on; a second call
finds it and does only what is missing.
"""

from __future__ import annotations

import json
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd

from deepsalt.errors import DeepSaltError, TrainingError
from deepsalt.estimators import Predictor
from deepsalt.estimators.card import versions
from deepsalt.evaluation.leaks import Leak
from deepsalt.evaluation.protocol import SCENE, TEST, UNSEEN, UNSEEN_COVERED, Part, predictions_of
from deepsalt.files import written_whole
from deepsalt.parallel import in_parallel
from deepsalt.pipeline.cases import Case, Frame, digest, draw_points
from deepsalt.pipeline.methods import METHODS, Context
from deepsalt.pipeline.prepare import prepare
from deepsalt.pipeline.run import to_json
from deepsalt.pipeline.stored import CaseData, load_data, load_leaks, save_data
from deepsalt.pipeline.truth import true_pixels
from deepsalt.progress import Progress
from deepsalt.simulate import simulate_world

TARGET = "ece_ds_m"
_FORMAT = 1  # of the task folders
_WARNINGS = 5  # kept of one task


@dataclass(frozen=True)
class Task:
    """One method on one case.

    root   folder of the comparison
    key    changes with everything the numbers depend on
    """

    case: Case
    method: str
    root: Path
    key: str

    @classmethod
    def of(cls, case: Case, method: str, root: Path) -> Task:
        options = case.frame.config.method.model_dump()
        depends_on = {
            "case": case.identity_for(METHODS[method].points_only),
            "method": method,
            "options": {key: options[key] for key in ("preset", "settings", "pair_within_m")},
            "versions": versions(),
            "format": _FORMAT,
        }
        return cls(case, method, root, digest(depends_on))

    @property
    def folder(self) -> Path:
        return self.root / "tasks" / f"{self.method.replace(' ', '-')}-{self.key}"

    @property
    def done(self) -> bool:
        return (self.folder / "result.json").is_file()


@dataclass(frozen=True)
class Result:
    """What a task left.

    failure      why there are no predictions; "" for success
    facts        seconds, ground points and fields learned from, the method's own cross-validated RMSE
    predictions  columns of `evaluation.protocol.COLUMNS`; empty after a failure
    """

    task: Task
    failure: str
    facts: Mapping[str, Any]
    predictions: pd.DataFrame


def run_all(tasks: Sequence[Task], workers: int, progress: Progress) -> dict[str, str]:
    """Do every task that is not done yet; what failed without a reason that we know, by task key.

    A failure that deepsalt explains (a collapse, a method that needs ground points) is a result and is
    kept. Any other one is reported, and tried again by the next call.
    """
    missing = list({task.key: task for task in tasks if not task.done}.values())
    frames = list({task.case.frame.key: task.case.frame for task in missing}.values())
    root = tasks[0].root if tasks else Path()
    by_world = _by_land([frame for frame in frames if not _data_at(root, frame).is_dir()])
    in_parallel(_prepare_all, [(root, frames) for frames in by_world], workers, "preparing data", progress)
    found = in_parallel(run_task, missing, workers, "methods on cases", progress)
    return {task.key: crash for task, crash in found if crash}


def run_task(task: Task) -> str:
    """Train, ask, and keep the answer; the traceback's last lines for a failure that nobody expected."""
    data = _data(_data_at(task.root, task.case.frame))
    method = METHODS[task.method]
    context, facts = _context(task.case, data)
    start = perf_counter()
    try:
        with _warnings_kept(facts):
            predictor = method.train(context)
            tables = [
                predictions_of(predictor, part, data.part(part.name), TARGET) for part in _parts(task.case)
            ]
    except DeepSaltError as error:
        _keep(task, {**facts, "failure": str(error), "seconds": perf_counter() - start}, [])
        return ""
    except Exception as error:  # a bug of one method must not cost the others their results
        return f"{type(error).__name__}: {error} ({traceback.format_exc(limit=-1).splitlines()[1].strip()})"
    facts = {**facts, "failure": "", "seconds": perf_counter() - start, "cv_rmse": _tuned_rmse(predictor)}
    _keep(task, facts, [table.assign(method=task.method) for table in tables])
    return ""


def read_result(task: Task) -> Result:
    """What a finished task left. Raises TrainingError if it is damaged."""
    try:
        facts = json.loads((task.folder / "result.json").read_text(encoding="utf-8"))
        predictions = pd.read_parquet(task.folder / "predictions.parquet")
        return Result(task, facts.pop("failure"), facts, predictions)
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(
            f"a result cannot be read ({error})", where=str(task.folder), fix="Remove this folder."
        ) from error


def leaks_of_frame(root: Path, frame: Frame) -> tuple[Leak, ...]:
    """Those that the prepared data of a frame were allowed; none for data that were never prepared here."""
    folder = _data_at(root, frame)
    return load_leaks(folder) if folder.is_dir() else ()


def _parts(case: Case) -> list[Part]:
    unseen = {"covered": [UNSEEN_COVERED], "unknown": [UNSEEN], "none": []}
    scene = [SCENE] if case.frame.scene_pixels else []
    return [TEST, *unseen[case.frame.cover], *scene]


def _context(case: Case, data: CaseData) -> tuple[Context, dict[str, Any]]:
    """What the method may learn from, and how many ground points that is."""
    train = data.part("train")
    rows = draw_points(train.samples["group"].to_numpy(), case.points, case.frame.config.seed, case.draw)
    sites = train.take(rows) if len(rows) else None
    context = Context(
        libraries=data.libraries,
        sites=sites,
        unlabelled=data.unlabelled,
        covariates=data.covariates,
        seed=case.seed,
        options=case.frame.config.method,
    )
    fields = 0 if sites is None else int(sites.samples["group"].nunique())
    return context, {"points": len(rows), "fields": fields}


def _tuned_rmse(predictor: Predictor) -> float | None:
    """The grouped cross-validated RMSE of the settings a baseline chose, on ln(1 + value)."""
    tuning = getattr(predictor, "tuning_", None)
    return min(rmse for _, rmse in tuning) if tuning else None


@contextmanager
def _warnings_kept(facts: dict[str, Any]) -> Iterator[None]:
    """What the libraries below complain about belongs to the result, not between progress bars."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        try:
            yield
        finally:
            facts["warnings"] = list(dict.fromkeys(str(one.message) for one in caught))[:_WARNINGS]


def _keep(task: Task, facts: Mapping[str, Any], tables: list[pd.DataFrame]) -> None:
    frame = task.case.frame
    told = {"method": task.method, "case": task.case.name, "frame": dict(frame.identity), **facts}
    empty = pd.DataFrame({"method": pd.Series(dtype=str)})
    with written_whole(task.folder) as aside:
        aside.mkdir()
        pd.concat(tables or [empty], ignore_index=True).to_parquet(aside / "predictions.parquet", index=False)
        (aside / "result.json").write_text(to_json(told), encoding="utf-8")


def _data_at(root: Path, frame: Frame) -> Path:
    return root / "data" / frame.key


@lru_cache(maxsize=4)
def _data(folder: Path) -> CaseData:
    return load_data(folder)


def _by_land(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Frames of one world in one job: it is simulated once."""
    lands: dict[str, list[Frame]] = {}
    for frame in frames:
        lands.setdefault(frame.cluster if frame.world else frame.key, []).append(frame)
    return list(lands.values())


def _prepare_all(job: tuple[Path, list[Frame]]) -> None:
    root, frames = job
    for frame in frames:
        scene = None
        if frame.world is None:
            data = prepare(frame.config, _no_progress)
        else:
            world = simulate_world(Path(frame.config.library.path).parent, frame.world)
            data = prepare(frame.config, _no_progress)
            if frame.scene_pixels:
                scene = true_pixels(world, data, frame.config, frame.scene_pixels)
        save_data(CaseData.of(data, scene), _data_at(root, frame))


def _no_progress(_what: str, _done: int, _total: int) -> None:
    pass
