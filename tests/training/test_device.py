"""Where networks train: what a config may say, and, where there is a GPU, that it learns what a CPU does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.training.bridge_problem import bridge_problem
from tests.training.conftest import make_problem

from deepsalt.errors import ConfigError, UsageError
from deepsalt.training import DeepSaltSettings, LabSettings, PaperSettings, Stage, pick_device, train_paper
from deepsalt.training.deepsalt import train_deepsalt
from deepsalt.training.device import seeded
from deepsalt.training.device_names import DeviceName
from deepsalt.training.lab_data import LabData, LabDomain
from deepsalt.training.lab_net import answers_of, train_lab
from deepsalt.training.step import Step
from deepsalt.training.tune import read_pixels

CUDA = torch.device("cuda")
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU here")


@pytest.mark.parametrize("settings", [DeepSaltSettings, PaperSettings, LabSettings])
def test_an_unknown_device_is_refused_before_any_work(settings: Callable[..., object]) -> None:
    with pytest.raises(ConfigError, match=r"unknown device 'gpu'.*Known: auto, cpu, cuda"):
        settings(device="gpu")


@pytest.mark.parametrize("there", [False, True])
def test_auto_is_a_gpu_where_there_is_one(there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert pick_device().type == ("cuda" if there else "cpu")
    assert pick_device("cpu").type == "cpu"


def test_a_gpu_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="a GPU was asked for, and torch finds none"):
        train_paper(make_problem().data, PaperSettings.fast(device="cuda"), 0)


def test_the_checks_say_where_networks_were_trained() -> None:
    settings = PaperSettings.fast(adaptation=False, distillation=False, device="cpu")
    assert train_paper(make_problem().data, settings, 0).checks["device"] == "cpu"


@on_gpu
def test_what_is_made_inside_a_seeded_block_lies_on_the_gpu_and_nothing_else_moves() -> None:
    before = torch.cuda.get_rng_state(), torch.get_rng_state()
    draws = []
    for _ in range(2):
        with seeded(3, "teacher", CUDA) as generator:
            drawn = torch.rand(5, generator=generator)
            assert all(one.is_cuda for one in (drawn, torch.zeros(2), torch.as_tensor(np.ones(2))))
            draws.append(torch.cat([drawn, torch.randn(5)]))
    assert torch.equal(*draws)
    assert not torch.zeros(2).is_cuda
    assert torch.equal(torch.cuda.get_rng_state(), before[0])
    assert torch.equal(torch.get_rng_state(), before[1])


def paper_errors(device: DeviceName) -> tuple[np.ndarray, np.ndarray]:
    problem = make_problem()
    model = train_paper(problem.data, PaperSettings.fast(device=device), 0).model
    answers = model.predict(problem.test_x, problem.test_covariates).numpy()
    return answers - problem.test_y, problem.test_y


def bridge_errors(device: DeviceName, mapped: bool = False) -> tuple[np.ndarray, np.ndarray]:
    problem = bridge_problem(mapped)
    settings = DeepSaltSettings(
        steps=200, land_steps=60, members=2, directions=8, teacher_steps=100, masked_weight=0.1,
        gate=False, intervals=False, device=device,
    )  # fmt: skip
    result = train_deepsalt(problem.data, settings, 0)
    assert result.checks["device"] == device
    asked = np.setdiff1d(np.arange(len(problem.y)), problem.rows)
    answers = read_pixels(result.model, problem.pixels[asked], problem.scene[asked], result.tunings)
    return answers - problem.y[asked], problem.y[asked]


def unit_errors(device: DeviceName) -> tuple[np.ndarray, np.ndarray]:
    """A loss that differs from step to step is not recorded."""
    return bridge_errors(device, mapped=True)


def lab_errors(device: DeviceName) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.gamma(2.0, 0.5, 400)
    values = 0.5 - 0.1 * np.outer(y, np.linspace(0, 1, 20)) + rng.normal(0, 0.01, (400, 20))
    domain = LabDomain(values.astype(np.float32), np.linspace(500, 2400, 20), True)
    data = LabData((domain,), y.astype(np.float32), np.arange(400).astype(str), properties=y[:, None] ** 2)
    settings = LabSettings(steps=200, members=2, gate=False, directions=10, device=device)
    model = train_lab(data.take(np.arange(200)), settings, 0).model
    return answers_of(model, data.take(np.arange(200, 400))) - y[200:], y[200:]


@on_gpu
@pytest.mark.parametrize("errors", [paper_errors, bridge_errors, unit_errors, lab_errors])
def test_a_gpu_learns_what_a_cpu_learns(
    errors: Callable[[DeviceName], tuple[np.ndarray, np.ndarray]],
) -> None:
    """Not to the digit, as other numbers are drawn: two devices differ as two seeds do."""
    (there, y), (here, _) = errors("cuda"), errors("cpu")
    assert np.sqrt(np.mean(there**2)) < 0.85 * y.std()
    assert np.sqrt(np.mean(there**2)) == pytest.approx(np.sqrt(np.mean(here**2)), rel=0.25)
    assert np.sqrt(np.mean((there - here) ** 2)) < 0.6 * y.std()


@on_gpu
def test_a_recorded_step_does_what_a_plain_one_does() -> None:
    """To the digit: dropout, draws from a generator of its own, two numbers of rows, a rate that changes."""

    def weights(steady: bool) -> list[torch.Tensor]:
        with seeded(0, "steps", CUDA) as generator:
            x, network = torch.randn(64, 5), torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Dropout(0.3))

            def terms(rows: torch.Tensor) -> dict[str, torch.Tensor]:
                noise = torch.randn(len(rows), 5, generator=generator)
                return {
                    "total": (network(x[rows] + noise) - x[rows].sum(dim=1, keepdim=True)).square().mean()
                }

            step = Step(
                network, torch.optim.AdamW, Stage(1, 1, 1, 1e-2), 1.0, terms, generator, steady=steady
            )
            for number in range(12):
                step(1e-2 / (1 + number), torch.arange(16 - number % 2))
            assert len(step.records) == (2 if steady else 0)
            return [one.detach().cpu() for one in network.parameters()]

    for recorded, plain in zip(weights(True), weights(False), strict=True):
        assert torch.equal(recorded, plain)


@pytest.mark.parametrize("errors", [bridge_errors, lab_errors])
def test_the_problems_that_a_gpu_is_asked_are_learned_on_a_cpu(
    errors: Callable[[DeviceName], tuple[np.ndarray, np.ndarray]],
) -> None:
    found, y = errors("cpu")
    assert np.sqrt(np.mean(found**2)) < 0.6 * y.std()
