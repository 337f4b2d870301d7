"""The laboratory library: sites of a region's scene, sampled, dried, ground and measured.

What is in the jar is 0-5 cm (and 5-30 cm) of soil, its crust ground in; no plants, no moisture but what
air-dry soil holds. The satellite sees the surface as it lies. That difference is the domain gap.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.simulate.bands import WAVELENGTHS_NM
from deepsalt.simulate.chemistry import ec_1_2_ds_m
from deepsalt.simulate.landscape import Landscape
from deepsalt.simulate.mir import WAVENUMBERS_CM1, absorbance
from deepsalt.simulate.place import grid_of
from deepsalt.simulate.settings import WorldSettings, stream
from deepsalt.simulate.sky import swath
from deepsalt.simulate.soil import Soil, joined
from deepsalt.simulate.visnir import dry_reflectance

#: Every second point of the simulation grid: 10 nm, as libraries of this kind are often delivered.
_VISNIR_STEP = 2
_SECOND_LAYER = 0.45
#: EC below this is not told from water, dS/m.
_EC_STEP = 0.01
_EC = "ec_usda.a364_ds.m"
_LATITUDE, _LONGITUDE = "latitude.point_wgs84_dd", "longitude.point_wgs84_dd"
_DEGREE_M = 111_195.0  # of latitude, on a sphere
TOP_LAYER_CM, SECOND_LAYER_CM = (0, 5), (5, 30)


def library_of(land: Landscape, settings: WorldSettings) -> pd.DataFrame:
    """One row a sample, with OSSL column names."""
    rng = stream(settings.seed, land.region.name, "library")
    profiles = max(1, round(settings.library_samples / (1 + _SECOND_LAYER)))
    sites = np.flatnonzero(swath(land.shape).ravel() & ~land.water.ravel())
    sites = np.sort(rng.choice(sites, size=min(profiles, len(sites)), replace=False))
    deeper = np.sort(
        rng.choice(len(sites), size=min(settings.library_samples - len(sites), len(sites)), replace=False)
    )
    top = land.soil.take(sites)
    soil = joined(top, _second_layer(top.take(deeper), rng))
    profile = np.concatenate([np.arange(len(sites)), deeper])
    order = np.argsort(profile, kind="stable")
    described = _described(land, soil, sites, profile, rng, settings.library_error)
    if settings.library_position_error is not None:
        error = settings.library_position_error
        described = _misplaced(described, profile, error, stream(settings.seed, land.region.name, "places"))
    mir, visnir = _mir_columns(soil, rng), _visnir_columns(soil, rng)
    for table, columns, what, share in (
        (described, [_EC], "ec measured", settings.ec_measured),
        (visnir, visnir.columns, "visnir measured", settings.visnir_measured),
    ):
        chosen = _measured(share, stream(settings.seed, land.region.name, what), len(sites))
        table.loc[~chosen[profile], columns] = np.nan
    return pd.concat([described, mir, visnir], axis=1).iloc[order].reset_index(drop=True)


def _misplaced(
    described: pd.DataFrame, profile: NDArray[np.intp], error_m: float, rng: np.random.Generator
) -> pd.DataFrame:
    """The table with each profile (row,) as far off as its receiver was, in a direction of its own."""
    north, east = rng.normal(0.0, error_m / np.sqrt(2), (2, profile.max() + 1)) / _DEGREE_M
    latitude, longitude = described[_LATITUDE], described[_LONGITUDE]
    moved = {
        _LATITUDE: (latitude + north[profile]).round(6),
        _LONGITUDE: (longitude + east[profile] / np.cos(np.radians(latitude))).round(6),
    }
    return described.assign(**moved, **{"location.point.error_any_m": error_m})


def _measured(share: float, rng: np.random.Generator, profiles: int) -> NDArray[np.bool_]:
    """(profile,) which ones the laboratory measured; a larger share holds all those of a smaller one."""
    chosen = rng.permutation(profiles)[: max(1, round(share * profiles))]
    return np.isin(np.arange(profiles), chosen)


def _second_layer(top: Soil, rng: np.random.Generator) -> Soil:
    """5-30 cm below: less salt where a crust had gathered it, less organic matter, a little more clay."""
    count = len(top)
    gathered = np.exp(rng.normal(-0.45, 0.35, (count, 1)) - 0.01 * top.total_salts_g_kg[:, None])
    clay = np.clip(top.clay * rng.normal(1.08, 0.06, count), 2, 90)
    return top.with_(
        clay=clay,
        sand=np.minimum(top.sand, 97 - clay),
        organic_carbon=top.organic_carbon * rng.uniform(0.45, 0.8, count),
        carbonate=top.carbonate * rng.normal(1.1, 0.08, count).clip(0.8, 1.4),
        gypsum=np.clip(top.gypsum * rng.normal(1.15, 0.2, count), 0, 70),
        salts_g_kg=top.salts_g_kg * gathered,
    )


def _described(
    land: Landscape,
    soil: Soil,
    sites: NDArray[np.intp],
    profile: NDArray[np.intp],
    rng: np.random.Generator,
    error: float,
) -> pd.DataFrame:
    name = land.region.name
    row, column = np.unravel_index(sites, land.shape)
    within = rng.uniform(0.1, 0.9, (2, len(sites)))
    latitude, longitude = grid_of(land.region, land.shape).places(row + within[0], column + within[1])
    is_top = np.arange(len(soil)) < len(sites)
    ec = ec_1_2_ds_m(soil) * np.exp(rng.normal(0.0, error, len(soil))) + rng.normal(0.0, 0.01, len(soil))
    return pd.DataFrame(
        {
            "id.layer_uuid_txt": [
                f"{name}-{p + 1:04d}-{1 if top else 2}" for p, top in zip(profile, is_top, strict=True)
            ],
            "id.profile": [f"{name}-{p + 1:04d}" for p in profile],
            "region": name,
            _LATITUDE: latitude[profile].round(6),
            _LONGITUDE: longitude[profile].round(6),
            "layer.upper.depth_usda_cm": np.where(is_top, TOP_LAYER_CM[0], SECOND_LAYER_CM[0]).astype(float),
            "layer.lower.depth_usda_cm": np.where(is_top, TOP_LAYER_CM[1], SECOND_LAYER_CM[1]).astype(float),
            _EC: np.round(np.maximum(ec, 0.0) / _EC_STEP) * _EC_STEP,
            "clay.tot_usda.a334_w.pct": _analysed(soil.clay, 0.8, rng),
            "sand.tot_usda.c60_w.pct": _analysed(soil.sand, 1.0, rng),
            "caco3_usda.a54_w.pct": _analysed(soil.carbonate, 0.3, rng),
            "oc_usda.c729_w.pct": _analysed(soil.organic_carbon, 0.04, rng),
        }
    ).round({_EC: 2})


def _analysed(truth: NDArray[np.floating], error: float, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.clip(truth + rng.normal(0.0, error, len(truth)), 0, 100).round(2)


def _mir_columns(soil: Soil, rng: np.random.Generator) -> pd.DataFrame:
    names = [f"scan_mir.{number:.0f}_abs" for number in WAVENUMBERS_CM1]
    return pd.DataFrame(absorbance(soil, rng), columns=names)


def _visnir_columns(soil: Soil, rng: np.random.Generator) -> pd.DataFrame:
    """Reflectance with the errors of filling the dish, of the lamp and of the three detectors' noise."""
    nm = WAVELENGTHS_NM[::_VISNIR_STEP]
    humidity = rng.normal(1.0, 0.10, len(soil))
    clean = dry_reflectance(soil, humidity)[:, ::_VISNIR_STEP]
    filling = np.exp(rng.normal(0.0, 0.05, (len(soil), 1)))
    tilt = 1.0 + rng.normal(0.0, 0.012, (len(soil), 1)) * (nm - 1400.0) / 1000.0
    noise = rng.standard_normal(clean.shape) * np.where((nm < 450) | (nm > 2350), 0.0015, 0.0005)
    values = (clean * filling * tilt + noise).clip(0.001, 1.2).astype(np.float32)
    return pd.DataFrame(values, columns=[f"scan_visnir.{w:.0f}_ref" for w in nm])
