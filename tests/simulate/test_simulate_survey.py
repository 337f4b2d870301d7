"""Map units and zones of a world, read back: they tell the truth of the land within a survey's error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from tests.toys import TOY_SENSOR, MemoryScene, toy_scene

from deepsalt.map_units import aggregate, bags_of, coverage
from deepsalt.readers.categories import CategoryRaster, CategorySet
from deepsalt.readers.covariates import CovariateRaster
from deepsalt.readers.map_units import MapUnitTables, read_map_units, read_unit_polygons
from deepsalt.simulate import WorldSettings
from deepsalt.simulate.landscape import Landscape, landscape
from deepsalt.simulate.map_units import write_map_units
from deepsalt.simulate.place import grid_of
from deepsalt.simulate.regions import REGIONS
from deepsalt.simulate.zones import CLIMATES, SOILS, write_zones

SETTINGS = WorldSettings(seed=5, rows=72, columns=64)


@dataclass
class Survey:
    land: Landscape
    paths: tuple[Path, Path, Path]
    tables: MapUnitTables
    scene: MemoryScene


@pytest.fixture(scope="module", params=["alluvial_basin", "coastal_sand"])
def survey(request, tmp_path_factory) -> Survey:
    land = landscape(REGIONS[request.param], SETTINGS)
    paths = write_map_units(land, SETTINGS, tmp_path_factory.mktemp("survey"))
    grid = grid_of(land.region, land.shape)
    bare = replace(toy_scene("sky", *land.shape), crs=grid.crs, transform=grid.transform, block=(8, 64))
    bare.cube[:], bare.quality[:] = 0.3, 0
    return Survey(land, paths, read_map_units(paths[1], paths[2]), bare)


def test_every_pixel_lies_in_one_unit_at_its_place(survey: Survey) -> None:
    under = coverage(survey.scene, read_unit_polygons(survey.paths[0]))
    whole = under.groupby(["row", "column"])["coverage"].sum()
    assert len(whole) == survey.land.lowness.size
    assert whole.to_numpy() == pytest.approx(1, abs=1e-3)
    edges = under["coverage"].between(0.005, 0.995)
    assert not edges.any(), "polygons follow the edges of pixels"
    assert 4 <= under["mukey"].nunique() <= 6


def test_units_tell_the_true_ece_within_a_surveys_error(survey: Survey) -> None:
    labels = aggregate(survey.tables)
    under = coverage(survey.scene, read_unit_polygons(survey.paths[0]))
    dry = ~survey.land.water[under["row"], under["column"]]
    truth = np.log1p(survey.land.ece.reshape(survey.land.shape)[under["row"], under["column"]])
    true = under[dry].assign(truth=truth[dry]).groupby("mukey")["truth"].agg(["mean", "std"])
    found = labels.units.set_index("mukey").loc[true.index]
    assert np.abs(found["wanted"] - true["mean"]).max() < 0.35
    assert np.corrcoef(found["wanted"], true["mean"])[0, 1] > 0.9
    assert np.abs(found["spread"] - true["std"]).max() < 0.3


def test_the_tables_hold_what_real_ones_do(survey: Survey) -> None:
    tables = survey.tables
    assert tables.notes == ()
    assert tables.components["miscellaneous"].any(), "water"
    assert tables.horizons["ece"].isna().any(), "horizons without an EC"
    inside = (tables.horizons["bottom_cm"] < 5) & tables.horizons["ece"].notna()
    assert inside.any(), "horizons that end within the surface layer"
    total = tables.components.groupby("mukey")["percent"].sum()
    assert total.between(97, 103).all()
    labels = aggregate(tables)
    assert (labels.units["percent_known"] < labels.units["percent_total"]).all()
    assert len(labels) == tables.components["mukey"].nunique()


def test_the_surface_layer_holds_the_same_ece_however_its_horizons_are_cut(survey: Survey) -> None:
    """By hand: thickness-weighted over 0-5 cm, whatever the depth at which the topsoil ends."""
    label = aggregate(survey.tables).components
    for _, row in label.iterrows():
        horizons = survey.tables.horizons[survey.tables.horizons["cokey"] == row["cokey"]].dropna()
        centimetres = [
            float(horizons.loc[(horizons["top_cm"] <= cm) & (horizons["bottom_cm"] > cm), "ece"].iloc[0])
            for cm in range(int(horizons["top_cm"].min()), 5)
        ]
        assert row["ece"] == pytest.approx(np.mean(centimetres))


def test_bags_of_a_world(survey: Survey) -> None:
    polygons = read_unit_polygons(survey.paths[0])
    bags = bags_of([survey.scene], polygons, aggregate(survey.tables), TOY_SENSOR.axis, most_pixels=100)
    assert np.bincount(bags.bag).max() <= 100
    assert np.bincount(bags.bag, bags.share) == pytest.approx(np.ones(len(bags)))


def test_the_same_seed_gives_the_same_files_and_another_others(tmp_path: Path) -> None:
    land = landscape(REGIONS["alluvial_basin"], SETTINGS)
    one, two = (write_map_units(land, SETTINGS, tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    other = write_map_units(land, replace(SETTINGS, seed=6), tmp_path / "c")
    assert one[1].read_bytes() != other[1].read_bytes()
    first, second = (write_zones(land, SETTINGS, tmp_path / name) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_zones_are_classes_with_names(tmp_path: Path) -> None:
    seen: set[str] = set()
    for name, region in REGIONS.items():
        land = landscape(region, SETTINGS)
        path = write_zones(land, SETTINGS, tmp_path)
        assert path == tmp_path / f"{name}.tif"
        rows, columns = np.divmod(np.arange(0, land.lowness.size, 7), land.shape[1])
        latitude, longitude = grid_of(region, land.shape).places(rows + 0.5, columns + 0.5)
        found = CategoryRaster.open(path).at(latitude, longitude)
        zones = found["climate_zone"].value_counts(normalize=True)
        assert 0.7 < zones.iloc[0] < 0.9
        assert zones.index[0] in region.climate
        assert set(zones.index) <= set(CLIMATES.values())
        assert found["soil_class"].isna().to_numpy().tolist() == land.water[rows, columns].tolist()
        seen |= set(found["soil_class"].dropna())
        with pytest.raises(Exception, match=r"holds classes .*strata"):
            CovariateRaster.open(path)
    assert seen == set(SOILS.values())
    assert CategorySet.open(sorted(tmp_path.glob("*.tif"))).names == ("climate_zone", "soil_class")
