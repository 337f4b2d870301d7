"""Benchmarks run for minutes, so none does here: each can be started, and what they share works."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.training.bridge_problem import bridge_problem

FOLDER = Path(__file__).parents[1] / "benchmarks"
SHARED = ("reading", "worlds")  # without a command of their own


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_a_benchmark_says_how_it_is_called(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = importlib.import_module(name)
    if name in SHARED:
        assert not hasattr(module, "main")
        return
    monkeypatch.setattr("sys.argv", [f"{name}.py", "--help"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 0
    assert f"usage: {name}.py" in capsys.readouterr().out
    assert f"benchmarks/{name}.py" in (module.__doc__ or "")


def test_the_large_problem_of_the_gpu_is_whole() -> None:
    gpu = importlib.import_module("gpu")
    large = gpu.enlarged(bridge_problem().data)
    assert (len(large.lab_x), len(large.sat_x), len(large.unlabelled_x)) == (
        gpu.LAB,
        gpu.POINTS,
        gpu.UNLABELLED,
    )
    assert large.where.seen.shape == large.where.samples.shape
