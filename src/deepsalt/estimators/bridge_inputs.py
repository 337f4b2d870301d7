"""From tables of spectra to the arrays that the preset `deepsalt` trains on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import BandError, UsageError
from deepsalt.estimators.bridge_library import BridgeLibrary
from deepsalt.estimators.lands import Survey, survey
from deepsalt.estimators.predictor import training_groups, training_target
from deepsalt.preprocessing.resample import missing_bands, resampling_matrix
from deepsalt.spectra import Axis, Sensor, Spectra
from deepsalt.units import log_ece

if TYPE_CHECKING:
    from deepsalt.map_units.bags import Bags
    from deepsalt.training import BridgeData, Units

#: Wavelengths that the channels span, nm.
_SPAN_NM = (410.0, 2450.0)
TARGET = "ece_ds_m"


def channel_axis(axis: Axis, step_nm: float) -> Axis:
    """Channels of one width, side by side, wherever the sensor has bands.

    Raises BandError for a sensor with fewer than 8 such channels.
    """
    centres = np.arange(_SPAN_NM[0], _SPAN_NM[1], step_nm)
    channels = Axis(centres, "nm", np.full(len(centres), step_nm))
    covered = resampling_matrix(axis, channels)[1]
    if covered.sum() < 8:
        raise BandError(f"{axis.describe()} fill only {int(covered.sum())} channels of {step_nm:g} nm")
    return channels.take(covered)


def channel_weights(
    axis: Axis, channels: Axis, available: NDArray[np.bool_] | None = None, where: str = "the sensor"
) -> NDArray[np.float32]:
    """(band, channel) what each band gives to each channel, by its centre and width alone.

    Raises BandError, naming the wavelengths, where a channel has no band.
    """
    weights, covered = resampling_matrix(axis, channels, available)
    if not covered.all():
        raise missing_bands(where, axis, channels, covered)
    return np.ascontiguousarray(weights.T)


def libraries_of(library: Spectra | Mapping[str, Spectra] | None) -> dict[str, Spectra]:
    """Laboratory spectra by domain. Raises UsageError where there is no vis-NIR to build a bridge from."""
    if library is None:
        raise UsageError("the preset deepsalt needs a laboratory library", fix="Give one to fit.")
    if isinstance(library, Spectra):
        library = {"mir" if library.axis.unit == "cm-1" else "visnir": library}
    if "visnir" not in library or library["visnir"].quantity != "reflectance":
        raise UsageError(
            "the preset deepsalt needs vis-NIR reflectance in the library: mid infrared and satellite do not "
            "overlap, nothing physical links them",
            fix="Give a library with vis-NIR spectra, or use the preset paper.",
        )
    return dict(library)


def bridge_data(
    libraries: Mapping[str, Spectra],
    sites: Spectra | None,
    unlabelled: Spectra | None,
    axis: Axis,
    sensor: Sensor | None,
    channels: Axis,
    units: Bags | None = None,
) -> tuple[BridgeData, Survey, BridgeLibrary]:
    """The training problem of one sensor, the scenes and lands whose numbers it uses, and its samples.

    axis, sensor  bands of the pixels, and the sensor they belong to (for its noise)
    sites, unlabelled  without a missing band
    units              map units with their pixels
    Raises BandError where the library does not span the sensor, and what the labels raise.
    """
    from deepsalt.training import BridgeData

    visnir = libraries["visnir"]
    response, covered = resampling_matrix(visnir.axis, axis)
    if not covered.all():
        raise missing_bands("the laboratory table", visnir.axis, axis, covered)
    if unlabelled is not None and unlabelled.axis != axis:
        raise BandError("the pixels without a label are on other bands than the sites")
    empty = np.zeros((0, len(axis)), np.float32)
    library = BridgeLibrary.of(libraries)
    found = survey(library.samples, library.with_ec, library.with_visnir, sites, unlabelled)
    data = BridgeData(
        lab_nm=visnir.axis.values,
        lab_x=library.visnir,
        lab_y=library.labels,
        lab_groups=library.groups,
        teacher_x=library.mir,
        centres_nm=axis.values,
        response=response,
        noise=_noise_on(axis, sensor),
        channels=channel_weights(axis, channels),
        sat_x=sites.values if sites is not None else empty,
        sat_y=log_ece(training_target(sites, TARGET)) if sites is not None else np.zeros(0),
        sat_groups=training_groups(sites) if sites is not None else np.zeros(0, np.str_),
        unlabelled_x=unlabelled.values if unlabelled is not None else empty,
        ground=found.ground,
        units=None if units is None else _units_on(units, axis, found.scenes),
    )
    return data, found, library


def _units_on(bags: Bags, axis: Axis, scenes: tuple[str, ...]) -> Units:
    """Map units as training takes them. Raises BandError for pixels on other bands."""
    from deepsalt.training import Units

    if bags.spectra.axis != axis:
        raise BandError("the pixels of map units are on other bands than the sites")
    number = {name: at for at, name in enumerate(scenes)}
    scene = np.array([number.get(str(name), -1) for name in bags.spectra.samples["scene"]], np.intp)
    return Units(bags.spectra.values, bags.bag, bags.share, bags.wanted, bags.spread, scene)


def _noise_on(axis: Axis, sensor: Sensor | None) -> NDArray[np.float64] | None:
    """(band,) the sensor's stated noise on these bands, None where it states none."""
    if sensor is None or sensor.noise is None or not np.isfinite(sensor.noise).any():
        return None
    stated = np.isfinite(sensor.noise)
    return np.interp(axis.values, sensor.axis.values[stated], sensor.noise[stated])
