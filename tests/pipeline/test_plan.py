"""From a model and scenes to places for ground samples, worth more than random ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from tests.pipeline.conftest import silent

from deepsalt.cli import app
from deepsalt.console import run_command
from deepsalt.errors import LabelError, OutputError, UsageError
from deepsalt.estimators import DeepSaltRegressor
from deepsalt.estimators.baselines import Baseline, Recipe
from deepsalt.evaluation.sampling_plan import plan_samples
from deepsalt.labels import with_ece
from deepsalt.pairing import great_circle_m
from deepsalt.pipeline.plan import plan_points
from deepsalt.pipeline.run import Run
from deepsalt.readers import read
from deepsalt.readers.points import read_places, read_points
from deepsalt.sampling import locate, random_pixels, usable_axis
from deepsalt.simulate.world import World
from deepsalt.spectra import MaskReason, Sensor, Spectra
from deepsalt.training import DeepSaltSettings
from deepsalt.units import log_ece

QUICK = DeepSaltSettings(
    steps=150, members=2, hidden=(32,), directions=20,
    same_sample=False, distillation=False, adaptation=False, gate=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def model(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student that knows the library alone."""
    library = {"visnir": with_ece(read(world / "library.parquet", domain="visnir", ec="ec1:2"))}
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    trained = DeepSaltRegressor(QUICK, sensor=Sensor.load("enmap")).fit(library)
    trained.save(path, {"simulated": True})
    return path


@pytest.fixture(scope="module")
def planned(model: Path, world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, pd.DataFrame]:
    """A plan of twelve points with those of the world as existing ones, as told and as written."""
    out = tmp_path_factory.mktemp("plan") / "plan.csv"
    document = plan_points(
        model, [f"{world}/scenes/*"], out, silent, count=12, existing=world / "points.csv", candidates=3000
    )
    return document, pd.read_csv(out)


def test_the_file_says_what_the_document_says(planned: tuple[dict, pd.DataFrame]) -> None:
    document, table = planned
    assert list(table) == [
        "order", "latitude", "longitude", "scene", "row", "column", "predicted_ece_ds_m", "spread_ln",
        "novelty", "reason",
    ]  # fmt: skip
    assert table["order"].tolist() == list(range(1, 13))
    pd.testing.assert_frame_equal(pd.DataFrame(document["points"]), table)
    assert (table["predicted_ece_ds_m"] >= 0).all()
    assert table["spread_ln"].gt(0).all()
    assert table["novelty"].between(0, 1).all()
    assert document["simulated"] is True
    assert any("simulated" in note for note in document["notes"])


def test_points_lie_on_valid_pixels_apart_from_each_other_and_from_existing_ones(
    planned: tuple[dict, pd.DataFrame], world: Path
) -> None:
    document, table = planned
    for path in sorted((world / "scenes").iterdir()):
        scene = read(path)
        here = table[table["scene"] == scene.name]
        rows, columns = locate(scene, here["latitude"].to_numpy(), here["longitude"].to_numpy())
        assert (rows.tolist(), columns.tolist()) == (here["row"].tolist(), here["column"].tolist())
        assert (scene.mask()[rows, columns] == MaskReason.VALID).all()
    visited = read_points(world / "points.csv")
    latitude = np.concatenate([table["latitude"], visited["latitude"]])
    longitude = np.concatenate([table["longitude"], visited["longitude"]])
    apart = great_circle_m(table["latitude"].to_numpy()[:, None], table["longitude"].to_numpy()[:, None],
                           latitude[None], longitude[None])  # fmt: skip
    np.fill_diagonal(apart, np.inf)
    assert apart.min() > 89.9  # places are written to 0.1 m
    assert document["existing"] == len(visited)
    assert 0 < document["existing_on_valid_pixels"] < len(visited)
    assert any("existing points on a valid pixel" in note for note in document["notes"])


def test_the_same_seed_gives_the_same_bytes(model: Path, world: Path, tmp_path: Path) -> None:
    scene = [str(sorted((world / "scenes").iterdir())[0])]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        plan_points(model, scene, tmp_path / f"{name}.csv", silent, count=5, candidates=800, seed=seed)
    asked = {"count": 5, "candidates": 800, "seed": 1}
    weighed = plan_points(model, scene, tmp_path / "w.csv", silent, weigh_spread=True, **asked)
    assert weighed["weighed_by_spread"] is True
    assert (tmp_path / "w.csv").read_bytes() != (tmp_path / "a.csv").read_bytes()
    a, b, c = ((tmp_path / f"{name}.csv").read_bytes() for name in "abc")
    assert a == b != c


def test_a_plan_is_read_as_places_but_never_as_labels(
    planned: tuple[dict, pd.DataFrame], model: Path, world: Path, tmp_path: Path
) -> None:
    document, table = planned
    places = read_places(document["plan"])
    assert places[["latitude", "longitude"]].equals(table[["latitude", "longitude"]])
    with pytest.raises(LabelError, match="no EC column"):
        read_points(document["plan"])
    second = plan_points(
        model, [f"{world}/scenes/*"], tmp_path / "next.csv", silent, count=3, existing=document["plan"]
    )
    assert second["existing"] == second["existing_on_valid_pixels"] == 12


def test_a_model_without_spread_says_so_and_geojson_holds_the_points(
    run: Run, world: Path, tmp_path: Path
) -> None:
    out = tmp_path / "plan.geojson"
    scene = str(sorted((world / "scenes").iterdir())[0])
    asked = {"count": 4, "candidates": 600}
    with pytest.raises(UsageError, match=r"needs the covariates .*--covariates FILE"):
        plan_points(run.root, [scene], out, silent, **asked)
    document = plan_points(run.root, [scene], out, silent, covariates=["none"], **asked)
    assert [point["spread_ln"] for point in document["points"]] == [None] * 4
    assert document["weighed_by_spread"] is False
    assert any("tells no spread" in note for note in document["notes"])
    assert not any("unlike" in point["reason"] for point in document["points"])  # nothing was sampled
    features = json.loads(out.read_text())["features"]
    assert [feature["properties"]["order"] for feature in features] == [1, 2, 3, 4]
    first = features[0]
    assert first["geometry"]["coordinates"] == [
        first["properties"]["longitude"],
        first["properties"]["latitude"],
    ]
    rasters = [f"{world}/covariates/*.tif"]
    with_rasters = plan_points(run.root, [scene], tmp_path / "b.csv", silent, covariates=rasters, **asked)
    assert [p["row"] for p in with_rasters["points"]] == [p["row"] for p in document["points"]]
    assert [p["predicted_ece_ds_m"] for p in with_rasters["points"]] != [
        p["predicted_ece_ds_m"] for p in document["points"]
    ]


def support_vectors(_seed: int, _shape: tuple[int, int]) -> Pipeline:
    return make_pipeline(StandardScaler(), SVR(C=3.0, epsilon=0.05))


def error_after(pixels: Spectra, rows: np.ndarray, asked: np.ndarray, seed: int) -> float:
    """RMSE on ln(1 + ECe) of `asked` pixels after learning from `rows`; the truth with 7 % error labels."""
    learned = pixels.take(rows)
    noise = np.exp(np.random.default_rng(seed).normal(0, 0.07, len(rows)))
    learned = learned.with_samples(ece_ds_m=learned.samples["ece_ds_m"].to_numpy() * noise)
    method = Baseline("svr", Recipe("support vectors", support_vectors, {}, forms=("derivative",))).fit(
        learned
    )
    truth = pixels.samples["ece_ds_m"].to_numpy()[asked]
    return float(np.sqrt(np.mean((log_ece(method.predict(pixels.take(asked))) - log_ece(truth)) ** 2)))


def errors_of_a_scene(world: Path, region: str, count: int, draws: int, plans: int) -> tuple[float, float]:
    """Mean error on other pixels of a simulated scene after `count` planned and after random points."""
    opened = World.open(world)
    scene = read(opened.scene(region))
    pixels = random_pixels([scene], usable_axis([scene]), 3000, seed=0)
    with rasterio.open(opened.truth(region)) as file:
        truth = file.read(list(file.descriptions).index("ece_ds_m") + 1)
    ece = truth[pixels.samples["row"], pixels.samples["column"]]
    good = np.isfinite(ece) & np.isfinite(pixels.values).all(axis=1)
    pixels = pixels.with_samples(ece_ds_m=ece).take(good)
    order = np.random.default_rng(0).permutation(len(pixels))
    candidates, asked = np.sort(order[: len(order) // 2]), order[len(order) // 2 :]
    places = (pixels.samples[name].to_numpy()[candidates] for name in ("latitude", "longitude"))
    latitude, longitude = places
    planned = [
        candidates[plan_samples(pixels.values[candidates], latitude, longitude, count, seed=seed).rows]
        for seed in range(plans)
    ]
    drawn = [np.random.default_rng(seed).choice(candidates, count, replace=False) for seed in range(draws)]
    ours, theirs = (
        float(np.mean([error_after(pixels, rows, asked, seed) for seed, rows in enumerate(chosen)]))
        for chosen in (planned, drawn)
    )
    return ours, theirs


def test_planned_points_teach_more_than_random_ones(world: Path) -> None:
    """A simulated world, whose truth labels the points; the margin was seen on other seeds first."""
    regions = [region["name"] for region in World.open(world).regions]
    errors = np.array([errors_of_a_scene(world, region, 20, draws=8, plans=3) for region in regions])
    ours, theirs = errors.mean(axis=0)
    assert ours < 0.97 * theirs, errors


def test_nothing_is_overwritten_and_nothing_half_is_left(model: Path, world: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan.csv"
    out.write_text("mine\n")
    with pytest.raises(OutputError, match=r"plan.csv: a file is in the way. Choose another --out"):
        plan_points(model, [f"{world}/scenes/*"], out, silent)
    assert out.read_text() == "mine\n"
    with pytest.raises(
        UsageError, match=r"cannot be written as '.gpkg'. Name it with one of: .csv, .geojson"
    ):
        plan_points(model, [f"{world}/scenes/*"], tmp_path / "plan.gpkg", silent)
    with pytest.raises(UsageError, match="points asked from"):
        plan_points(model, [f"{world}/scenes/*"], tmp_path / "b.csv", silent, count=500, candidates=100)
    assert [path.name for path in tmp_path.iterdir()] == ["plan.csv"]


def test_the_command(model: Path, world: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    scene, out = sorted((world / "scenes").iterdir())[0], tmp_path / "plan.csv"
    call = ["plan", str(model), str(scene), "--points", "3", "--candidates", "500", "--out", str(out)]
    assert run_command(app, call) == 0
    text = capfd.readouterr()
    assert "3 places (simulated, of" in text.out
    assert "typical of" in text.out
    assert "choosing points" in text.err
    assert len(pd.read_csv(out)) == 3
    assert run_command(app, [*call, "--json"]) == 1
    assert "in the way" in capfd.readouterr().err
    out.unlink()
    assert run_command(app, [*call, "--json", "--existing", str(world / "points.csv")]) == 0
    document = json.loads(capfd.readouterr().out)
    assert (document["kind"], len(document["points"])) == ("plan", 3)
    nowhere = [*call[:-1], str(tmp_path / "c.csv"), "--existing", str(tmp_path / "nowhere.csv")]
    assert run_command(app, nowhere) == 2
    assert "nowhere.csv: no such file" in capfd.readouterr().err
