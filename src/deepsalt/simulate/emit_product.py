"""An EMIT L2A granule: reflectance, mask and uncertainty in the NetCDF-4 form that the producer delivers.

Taken from the producer's converters: names, groups, dimensions, types, units and fill values; reflectance and
uncertainty stored in one piece, tables and masks deflated at level 9; bands of water vapour -0.01; the raw
swath with a lookup table onto a grid of latitude and longitude. Unknown, and chosen here: the chunks of what
is deflated, and the uncertainty of bad bands (-0.01). The elevation is 0 everywhere.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from deepsalt.simulate.acquisition import WATER, Acquisition
from deepsalt.simulate.emit_file import EmitFile
from deepsalt.simulate.emit_grid import lookup_table

FILL, BYTE_FILL = -9999.0, 241
BAD_BAND = -0.01
MASK_BANDS = (
    "Cloud Flag", "Cirrus Flag", "Water Flag", "Spacecraft Flag", "Dilated Cloud Flag", "AOD550",
    "H2O (g cm-2)", "Aggregate Flag",
)  # fmt: skip
#: Aerosol of a clear sky and under haze; the producer's aggregate flag counts more than 0.5.
_AOD_CLEAR, _AOD_HAZE, _AOD_FLAGGED = 0.12, 0.7, 0.5
_WATER_VAPOUR_G_CM2 = 1.5
#: The producer flags dense cirrus only: the upper two of our three levels.
_CIRRUS_FROM = 2
#: Scanned lines a second: a scene of 1280 lines takes 12 s.
_LINES_PER_SECOND = 106.0
_ORBITS_PER_DAY = 16


def write_emit(taken: Acquisition, folder: Path) -> Path:
    """Write the granule into a folder of its own in `folder`; returns that folder.

    `taken` is what `swath_view` shows. Its name says time, orbit and scene as the archive's names do.
    """
    key = f"001_{taken.start:%Y%m%dT%H%M%S}_{_orbit(taken)}_001"
    granule = folder / f"EMIT_L2A_RFL_{key}"
    granule.mkdir(parents=True)
    table = lookup_table(taken.view)
    about = _attributes(taken)
    with EmitFile(granule / f"EMIT_L2A_RFL_{key}.nc", taken.view, table, about) as file:
        file.title("EMIT L2A Estimated Surface Reflectance 60 m V001")
        file.bands(taken.sensor)
        file.cube("reflectance", "Surface Reflectance", _reflectance(taken))
    with EmitFile(granule / f"EMIT_L2A_RFLUNCERT_{key}.nc", taken.view, table, about) as file:
        file.title("EMIT L2A Estimated Surface Reflectance Uncertainty 60 m V001")
        file.bands(taken.sensor)
        file.cube("reflectance_uncertainty", "Surface Reflectance Uncertainty", _uncertainty(taken))
    with EmitFile(granule / f"EMIT_L2A_MASK_{key}.nc", taken.view, table, about) as file:
        file.title("EMIT L2A Masks 60 m V001")
        file.mask_names(MASK_BANDS)
        file.cube("mask", "Masks", _mask(taken), deflate=True)
        file.cube("band_mask", "Per-Wavelength Mask", _band_mask(taken), deflate=True)
    return granule


def _reflectance(taken: Acquisition) -> NDArray[np.float32]:
    """(downtrack, crosstrack, band): what was seen, -0.01 in bad bands, the fill value outside."""
    cube = np.moveaxis(taken.reflectance, 0, -1).copy()
    cube[..., ~np.asarray(taken.sensor.good)] = BAD_BAND
    cube[~taken.inside] = FILL
    return cube


def _uncertainty(taken: Acquisition) -> NDArray[np.float32]:
    """(downtrack, crosstrack, band) the sensor's noise at reflectance 0.3, as one number a band."""
    cube = np.empty((*taken.view.shape, len(taken.sensor)), np.float32)
    cube[:] = np.where(np.asarray(taken.sensor.good), np.asarray(taken.sensor.noise), BAD_BAND)
    cube[~taken.inside] = FILL
    return cube


def _mask(taken: Acquisition) -> NDArray[np.float32]:
    """(downtrack, crosstrack, 8) flags and quantities in the order of `MASK_BANDS`.

    As the producer has it: no water under cloud and cirrus, a buffer that holds cloud, cirrus and shadow, and
    an aggregate of all flags and of much aerosol.
    """
    cloud, cirrus = taken.flags["CLOUD"] == 1, taken.flags["CIRRUS"] >= _CIRRUS_FROM
    water = (taken.classes == WATER) & ~cloud & ~cirrus
    station = np.zeros_like(cloud)
    buffer = binary_dilation(cloud | cirrus) | (taken.flags["CLOUDSHADOW"] == 1)
    aerosol = np.where(taken.flags["HAZE"] == 1, _AOD_HAZE, _AOD_CLEAR)
    vapour = np.full(cloud.shape, _WATER_VAPOUR_G_CM2)
    every = cloud | cirrus | water | station | buffer | (aerosol > _AOD_FLAGGED)
    layers = (cloud, cirrus, water, station, buffer, aerosol, vapour, every)
    mask = np.stack(layers, axis=-1).astype(np.float32)
    mask[~taken.inside] = FILL
    return mask


def _band_mask(taken: Acquisition) -> NDArray[np.uint8]:
    """(downtrack, crosstrack, byte) defective elements as bits, the first band highest; 241 outside."""
    packed = np.packbits(np.moveaxis(taken.defective == 1, 0, -1), axis=-1)
    packed[~taken.inside] = BYTE_FILL
    return packed


def _orbit(taken: Acquisition) -> str:
    """Year, day of the year and orbit of the day: seven digits, as in the archive's names."""
    return f"{taken.start:%y%j}{_orbit_of_day(taken):02d}"


def _orbit_of_day(taken: Acquisition) -> int:
    return 1 + (taken.start.hour * 60 + taken.start.minute) * _ORBITS_PER_DAY // (24 * 60)


def _attributes(taken: Acquisition) -> dict[str, str]:
    seconds = taken.view.shape[0] / _LINES_PER_SECOND
    return {
        "sensor": "EMIT (Earth Surface Mineral Dust Source Investigation)",
        "flight_line": f"emit{taken.start:%Y%m%dt%H%M%S}_o{taken.start:%j}{_orbit_of_day(taken):02d}_s000",
        "time_coverage_start": f"{taken.start:%Y-%m-%dT%H:%M:%S}+0000",
        "time_coverage_end": f"{taken.start + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}+0000",
        "product_version": "V001",
        "crosstrack_orientation": "as seen on ground",
        "day_night_flag": "Day",
        "comment": "SIMULATED by deepsalt.simulate; nothing here was measured",
    }
