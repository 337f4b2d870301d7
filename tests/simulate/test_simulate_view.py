"""Views: the same land through pixels of other sizes and places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsalt.simulate import REGIONS, WorldSettings
from deepsalt.simulate.acquisition import acquire
from deepsalt.simulate.landscape import landscape, on_day
from deepsalt.simulate.place import grid_of
from deepsalt.simulate.view import grid_view, land_view

SETTINGS = replace(WorldSettings.small(), cloud_cover=0.0)
REGION = REGIONS["alluvial_basin"]
LAND = landscape(REGION, SETTINGS)
GRID = grid_of(REGION, LAND.shape)


def test_the_lands_own_view_changes_nothing() -> None:
    view = land_view(REGION, LAND.shape)
    values = np.arange(LAND.water.size, dtype=float).reshape(LAND.shape)
    np.testing.assert_array_equal(view.averaged(values), values)
    assert view.whole.all()


def test_pixels_of_sixty_metres_are_means_of_four_cells() -> None:
    wide = replace(GRID, pixel_m=60.0, rows=LAND.shape[0] // 2, columns=LAND.shape[1] // 2)
    view = grid_view(REGION, LAND.shape, wide)
    values = np.random.default_rng(0).normal(size=LAND.shape)
    blocks = values.reshape(wide.rows, 2, wide.columns, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(view.averaged(values), blocks, rtol=1e-12)
    assert view.whole.all()


def test_pixels_of_ten_metres_repeat_the_cell_they_lie_in() -> None:
    fine = replace(GRID, pixel_m=10.0, rows=3 * LAND.shape[0], columns=3 * LAND.shape[1])
    values = np.random.default_rng(0).normal(size=LAND.shape)
    found = grid_view(REGION, LAND.shape, fine).averaged(values)
    np.testing.assert_allclose(found, values.repeat(3, axis=0).repeat(3, axis=1), rtol=1e-12)


def test_a_shifted_grid_weighs_by_area_and_knows_what_it_does_not_see() -> None:
    moved = replace(GRID, left=GRID.left + 7.5, top=GRID.top + 15.0)
    view = grid_view(REGION, LAND.shape, moved)
    rows, columns = np.mgrid[: LAND.shape[0], : LAND.shape[1]].astype(float)
    assert view.averaged(columns)[5, 3] == pytest.approx(3.25)
    assert view.averaged(rows)[5, 3] == pytest.approx(4.5)
    assert not view.whole[0].any()
    assert not view.whole[:, -1].any()
    assert view.whole[1:, :-1].all()


def test_a_grid_of_another_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        grid_view(REGION, LAND.shape, replace(GRID, epsg=32601))


def test_another_day_changes_the_surface_and_not_the_soil() -> None:
    later = on_day(LAND, SETTINGS, 2)
    assert later.soil is LAND.soil
    assert later.ece is LAND.ece
    assert np.corrcoef(later.surface.moisture, LAND.surface.moisture)[0, 1] < 0.99
    assert on_day(LAND, SETTINGS, 0) is LAND
    again = on_day(LAND, SETTINGS, 2)
    np.testing.assert_array_equal(again.surface.green, later.surface.green)


def test_an_image_of_wide_pixels_shows_the_mean_of_what_the_fine_one_shows() -> None:
    """Noise and the state of the instrument are drawn anew: what is left is a few percent."""
    wide = replace(GRID, pixel_m=60.0, rows=LAND.shape[0] // 2, columns=LAND.shape[1] // 2)
    fine = acquire(LAND, SETTINGS)
    coarse = acquire(LAND, SETTINGS, view=grid_view(REGION, LAND.shape, wide), look=1)
    assert coarse.reflectance.shape == (224, wide.rows, wide.columns)
    assert 22 <= (coarse.start - fine.start).days <= 24
    mean = fine.reflectance.reshape(224, wide.rows, 2, wide.columns, 2).mean(axis=(2, 4))
    both = np.isfinite(mean) & np.isfinite(coarse.reflectance)
    land = both & (coarse.classes == 1)
    assert land.sum() > 50_000
    ratio = coarse.reflectance[land] / mean[land]
    assert np.median(np.abs(ratio - 1)) < 0.05
