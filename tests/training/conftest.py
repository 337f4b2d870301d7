"""A small learnable problem: soils with known salt, seen in the laboratory and from a satellite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from deepsalt.training import PaperData, PaperResult, PaperSettings, train_paper

N_LAB, LAB_BANDS, N_SAT, BANDS, N_UNLABELLED, N_PAIRS = 120, 30, 140, 20, 100, 60
TRAIN, VALIDATION = np.arange(80), np.arange(80, 110)  # rows from 110 on belong to neither


@dataclass(frozen=True)
class Problem:
    data: PaperData
    test_x: np.ndarray
    test_covariates: np.ndarray
    test_y: np.ndarray

    def with_changes(self, **changes: Any) -> PaperData:
        return replace(self.data, **changes)


def make_problem(seed: int = 0) -> Problem:
    """Spectra are linear in salt and two soil factors, in both domains; pairs are the same soils."""
    rng = np.random.default_rng(seed)
    lab_shapes, sat_shapes = rng.normal(size=(3, LAB_BANDS)), rng.normal(size=(3, BANDS))

    def soils(n: int) -> np.ndarray:
        return np.column_stack([rng.gamma(2.0, 0.6, n), rng.normal(size=(n, 2))])

    def lab(soil: np.ndarray) -> np.ndarray:
        return 1 + 0.2 * soil @ lab_shapes + 0.01 * rng.normal(size=(len(soil), LAB_BANDS))

    def satellite(soil: np.ndarray) -> np.ndarray:
        return 0.3 + 0.05 * soil @ sat_shapes + 0.003 * rng.normal(size=(len(soil), BANDS))

    def covariates(soil: np.ndarray) -> np.ndarray:
        values = soil[:, 1:] + 0.3 * rng.normal(size=(len(soil), 2))
        return np.where(rng.random(values.shape) < 0.1, np.nan, values)

    lab_soil, sat_soil, test_soil = soils(N_LAB), soils(N_SAT), soils(300)
    pair_lab = np.arange(N_PAIRS) % 80
    data = PaperData(
        sat_x=satellite(sat_soil),
        sat_y=sat_soil[:, 0],
        sat_train=TRAIN,
        sat_validation=VALIDATION,
        sat_covariates=covariates(sat_soil),
        unlabelled_x=satellite(soils(N_UNLABELLED)),
        lab_x=lab(lab_soil),
        lab_y=lab_soil[:, 0],
        lab_train=TRAIN,
        lab_validation=VALIDATION,
        pair_lab=pair_lab,
        pair_x=satellite(lab_soil[pair_lab]),
    )
    return Problem(data, satellite(test_soil), covariates(test_soil), test_soil[:, 0])


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Bit-for-bit comparisons, and no fight over cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def problem() -> Problem:
    return make_problem()


@pytest.fixture(scope="session")
def settings() -> PaperSettings:
    return PaperSettings.fast()


@pytest.fixture(scope="session")
def trained(problem: Problem, settings: PaperSettings) -> PaperResult:
    """The whole preset, trained once; tests must not change it."""
    return train_paper(problem.data, settings, 0)


@pytest.fixture(scope="session")
def student_alone(problem: Problem) -> PaperResult:
    return train_paper(problem.data, PaperSettings.fast(adaptation=False, distillation=False), 0)


@pytest.fixture(scope="session")
def same_weights() -> Callable[[torch.nn.Module, torch.nn.Module], bool]:
    def compare(one: torch.nn.Module, other: torch.nn.Module) -> bool:
        ours, theirs = one.state_dict(), other.state_dict()
        return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)

    return compare
