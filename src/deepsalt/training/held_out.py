"""Answers to labelled pixels while their fields or scenes were held out, by shorter trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepsalt.models.bridge import BridgeStudent
from deepsalt.models.inference import one_thread
from deepsalt.parallel import in_parallel
from deepsalt.progress import Progress
from deepsalt.training.bridge_data import BridgeData
from deepsalt.training.bridge_settings import DeepSaltSettings
from deepsalt.training.bridge_student import train_student
from deepsalt.training.bridge_teacher import Teacher
from deepsalt.training.tune import read_pixels, tune

Rows = NDArray[np.intp]
#: Rows to learn from and rows to ask, fold by fold; each row is asked once.
Folds = Sequence[tuple[Rows, Rows]]


def quick(settings: DeepSaltSettings) -> DeepSaltSettings:
    """A shorter training of one network, whose errors were found to spread as those of the whole student."""
    return replace(
        settings,
        members=1,
        steps=max(1, settings.steps // 2),
        land_steps=max(1, settings.land_steps // 2),
        gate=False,
    )


class _Trial(NamedTuple):
    name: str
    settings: DeepSaltSettings
    train: Rows
    test: Rows


@dataclass(frozen=True)
class HeldOut:
    """What trainings with something held out share; `answers` does them.

    workers  processes; the answers are the same for any number
    """

    data: BridgeData
    teacher: Teacher | None
    seed: int
    workers: int = 1
    progress: Progress | None = None

    def answers(
        self, what: str, asked: Mapping[str, tuple[DeepSaltSettings, Folds]]
    ) -> dict[str, NDArray[np.float64]]:
        """(m,) answers of each of the asked, ln(1+ECe), each pixel's by a training without its fold."""
        trials = [
            _Trial(name, settings, *fold) for name, (settings, folds) in asked.items() for fold in folds
        ]
        found = {name: np.zeros(len(self.data.sat_y)) for name in asked}
        work = partial(_answers, self.data, self.teacher, self.seed)
        for trial, answers in in_parallel(work, trials, self.workers, what, self.progress or _silent):
            found[trial.name][trial.test] = answers
        return found


@one_thread()
def _answers(data: BridgeData, teacher: Teacher | None, seed: int, trial: _Trial) -> NDArray[np.float32]:
    """Of one fold; in one thread, as in a process of its own, so that the digits are the same."""
    heard = teacher if trial.settings.distillation else None
    learned = data.with_points(trial.train)
    lands = set(data.where.sat_land[trial.test].tolist())
    student, _ = train_student(learned, heard, trial.settings, seed, lands=lands)
    return answers_to(student, learned, trial.settings, data, trial.test)


def answers_to(
    student: BridgeStudent,
    learned: BridgeData,
    settings: DeepSaltSettings,
    asked: BridgeData,
    rows: Rows,
) -> NDArray[np.float32]:
    """ln(1+ECe) of labelled pixels `rows` of `asked`, each read as its scene is."""
    tunings = tune(student, learned, settings)
    return read_pixels(student, asked.sat_x[rows], asked.where.sat_scene[rows], tunings)


def _silent(_what: str, _done: int, _total: int) -> None:
    """No word about progress."""
