"""`deepsalt compare` on tiny worlds and cheap methods: cases, resumption, failures, tables."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.pipeline.conftest import silent

from deepsalt.config import CompareConfig, Config, parse_config
from deepsalt.errors import OutputError, TrainingError, UsageError
from deepsalt.evaluation.comparison import TUNED
from deepsalt.pairing import far_from
from deepsalt.pipeline import tasks
from deepsalt.pipeline.cases import Case, cases_of, draw_points
from deepsalt.pipeline.compare import compare
from deepsalt.pipeline.methods import _METHODS, Context, Method, register
from deepsalt.pipeline.run import to_json
from deepsalt.pipeline.stored import load_data
from deepsalt.pipeline.tasks import Task
from deepsalt.report.comparison import heading, markdown

TINY = {
    "regions": ["alluvial_basin", "gypsum_marl"],
    "rows": 44,
    "columns": 40,
    "library_samples": 20,
    "fields": 9,
    "points_per_field": 4,
}
WANTED = CompareConfig(
    methods=["mean", "plsr", "collapses", "crashes"],
    worlds=[0, 1],
    world=TINY,
    points=[0, 10, "all"],
    workers=1,
)


class Counted:
    """Progress that remembers how many steps each piece of work had."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}

    def __call__(self, what: str, _done: int, total: int) -> None:
        self.totals[what] = total


def collapses(_context: Context) -> Any:
    raise TrainingError("predicts a constant", fix="Lower the rate.")


def crashes(_context: Context) -> Any:
    raise ZeroDivisionError("a bug")


@pytest.fixture(scope="module", autouse=True)
def failing_methods() -> Iterator[None]:
    register(
        Method("collapses", "Collapses", "ablation", collapses, needs_points=False),
        Method("crashes", "Crashes", "adaptation", crashes),
    )
    yield
    del _METHODS["collapses"], _METHODS["crashes"]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("comparison") / "out"
    compare(None, folder, silent, WANTED)
    return folder


@pytest.fixture
def document(out: Path) -> dict[str, Any]:
    return json.loads((out / "compare.json").read_text())


def all_cases(out: Path) -> list[Case]:
    return cases_of(None, WANTED, out / "worlds")


def test_every_region_is_unseen_in_turn_and_both_kinds_are_asked(out: Path) -> None:
    cases = all_cases(out)
    assert len(cases) == 2 * 2 * 3
    found = {(case.frame.cluster, case.frame.config.split.unseen_region) for case in cases}
    assert found == {("world 0", "alluvial_basin"), ("world 1", "gypsum_marl")}
    assert {case.frame.cover for case in cases} == {"covered", "unknown"}


def test_nothing_of_the_unseen_region_is_learned_from(out: Path) -> None:
    for case in all_cases(out):
        data = load_data(out / "data" / case.frame.key)
        unseen = case.frame.config.split.unseen_region
        assert set(data.part("unseen").samples["region"]) == {unseen}
        assert unseen not in set(data.part("train").samples["region"])
        assert unseen not in set(data.part("test").samples["region"])
        away = set(data.part("unseen").samples["scene"])
        seen = data.unlabelled.samples
        covered = case.frame.cover == "covered"
        assert bool(away & set(seen["scene"])) == covered
        there = seen[seen["scene"].isin(away)]
        for places in (data.part("unseen").samples, data.libraries["visnir"].samples):
            far = far_from(*_of(there), *_of(places), case.frame.config.method.pair_within_m)
            assert far.all()
        assert list(data.libraries) == ["mir", "visnir"]
        for library in data.libraries.values():
            assert (unseen in set(library.samples["region"])) == (case.frame.cover == "covered")


def _of(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return table["latitude"], table["longitude"]


def test_stored_data_are_the_prepared_data(out: Path) -> None:
    case = all_cases(out)[0]
    prepared = tasks.prepare(case.frame.config, silent)
    stored = load_data(out / "data" / case.frame.key)
    np.testing.assert_array_equal(stored.sites.values, prepared.sites.values)
    pd.testing.assert_frame_equal(stored.sites.samples, prepared.sites.samples, check_dtype=False)
    assert stored.sites.axis == prepared.sites.axis
    assert stored.sites.sensor is not None
    assert prepared.sites.sensor is not None
    assert stored.sites.sensor.axis == prepared.sites.sensor.axis
    assert stored.sites.provenance == prepared.sites.provenance
    np.testing.assert_array_equal(stored.split.train, prepared.split.train)
    assert stored.covariates == prepared.covariate_names


def test_points_are_whole_fields_and_fewer_are_a_subset_of_more() -> None:
    groups = np.repeat([f"f{i}" for i in range(20)], 5)
    few, more = draw_points(groups, 12, 0, 0), draw_points(groups, 50, 0, 0)
    assert (len(few), len(more)) == (15, 50)
    assert set(np.unique(groups[few], return_counts=True)[1]) == {5}
    assert set(few) < set(more)
    assert list(few) == sorted(few)
    assert set(few) != set(draw_points(groups, 12, 0, 1))
    assert set(few) != set(draw_points(groups, 12, 1, 0))
    assert list(few) == list(draw_points(groups, 12, 0, 0))


def test_no_points_all_points_and_more_than_there_are() -> None:
    groups = np.repeat(["a", "b"], 3)
    assert len(draw_points(groups, 0, 0, 0)) == 0
    assert list(draw_points(groups, None, 0, 0)) == list(range(6))
    assert list(draw_points(groups, 500, 0, 0)) == list(range(6))


def test_draws_are_repeated_only_where_something_is_drawn() -> None:
    wanted = WANTED.model_copy(update={"points": [0, 10, "all"], "draws": 3, "worlds": [0]})
    found = [
        (case.points, case.draw) for case in cases_of(None, wanted, Path()) if case.frame.cover == "covered"
    ]
    assert found == [(0, 0), (10, 0), (10, 1), (10, 2), (None, 0)]


def test_the_numbers_are_those_of_the_method_itself(out: Path, document: dict[str, Any]) -> None:
    """A case with all points gives what fitting by hand gives."""
    case = next(case for case in all_cases(out) if case.points is None)
    data = load_data(out / "data" / case.frame.key)
    mean = np.log1p(data.part("train").samples["ece_ds_m"]).mean()
    error = np.log1p(data.part("unseen").samples["ece_ds_m"]) - mean
    found = next(
        row
        for row in document["results"]
        if (row["method"], row["case"], row["part"]) == ("mean", case.name, "unseen")
    )
    assert found["ln"]["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)))


def test_failures_are_told_apart_and_cost_the_others_nothing(document: dict[str, Any]) -> None:
    failures = {(task["method"], task["points"] > 0): task["failure"] for task in document["tasks"]}
    assert failures["plsr", True] == ""
    assert failures["plsr", False] == "cannot learn without ground points"
    assert failures["collapses", False] == "predicts a constant. Lower the rate."
    assert failures["crashes", True].startswith("unexpected: ZeroDivisionError: a bug (")
    assert any("reason that nobody expected" in note for note in document["notes"])
    assert {row["method"] for row in document["results"]} == {"mean", "plsr"}


def test_tables_tell_part_cover_and_points_apart(document: dict[str, Any]) -> None:
    cells = [(table["part"], table["cover"], table["points"]) for table in document["tables"]]
    assert len(cells) == len(set(cells)) == 2 * 2 * 2  # no table for 0 points: nothing could be asked
    table = document["tables"][0]
    assert [row["method"] for row in table["rows"]] == ["mean", "plsr", TUNED, "collapses", "crashes"]
    assert table["reference"] == document["reference"] == TUNED
    assert table["clusters"] == 2
    assert 10 <= table["learned"] <= 13
    assert document["tables"][1]["learned"] > 20  # all points, though `crashes` cannot tell how many
    headings = {heading(table) for table in document["tables"]}
    assert len(headings) == len(cells)
    assert "Unseen region, covered by the library, 10 ground points" in headings
    assert "Unseen region, the library does not know it either, 10 ground points" in headings


def test_the_document_survives_json(document: dict[str, Any]) -> None:
    assert json.loads(to_json(document)) == document
    assert document["simulated"] is True
    assert document["versions"]["deepsalt"]


def test_the_page_and_the_figures_are_there(out: Path, document: dict[str, Any]) -> None:
    page = (out / "compare.md").read_text()
    assert page == markdown(document)
    assert "**Simulated data.**" in page
    assert "| Collapses | ablation | failed |" in page
    assert "- Collapses: predicts a constant. Lower the rate. (12 cases)" in page
    for name in ("methods-10", "methods-all", "efficiency"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in (out / f"{name}.svg").read_bytes()[:400]


def test_a_second_call_repeats_only_what_nobody_expected_to_fail(
    out: Path, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted()
    again = json.loads(to_json(compare(None, out, counted, WANTED)))
    assert "preparing data" not in counted.totals
    assert counted.totals["methods on cases"] == 8  # `crashes`, on the cases with points
    assert {**again, "tasks": []} == {**document, "tasks": []}
    monkeypatch.setattr(tasks, "run_task", None)
    without = WANTED.model_copy(update={"methods": ["mean", "plsr", "collapses"]})
    assert compare(None, out, silent, without)["tables"][0]["rows"][0]["method"] == "mean"


def test_one_deleted_result_is_the_only_one_done_again(out: Path) -> None:
    wanted = WANTED.model_copy(update={"methods": ["mean", "plsr"]})
    case = all_cases(out)[1]
    lost = Task.of(case, "plsr", out).folder
    before = (lost / "predictions.parquet").read_bytes()
    shutil.rmtree(lost)
    counted = Counted()
    compare(None, out, counted, wanted)
    assert counted.totals["methods on cases"] == 1
    assert (lost / "predictions.parquet").read_bytes() == before


def test_a_task_is_known_by_all_it_depends_on(out: Path) -> None:
    case = all_cases(out)[0]
    key = Task.of(case, "mean", out).key
    assert Task.of(case, "mean", out / "elsewhere").key == key
    others = [
        Task.of(case, "plsr", out),
        Task.of(Case(case.frame, 10), "mean", out),
        Task.of(Case(case.frame, case.points, 1), "mean", out),
        Task.of(cases_of(None, WANTED.model_copy(update={"worlds": [2]}), out)[0], "mean", out),
        Task.of(cases_of(_config(pair_within_m=90.0), WANTED, out)[0], "mean", out),
    ]
    assert len({key, *(task.key for task in others)}) == 1 + len(others)


def test_a_method_without_a_library_is_not_trained_twice_for_it(out: Path) -> None:
    covered, unknown = (
        next(case for case in all_cases(out) if case.frame.cover == cover) for cover in ("covered", "unknown")
    )
    assert Task.of(covered, "plsr", out).key == Task.of(unknown, "plsr", out).key
    assert Task.of(covered, "paper", out).key != Task.of(unknown, "paper", out).key


def _config(**method: Any) -> Config:
    return parse_config({"library": {"path": "x.csv"}, "method": method})


def test_two_processes_find_what_one_finds(out: Path, tmp_path: Path) -> None:
    wanted = CompareConfig(
        methods=["mean", "covariates-only"], worlds=[0], world=TINY, points=["all"], covered=[True], workers=2
    )
    found = compare(None, tmp_path / "out", silent, wanted)
    alone = compare(None, out, silent, wanted.model_copy(update={"workers": 1}))
    for one, other in zip(found["results"], alone["results"], strict=True):
        assert one["ln"]["rmse"] == pytest.approx(other["ln"]["rmse"])
    assert found["reference"] == TUNED


def test_a_method_sees_only_its_context(out: Path) -> None:
    seen: list[Context] = []

    def watches(context: Context) -> Any:
        seen.append(context)
        raise TrainingError("only looked")

    case = all_cases(out)[1]  # 10 points
    _METHODS["watches"] = Method("watches", "Watches", "control", watches)
    try:
        tasks.run_task(Task.of(case, "watches", out))
    finally:
        del _METHODS["watches"]
    (context,) = seen
    assert context.points.samples["group"].nunique() == 3
    assert 10 <= len(context.points) <= 12  # whole fields of 4, some points of them masked
    assert case.frame.config.split.unseen_region not in set(context.points.samples["region"])
    assert context.library is not None
    assert context.domain("visnir").axis.unit == "nm"
    with pytest.raises(UsageError, match=r"no nir spectra\. It holds: mir, visnir"):
        context.domain("nir")


def test_what_is_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(OutputError, match="holds no comparison"):
        compare(None, tmp_path, silent, WANTED)


def test_if_nothing_could_be_asked_the_work_failed(tmp_path: Path) -> None:
    wanted = WANTED.model_copy(update={"methods": ["collapses"], "worlds": [0], "points": [0]})
    with pytest.raises(TrainingError, match="no method could be asked; the first, collapses: predicts"):
        compare(None, tmp_path / "out", silent, wanted)
