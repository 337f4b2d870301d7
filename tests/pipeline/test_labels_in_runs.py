"""Points as features, rules on points and strata: from files through a config to predictions."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from tests.pipeline.conftest import WORLD, config_of, silent

import deepsalt as ds
from deepsalt.config import parse_config
from deepsalt.errors import ConfigError, LabelError, UsageError
from deepsalt.estimators import DeepSaltRegressor
from deepsalt.evaluation.protocol import TEST, predictions_of
from deepsalt.pairing import far_from
from deepsalt.pipeline.inspection import inspect_path
from deepsalt.pipeline.prepare import Prepared, prepare
from deepsalt.pipeline.train import input_fingerprints
from deepsalt.simulate.regions import REGIONS
from deepsalt.training import DeepSaltSettings


@pytest.fixture(scope="module")
def folder(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The points of the world as a GeoPackage in metres."""
    place = tmp_path_factory.mktemp("labels")
    points = pd.read_csv(world / "points.csv")
    where = gpd.points_from_xy(points.pop("longitude"), points.pop("latitude"))
    gpd.GeoDataFrame(points, geometry=where, crs="EPSG:4326").to_crs("EPSG:3857").to_file(place / "p.gpkg")
    return place


def with_labels(world: Path, folder: Path, **changes: object):
    satellite = {
        "scenes": [str(world / "scenes" / "*")],
        "points": str(folder / "p.gpkg"),
        "unlabelled_pixels": 100,
        "strata": [str(world / "zones" / "*.tif")],
        **changes,
    }
    return config_of(world, satellite=satellite)


@pytest.fixture(scope="module")
def prepared(world: Path, folder: Path) -> Prepared:
    return prepare(with_labels(world, folder, min_purity=0.9, max_days=8), silent)


def test_features_are_the_same_points_as_the_table(world: Path, folder: Path) -> None:
    here = prepare(with_labels(world, folder), silent).sites
    there = prepare(config_of(world), silent).sites
    assert here.samples["id"].tolist() == there.samples["id"].tolist()
    np.testing.assert_array_equal(here.values, there.values)


def test_rules_of_the_config_hold_for_every_site(prepared: Prepared) -> None:
    table = prepared.sites.samples
    assert table["pixel_purity"].min() >= 0.9
    assert table["days_apart"].abs().max() <= 8
    told = prepared.facts["points"]["steps"]
    assert any("without an image that fits in date and place" in step for step in told)
    assert any("on a pixel of a purity below 0.9" in step for step in told)


def test_strata_are_carried_and_never_learned(prepared: Prepared) -> None:
    assert prepared.strata == ("climate_zone", "soil_class")
    assert prepared.covariate_names == ()
    test = prepared.part("test")
    assert set(test.samples["climate_zone"]) <= {"BSk", "BWk"}

    class Mean:
        name = "mean"

        def predict(self, spectra) -> np.ndarray:
            return np.ones(len(spectra))

    table = predictions_of(Mean(), TEST, test, "ece_ds_m", prepared.strata)
    assert {"climate_zone", "soil_class", "season"} <= set(table)
    assert table["soil_class"].tolist() == test.samples["soil_class"].tolist()
    assert sum(prepared.facts["points"]["climate_zone"].values()) == len(prepared.sites)


def test_another_name_of_a_class_makes_another_run(world: Path, folder: Path) -> None:
    config = with_labels(world, folder)
    before = input_fingerprints(config)
    names = world / "zones" / f"{WORLD.regions[0]}.tif.aux.xml"
    assert str(names) in before
    text = names.read_text()
    try:
        names.write_text(text.replace("BSk", "cold steppe"))
        assert input_fingerprints(config) != before
    finally:
        names.write_text(text)


def test_no_point_near_enough_in_date_is_one_clear_error(world: Path, folder: Path) -> None:
    with pytest.raises(LabelError, match="no image that fits in date and place: loosen the rules on points"):
        prepare(with_labels(world, folder, months=[1]), silent)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"months": [0]}, "satellite.months.0"),
        ({"max_days": -1}, "satellite.max_days"),
        ({"min_purity": 2}, "satellite.min_purity"),
        ({"minpurity": 1}, "Did you mean 'min_purity'"),
    ],
)
def test_rules_of_a_config_are_checked(changes: dict, message: str) -> None:
    satellite = {"scenes": ["s"], "points": "p", **changes}
    with pytest.raises(ConfigError, match=message):
        parse_config({"library": {"path": "l"}, "satellite": satellite})


def test_inspect_tells_features(world: Path, folder: Path) -> None:
    points = inspect_path(folder / "p.gpkg")
    assert (points["kind"], points["points"]) == ("points", len(pd.read_csv(world / "points.csv")))
    land = REGIONS[WORLD.regions[0]]
    units = inspect_path(world / "map_units" / f"{land.name}.geojson")
    assert (units["kind"], units["geometry"], units["crs"]) == ("map units", ["Polygon"], "WGS 84")
    assert units["map_units"] <= units["features"]
    assert units["latitude"][0] < land.latitude < units["latitude"][1]
    assert units["longitude"][0] < land.longitude < units["longitude"][1]


def survey(world: Path, **changes: object) -> dict[str, object]:
    tables = {"components": "component", "horizons": "chorizon"}
    found = {key: [str(world / "map_units" / f"*_{name}.csv")] for key, name in tables.items()}
    return {"polygons": [str(world / "map_units" / "*.geojson")], **found, **changes}


@pytest.fixture(scope="module")
def surveyed(world: Path, folder: Path) -> Prepared:
    return prepare(with_labels(world, folder, map_units=survey(world)), silent)


def test_no_unit_is_learned_from_at_a_held_out_place(surveyed: Prepared) -> None:
    units = surveyed.units
    assert units is not None
    assert len(units) > 5
    assert surveyed.facts["map units"]["units"] == len(units)
    held = surveyed.sites.samples.iloc[np.concatenate([surveyed.split.test, surveyed.split.unseen])]
    here = units.spectra.samples
    assert far_from(here["latitude"], here["longitude"], held["latitude"], held["longitude"], 60.0).all()
    assert not set(here["scene"]) & set(surveyed.part("unseen").samples["scene"])
    assert any("pixels of map units near a held-out point left out" in note for note in units.notes)


def test_a_run_learns_from_map_units_and_their_files_count(
    world: Path, folder: Path, surveyed: Prepared
) -> None:
    config = with_labels(world, folder, map_units=survey(world))
    assert sum("map_units" in path for path in input_fingerprints(config)) == 3 * len(WORLD.regions)
    settings = DeepSaltSettings(
        steps=40, land_steps=10, members=1, hidden=(32,), gate=False, distillation=False
    )
    libraries = {"visnir": ds.read(world / "library.parquet", domain="visnir", ec="ec1:2")}
    given = (libraries, surveyed.part("train"), surveyed.unlabelled)
    plain = DeepSaltRegressor(settings).fit(*given)
    told = DeepSaltRegressor(settings).fit(*given, units=surveyed.units)
    assert not np.array_equal(plain.predict(given[1]), told.predict(given[1]))


def test_tables_of_a_survey_come_in_pairs(world: Path, folder: Path) -> None:
    one = str(next((world / "map_units").glob("*_chorizon.csv")))
    with pytest.raises(UsageError, match="3 tables of components and 1 of horizons"):
        prepare(with_labels(world, folder, map_units=survey(world, horizons=[one])), silent)
