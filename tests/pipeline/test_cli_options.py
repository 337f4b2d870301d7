"""Groups of options: where they stand, and that each reaches what is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.main import get_command

from deepsalt.archive import Outcome
from deepsalt.cli import app
from deepsalt.cli.options import Json, surface_rules, takes
from deepsalt.config import Config
from deepsalt.console import run_command
from deepsalt.errors import LabelError
from deepsalt.mapping.questions import Questions
from deepsalt.pipeline.demo import run_demo
from deepsalt.pipeline.maps import HowToRun
from deepsalt.pipeline.train import _students
from deepsalt.preprocessing.masks import SurfaceRules
from deepsalt.simulate import World, WorldSettings
from deepsalt.training import DeepSaltSettings

RULES = ["max_ndvi", "dry_vegetation", "water", "nbr2", "max_reflectance", "salt_crust_guard"]
GIVEN = ["--max-ndvi", "0.2", "--dry-vegetation", "0.01", "--water", "0.1", "--nbr2", "0.12",
         "--max-reflectance", "1.5", "--no-salt-crust-guard"]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "before", "after"),
    [("map", "truth", "level"), ("plan", "spacing", "candidates")],
)
def test_options_of_a_group_stand_where_the_group_stands(command: str, before: str, after: str) -> None:
    names = [option.name for option in get_command(app).commands[command].params]  # type: ignore[attr-defined]
    start = names.index("max_ndvi")
    assert names[start - 1 : start + 7] == [before, *RULES, after]
    assert len(set(names)) == len(names)
    assert not {"rules", "asked", "how", "wanted"} & set(names)


@pytest.fixture
def asked_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """What `deepsalt map` asks of the stages."""
    found: dict[str, Any] = {}

    def map_scenes(*_: Any, **options: Any) -> Outcome:
        found.update(options)
        return Outcome((), (), ())

    monkeypatch.setattr("deepsalt.pipeline.maps.map_scenes", map_scenes)
    (tmp_path / "a.tif").write_bytes(b"")

    def call(*options: str) -> dict[str, Any]:
        common = ["map", "model", str(tmp_path / "a.tif"), "--out", str(tmp_path / "out")]
        assert run_command(app, [*common, *options]) == 0
        return found

    return call


def test_each_option_reaches_what_is_made_of_its_group(asked_of) -> None:
    asked = asked_of(
        *GIVEN, "--level", "0.8", "--threshold", "8", "--workers", "3", "--memory", "2GB", "--retry"
    )
    assert asked["rules"] == SurfaceRules(0.2, 0.01, 0.1, 0.12, 1.5, False)
    assert asked["asked"] == Questions(0.8, (8.0,))
    assert (asked["how"].workers, asked["how"].memory, asked["how"].retry) == (3, "2GB", True)
    other = asked_of("--scheduler", "tcp://x:1", "--dry-run")["how"]
    assert (other.scheduler, other.dry_run, other.workers, other.retry) == ("tcp://x:1", True, 0, False)


def test_what_is_not_given_is_as_in_python(asked_of) -> None:
    asked = asked_of()
    assert asked["rules"] == SurfaceRules()
    assert asked["asked"] == Questions()
    how, usual = asked["how"], HowToRun()
    names = ("workers", "scheduler", "memory", "retry", "dry_run")
    assert [getattr(how, name) for name in names] == [getattr(usual, name) for name in names]


def test_the_rules_of_a_plan_are_those_given(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, Any] = {}
    monkeypatch.setattr(
        "deepsalt.pipeline.plan.plan_points", lambda *_, **options: found.update(options) or {}
    )
    monkeypatch.setattr("deepsalt.console.Console.plan", lambda *_: None)
    assert run_command(app, ["plan", "model", "scene", "--out", "plan.csv", *GIVEN, "--spacing", "50"]) == 0
    assert found["rules"] == SurfaceRules(0.2, 0.01, 0.1, 0.12, 1.5, False)
    assert (found["spacing_m"], found["count"]) == (50.0, 30)


def test_any_function_can_be_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    def sum_of(one: Annotated[int, typer.Option(help="First.")] = 1, two: int = 2) -> int:
        return one + two

    made = typer.Typer(add_completion=False)

    @made.command()
    @takes(total=sum_of, rules=surface_rules)
    def tell(name: str, *, total: int, rules: SurfaceRules, json: Json = False) -> None:
        """Tell a sum."""
        typer.echo(f"{name} {total} {rules.max_ndvi:g} {json}")

    made(["x", "--two", "5", "--max-ndvi", "0.3", "--json"], standalone_mode=False)
    assert capsys.readouterr().out == "x 6 0.3 True\n"
    assert (tell.__name__, tell.__doc__) == ("tell", "Tell a sum.")


@pytest.mark.parametrize(("given", "processes"), [([], 5), (["--workers", "3"], 3)])
def test_a_training_has_a_process_for_each_core_unless_told(
    given: list[str], processes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    def keep(workers: int) -> None:
        told.append(workers)
        raise LabelError("seen")

    monkeypatch.setattr("os.cpu_count", lambda: 5)
    monkeypatch.setattr(
        "deepsalt.pipeline.train.train", lambda config, out, progress, trained, workers: keep(workers)
    )
    monkeypatch.setattr("deepsalt.pipeline.demo.run_demo", lambda *_, workers, **__: keep(workers))
    config = tmp_path / "config.toml"
    config.write_text('[library]\npath = "x.csv"\n')
    assert run_command(app, ["train", str(config), *given]) == 1
    assert run_command(app, ["demo", "--out", str(tmp_path), *given]) == 1
    assert told == [processes, processes]


def test_the_processes_reach_the_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the demo to the run of its world, and from a run to what it trains."""
    told: list[int] = []

    def keep(config: Config, out: Path, progress: object, trained: str | None, workers: int) -> None:
        told.extend([workers, _students(config, DeepSaltSettings(), (), workers)[0].workers])
        raise LabelError("seen")

    monkeypatch.setattr(
        "deepsalt.pipeline.demo.simulate_world", lambda root, settings, *_: World(root, settings)
    )
    monkeypatch.setattr("deepsalt.pipeline.demo.train", keep)
    with pytest.raises(LabelError, match="seen"):
        run_demo(tmp_path, lambda *_: None, WorldSettings(), workers=3)
    assert told == [3, 3]
