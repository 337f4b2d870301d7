"""A world on disk: reproducible, whole, and consistent with itself."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.warp import transform

from deepsalt.errors import OutputError, ProductError, UsageError
from deepsalt.files import fingerprint
from deepsalt.salinity import METHODS
from deepsalt.simulate import REGIONS, World, WorldSettings, simulate_world
from deepsalt.simulate import world as world_module
from deepsalt.simulate.landscape import Landscape, landscape
from deepsalt.simulate.library import library_of
from deepsalt.simulate.points import points_of
from deepsalt.simulate.settings import stream


def truth_of(world: World, region: str) -> dict[str, np.ndarray]:
    with rasterio.open(world.truth(region)) as file:
        return dict(zip(file.descriptions, file.read(), strict=True))


def pixels_of(path: Path, latitude: pd.Series, longitude: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    with rasterio.open(path) as file:
        x, y = transform("EPSG:4326", file.crs, longitude.tolist(), latitude.tolist())
        a, _, left, _, e, top = file.transform[:6]
    row, column = (np.array(y) - top) / e, (np.array(x) - left) / a
    return np.floor(row).astype(int), np.floor(column).astype(int)


def test_same_seed_same_bytes_other_seed_others(world, tmp_path):
    again = simulate_world(tmp_path / "again", WorldSettings.small())
    other = simulate_world(tmp_path / "other", WorldSettings.small(seed=1))
    assert fingerprint(again.root) == fingerprint(world.root)
    assert fingerprint(other.root) != fingerprint(world.root)
    for name in world.settings.regions:
        assert other.about(name)["scene"] != world.about(name)["scene"]
        assert fingerprint(other.truth(name)) != fingerprint(world.truth(name))


def test_streams_are_the_same_in_every_process():
    first = stream(3, "loess_plain", "library").integers(2**31)
    code = (
        "from deepsalt.simulate.settings import stream\n"
        "print(stream(3, 'loess_plain', 'library').integers(2**31))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == first
    assert stream(3, "loess_plain", "points").integers(2**31) != first
    assert stream(4, "loess_plain", "library").integers(2**31) != first


def test_a_region_is_the_same_whichever_others_stand_beside_it(world, tmp_path):
    alone = simulate_world(tmp_path / "alone", replace(WorldSettings.small(), regions=("gypsum_marl",)))
    assert fingerprint(alone.scene("gypsum_marl")) == fingerprint(world.scene("gypsum_marl"))
    both = pd.read_csv(world.points)
    pd.testing.assert_frame_equal(
        pd.read_csv(alone.points), both[both["region"] == "gypsum_marl"].reset_index(drop=True)
    )


def test_world_holds_what_it_promises(world):
    told = json.loads((world.root / "world.json").read_text())
    assert told["simulated"] is True
    assert told["seed"] == world.settings.seed
    assert WorldSettings.from_dict(told["settings"]) == world.settings
    assert [region["name"] for region in world.regions] == list(world.settings.regions)
    listed = {file.name for file in world.root.iterdir()}
    folders = {"scenes", "covariates", "truth", "map_units", "zones"}
    assert listed == {"world.json", "library.parquet", "points.csv"} | folders
    reopened = World.open(world.root)
    assert reopened.scenes == world.scenes
    assert all(scene.is_dir() for scene in reopened.scenes)
    assert not list(world.root.parent.glob(".*part*"))


def test_library_has_ossl_columns_and_groups(world):
    library = pd.read_parquet(world.library)
    assert len(library) == world.settings.library_samples * len(world.settings.regions)
    mir = [c for c in library if c.startswith("scan_mir.")]
    visnir = [c for c in library if c.startswith("scan_visnir.")]
    assert (mir[0], mir[-1], len(mir)) == ("scan_mir.600_abs", "scan_mir.4000_abs", 851)
    assert (visnir[0], visnir[-1], len(visnir)) == ("scan_visnir.350_ref", "scan_visnir.2500_ref", 216)
    assert library["id.layer_uuid_txt"].is_unique
    layers = library.groupby("id.profile").size()
    assert set(layers) == {1, 2}
    pairs = set(zip(library["layer.upper.depth_usda_cm"], library["layer.lower.depth_usda_cm"], strict=True))
    assert pairs == {(0.0, 5.0), (5.0, 30.0)}
    assert library[visnir].to_numpy().min() > 0
    assert library[visnir].to_numpy().max() < 1
    assert library["ec_usda.a364_ds.m"].ge(0).all()
    assert "EC1:2" in METHODS


def test_library_ec_is_the_truth_diluted(world):
    """Measured EC 1:2 of top layers against true ECe of the pixel the site lies in."""
    library = pd.read_parquet(world.library)
    for region in world.settings.regions:
        own = library[(library["region"] == region) & (library["layer.upper.depth_usda_cm"] == 0)]
        row, column = pixels_of(
            world.truth(region), own["latitude.point_wgs84_dd"], own["longitude.point_wgs84_dd"]
        )
        truth = truth_of(world, region)
        ece, gypsum = truth["ece_ds_m"][row, column], truth["gypsum_pct"][row, column]
        ec = own["ec_usda.a364_ds.m"].to_numpy()
        plain = (gypsum == 0) & (ece > 1)
        assert plain.sum() >= 3
        ratio = ece[plain] / ec[plain]
        assert 1.7 < np.median(ratio) < 3.2
        assert ratio.std() / ratio.mean() < 0.25
        gypsic = (gypsum > 2) & (ece < 6)
        if gypsic.sum() >= 3:
            assert np.median(ece[gypsic] / ec[gypsic]) < np.median(ratio)


def test_points_lie_in_the_pixel_they_claim(world):
    points = pd.read_csv(world.points)
    assert list(points.columns) == [
        "id", "field", "region", "latitude", "longitude", "date",
        "depth_top_cm", "depth_bottom_cm", "ece_ds_m",
    ]  # fmt: skip
    assert points["id"].is_unique
    for region, own in points.groupby("region"):
        assert own.groupby("field").size().eq(world.settings.points_per_field).all()
        assert own["field"].nunique() == world.settings.fields
        row, column = pixels_of(world.truth(region), own["latitude"], own["longitude"])
        truth = truth_of(world, region)["ece_ds_m"][row, column]
        assert np.isfinite(truth).all()  # inside the scene, not in water
        error = own["ece_ds_m"].to_numpy() - truth
        assert (np.abs(error) < 5 * (world.settings.label_error * truth + 0.02)).all()
        spread = pd.DataFrame({"f": own["field"].to_numpy(), "r": row, "c": column}).groupby("f")
        assert (spread.max() - spread.min()).max().max() <= 8  # neighbours
        days = (pd.to_datetime(own["date"]) - pd.Timestamp(world.about(region)["date"])).dt.days
        assert days.abs().max() <= 10


def test_rasters_lie_on_the_grid_of_the_scene(world):
    for region in world.settings.regions:
        scene = world.scene(region)
        with (
            rasterio.open(scene / f"{scene.name}-SPECTRAL_IMAGE.TIF") as image,
            rasterio.open(world.truth(region)) as truth,
            rasterio.open(world.covariates(region)) as covariates,
        ):
            for raster in (truth, covariates):
                assert (raster.transform, raster.crs, raster.shape) == (
                    image.transform,
                    image.crs,
                    image.shape,
                )
                assert set(raster.dtypes) == {"float32"}
                assert np.isnan(raster.nodata)
            assert truth.descriptions[0] == "ece_ds_m"
            assert covariates.descriptions == ("sand_pct", "clay_pct", "temperature_c", "precipitation_mm")
            assert np.isfinite(covariates.read()).all()


@pytest.fixture(scope="module")
def lands() -> dict[str, Landscape]:
    settings = WorldSettings()
    return {name: landscape(region, settings) for name, region in REGIONS.items()}


def test_ece_has_many_zeros_and_a_long_tail(lands):
    every = np.concatenate([land.ece for land in lands.values()])
    assert 0.38 < np.mean(every < 2) < 0.58
    assert 0.05 < np.mean(every < 0.1) < 0.35
    assert 30 < np.quantile(every, 0.99) < 60
    assert every.max() < 75


def test_gypsum_confounds_salinity(lands):
    """In the marl, plenty of gypsum lies on soils that are not saline, and salt on soils without gypsum."""
    land = lands["gypsum_marl"]
    gypsic = land.soil.gypsum > 10
    assert gypsic.mean() > 0.15
    assert np.mean(land.ece[gypsic] < 4) > 0.3
    assert np.mean(land.soil.gypsum[land.ece > 8] < 1) > 0.05


def test_salt_gathers_in_low_ground_and_thins_the_crop(lands):
    for land in lands.values():
        assert np.corrcoef(land.lowness, np.log1p(land.ece))[0, 1] > 0.3
    land = lands["clay_delta"]
    crop = land.fields.spread(land.use == 0).ravel()
    saline = land.ece > 16
    assert land.surface.green[crop & saline].mean() < 0.5 * land.surface.green[crop & (land.ece < 4)].mean()


def test_ece_is_patchy_and_not_noise(lands):
    for land in lands.values():
        field = np.log1p(land.ece.reshape(land.shape))
        near = np.corrcoef(field[:, 1:].ravel(), field[:, :-1].ravel())[0, 1]
        far = np.corrcoef(field[:, 30:].ravel(), field[:, :-30].ravel())[0, 1]
        assert near > 0.75
        assert far < near - 0.3


def test_small_counts_work():
    settings = replace(
        WorldSettings.small(), rows=24, columns=24, library_samples=1, fields=1, points_per_field=1
    )
    land = landscape(REGIONS["loess_plain"], settings)
    assert len(library_of(land, settings)) == 1
    assert len(points_of(land, settings, pd.Timestamp("2024-05-01"))) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"regions": ("gypsum_mral",)}, "Did you mean 'gypsum_marl'"),
        ({"regions": ()}, "no region"),
        ({"regions": ("gypsum_marl", "gypsum_marl")}, "named twice"),
        ({"rows": 10}, "at least 24"),
        ({"seed": -1}, "seed is -1"),
        ({"cloud_cover": 0.9}, "cloud_cover is 0.9"),
        ({"fields": 0}, "fields is 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, message):
    with pytest.raises(UsageError, match=message):
        replace(WorldSettings(), **change)


def test_more_points_than_a_field_holds_is_refused(tmp_path):
    with pytest.raises(UsageError, match="largest field has"):
        simulate_world(tmp_path / "w", replace(WorldSettings.small(), points_per_field=5000))
    assert list(tmp_path.iterdir()) == []


def test_a_world_of_the_same_settings_is_kept(world):
    before = (world.root / "world.json").stat().st_mtime_ns
    assert simulate_world(world.root, world.settings).regions == world.regions
    assert (world.root / "world.json").stat().st_mtime_ns == before


def test_what_is_in_the_way_stays(world, tmp_path):
    with pytest.raises(OutputError, match="other settings or another seed"):
        simulate_world(world.root, replace(world.settings, seed=7))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="not a world"):
        simulate_world(tmp_path / "notes", world.settings)
    assert (tmp_path / "notes" / "mine.txt").read_text() == "keep"


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(world_module, "write_enmap", full)
    with pytest.raises(OutputError, match="no space left"):
        simulate_world(tmp_path / "w", WorldSettings.small())
    assert list(tmp_path.iterdir()) == []


def test_open_tells_what_is_wrong(tmp_path):
    with pytest.raises(UsageError, match=r"no world\.json"):
        World.open(tmp_path)
    (tmp_path / "world.json").write_text('{"format": "something else"}')
    with pytest.raises(ProductError, match="something else"):
        World.open(tmp_path)
    (tmp_path / "world.json").write_text("{")
    with pytest.raises(ProductError, match="not JSON"):
        World.open(tmp_path)


def test_unknown_region_of_a_world_names_the_known(world):
    with pytest.raises(UsageError, match="It has: alluvial_basin, gypsum_marl"):
        world.truth("clay_delta")


def test_progress_reaches_its_end(tmp_path):
    seen: list[tuple[str, int, int]] = []
    settings = replace(WorldSettings.small(), regions=("loess_plain",))
    simulate_world(tmp_path / "w", settings, lambda *step: seen.append(step))
    assert [done for _, done, _ in seen] == [0, 1, 2, 3, 4]
    assert {total for *_, total in seen} == {4}
    assert seen[0][0].startswith("loess_plain")


def test_simulation_knows_nothing_of_the_method():
    code = (
        "import sys, deepsalt.simulate.world\n"
        "bad = [m for m in sys.modules if m.startswith('deepsalt.') and m.split('.')[1] in "
        "{'augment', 'models', 'training', 'estimators', 'preprocessing', 'readers'}]\n"
        "print(bad, 'torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[] False"
