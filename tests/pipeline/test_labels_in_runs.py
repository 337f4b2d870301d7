"""Points as features, rules on points and strata: from files through a config to predictions."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from tests.pipeline.conftest import WORLD, config_of, silent

from deepsalt.config import parse_config
from deepsalt.errors import ConfigError, LabelError
from deepsalt.evaluation.protocol import TEST, predictions_of
from deepsalt.pipeline.inspection import inspect_path
from deepsalt.pipeline.prepare import Prepared, prepare
from deepsalt.pipeline.train import input_fingerprints
from deepsalt.simulate.landscape import landscape
from deepsalt.simulate.map_units import write_map_units
from deepsalt.simulate.regions import REGIONS
from deepsalt.simulate.zones import write_zones


@pytest.fixture(scope="module")
def folder(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The points of the world as a GeoPackage in metres, and its zones."""
    place = tmp_path_factory.mktemp("labels")
    points = pd.read_csv(world / "points.csv")
    where = gpd.points_from_xy(points.pop("longitude"), points.pop("latitude"))
    gpd.GeoDataFrame(points, geometry=where, crs="EPSG:4326").to_crs("EPSG:3857").to_file(place / "p.gpkg")
    for name in WORLD.regions:
        write_zones(landscape(REGIONS[name], WORLD), WORLD, place / "zones")
    return place


def with_labels(world: Path, folder: Path, **changes: object):
    satellite = {
        "scenes": [str(world / "scenes" / "*")],
        "points": str(folder / "p.gpkg"),
        "unlabelled_pixels": 100,
        "strata": [str(folder / "zones" / "*.tif")],
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
    assert list(table)[-2:] == ["climate_zone", "soil_class"]
    assert table["soil_class"].tolist() == test.samples["soil_class"].tolist()
    assert sum(prepared.facts["points"]["climate_zone"].values()) == len(prepared.sites)


def test_another_name_of_a_class_makes_another_run(world: Path, folder: Path) -> None:
    config = with_labels(world, folder)
    before = input_fingerprints(config)
    names = folder / "zones" / f"{WORLD.regions[0]}.tif.aux.xml"
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
    land = landscape(REGIONS[WORLD.regions[0]], WORLD)
    units = inspect_path(write_map_units(land, WORLD, folder / "units")[0])
    assert (units["kind"], units["geometry"], units["crs"]) == ("map units", ["Polygon"], "WGS 84")
    assert units["map_units"] <= units["features"]
    assert units["latitude"][0] < land.region.latitude < units["latitude"][1]
    assert units["longitude"][0] < land.region.longitude < units["longitude"][1]
