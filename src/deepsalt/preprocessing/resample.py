"""Spectra on other bands: Gaussian or tabulated spectral response as one matrix product.

Without a table a band is taken as a Gaussian of its centre and FWHM. Going from bands of width f to wider
bands of width F, the missing blur is a Gaussian of FWHM sqrt(F^2 - f^2). The source is taken as linear
between its bands, so that the weights are exact integrals; where the target is not wider than the source
nothing is left to blur and only the interpolation remains. A tabulated response is integrated as it stands,
over the same lines; the source's own width is not taken out of it, so that a band of FWHM F is seen as wide
as sqrt(F^2 + f^2). Rows of weights sum to one: a flat spectrum stays flat, and Gaussian bands resampled to
themselves do not change.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import BandError, UsageError
from deepsalt.preprocessing.tabulated import tabulated_weights
from deepsalt.spectra import Axis, Responses, Sensor, Spectra

#: FWHM of a Gaussian in standard deviations.
_FWHM_PER_SD = float(np.sqrt(8.0 * np.log(2.0)))
#: Weights below it are dropped: 1e-7 of a reflectance is far below any sensor's noise.
_NO_WEIGHT = 1e-7
#: Share of a band's weight that must fall on values that are there.
_ENOUGH = 0.5
#: Matrices with fewer weights than this share are multiplied as sparse ones, in blocks of rows that stay in
#: the cache. Measured on one core: 2 to 4 times quicker from one spectrometer to another (1-2 % of the
#: weights), no quicker to the wide bands of Sentinel-2 (10 %).
_SPARSE, _SPARSE_ROWS = 0.05, 256

Shift = float | NDArray[np.float64]


def resampling_matrix(
    source: Axis,
    target: Axis | Responses,
    available: NDArray[np.bool_] | None = None,
    *,
    shift_nm: Shift = 0.0,
    widen: Shift = 1.0,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Weights that carry values on `source` bands to `target` bands.

    source           axis in nm
    target           axis in nm for Gaussian bands, or tabulated responses
    shift_nm, widen  one number or (target band,): the target's centres shifted, its widths scaled, as smile
                     and temperature do to a spectrometer. The caller draws them
    available        (source band,) False for bands that hold no data
    returns          weights (target band, source band), rows sum to 1, and covered (target band,):
                     False where no source band lies within one width of the target's centre
                     (its row is zero then)

    Raises BandError if the axes are in different units: the mid infrared and the solar range do not
    overlap, no response function maps one to the other. Raises UsageError for a width that is not positive
    and for a shift that changes the order of the bands.
    """
    bands = target.axis if isinstance(target, Responses) else target
    if source.unit != bands.unit:
        raise BandError(
            f"cannot resample from {source.describe()} to {bands.describe()}",
            fix="Mid-infrared and satellite spectra do not overlap; only a trained model links them.",
        )
    bands = _moved(bands, shift_nm, widen)
    keep = np.ones(len(source), bool) if available is None else np.asarray(available, bool)
    covered = _covered(source, bands, keep)
    weights = np.zeros((len(bands), len(source)))
    if isinstance(target, Responses):
        weights[:, keep], inside = tabulated_weights(source.values[keep], target.moved(shift_nm, widen))
        covered &= inside >= _ENOUGH
        weights[~covered] = 0.0
    elif covered.any():
        weights[np.ix_(covered, keep)] = _weights(source.take(keep), bands.take(covered), source.widths[keep])
    return weights.astype(np.float32), covered


def _moved(bands: Axis, shift_nm: Shift, widen: Shift) -> Axis:
    if not np.any(shift_nm) and np.all(np.asarray(widen) == 1.0):
        return bands
    values = bands.values + shift_nm
    if np.any(np.asarray(widen) <= 0) or (np.diff(values) <= 0).any():
        raise UsageError("a shift changes the order of bands, or a width is not positive", where="smile")
    return Axis(values, bands.unit, bands.widths * widen)


def _covered(source: Axis, target: Axis, keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if not keep.any():
        return np.zeros(len(target), bool)
    distance = np.abs(target.values[:, None] - source.values[keep][None, :])
    nearest = distance.argmin(axis=1)
    reach = np.maximum(target.widths, source.widths[keep][nearest])
    return distance[np.arange(len(target)), nearest] <= reach


def _weights(source: Axis, target: Axis, source_widths: NDArray[np.float64]) -> NDArray[np.float64]:
    width_there = np.interp(target.values, source.values, source_widths)
    blur = np.sqrt(np.maximum(target.widths**2 - width_there**2, 0.0)) / _FWHM_PER_SD
    weights = _interpolation(source.values, target.values)
    wide = (blur > 0) & (len(source) > 1)
    if wide.any():
        blurred = _blur(source.values, target.values[wide], blur[wide])
        total = blurred.sum(axis=1, keepdims=True)
        weights[wide] = np.divide(blurred, total, out=weights[wide], where=total > _NO_WEIGHT)
    weights[weights < _NO_WEIGHT] = 0.0
    return weights / weights.sum(axis=1, keepdims=True)


def _interpolation(nodes: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """(at, node) weights of linear interpolation; the end value beyond the ends."""
    inside = np.clip(at, nodes[0], nodes[-1])
    right = np.clip(np.searchsorted(nodes, inside), min(1, len(nodes) - 1), len(nodes) - 1)
    left = np.maximum(right - 1, 0)
    gap = nodes[right] - nodes[left]
    toward_right = np.divide(inside - nodes[left], gap, out=np.zeros_like(inside), where=gap > 0)
    weights = np.zeros((len(at), len(nodes)))
    rows = np.arange(len(at))
    np.add.at(weights, (rows, left), 1.0 - toward_right)
    np.add.at(weights, (rows, right), toward_right)
    return weights


def _blur(
    nodes: NDArray[np.float64], centres: NDArray[np.float64], sd: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(centre, node) integrals of a Gaussian times the hat function of each node, between the end nodes.

    With F the second antiderivative of the Gaussian, (x - c) Phi(z) + sd phi(z), the integral over an
    inner hat is the difference of the slopes of F to its right and left neighbours.
    """
    from scipy.special import ndtr

    z = (nodes[None, :] - centres[:, None]) / sd[:, None]
    below = ndtr(z)
    second = sd[:, None] * (z * below + np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi))
    slopes = np.diff(second, axis=1) / np.diff(nodes)[None, :]
    return np.diff(slopes, axis=1, prepend=below[:, :1], append=below[:, -1:])


def apply_weights(values: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weighted values (..., target band); a band is NaN where under half of its weight has a value."""
    missing = np.isnan(values)
    if not missing.any():
        return _product(values, weights)
    total = _product(np.where(missing, np.float32(0), values), weights)
    there = _product((~missing).astype(np.float32), weights)
    return np.divide(total, there, out=np.full_like(total, np.nan), where=there >= _ENOUGH)


def _product(values: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., target band) values times weights, whichever way is quicker."""
    rows = values.reshape(-1, values.shape[-1])
    if np.count_nonzero(weights) > _SPARSE * weights.size:
        return values @ weights.T
    from scipy.sparse import csr_matrix

    few = csr_matrix(weights)
    result = np.empty((len(rows), len(weights)), np.float32)
    for start in range(0, len(rows), _SPARSE_ROWS):
        part = slice(start, start + _SPARSE_ROWS)
        result[part] = (few @ rows[part].T).T
    return result.reshape(*values.shape[:-1], len(weights))


def resample(spectra: Spectra, target: Axis | Sensor) -> Spectra:
    """Spectra as another sensor, or another set of bands, would see them.

    A sensor that carries `responses` sees by these, any other by Gaussians of its centres and widths.

    A band that holds no value in any sample counts as not there; it is bridged only from neighbours
    within one band width.

    Raises BandError, naming the wavelengths, where the spectra cannot supply a target band.
    """
    axis = target.axis if isinstance(target, Sensor) else target
    sensor = target if isinstance(target, Sensor) else spectra.sensor
    responses = sensor.responses if isinstance(target, Sensor) and sensor is not None else None
    values = spectra.values
    available = np.asarray(~np.isnan(values).all(axis=tuple(range(values.ndim - 1))))
    if available.all() and spectra.axis == axis:
        return replace(spectra, sensor=sensor)
    weights, covered = resampling_matrix(spectra.axis, responses or axis, available)
    if not covered.all():
        whose = f"the {spectra.sensor.name if spectra.sensor else 'laboratory'} table"
        raise missing_bands(whose, spectra.axis, axis, covered)
    step = f"resampled from {spectra.axis.describe()} to {axis.describe()}"
    return spectra.with_values(apply_weights(values, weights), axis, sensor=sensor, step=step)


def missing_bands(whose: str, found: Axis, needed: Axis, covered: NDArray[np.bool_]) -> BandError:
    """The error for bands that are needed and not there."""
    return BandError(
        f"{whose} has {found.describe()}; {len(needed)} bands are needed and "
        f"{int((~covered).sum())} are missing or without data ({describe_ranges(needed, ~covered)})",
        fix="Use a product that holds these bands, or train a model on the bands that are there.",
    )


def describe_ranges(axis: Axis, chosen: NDArray[np.bool_], most: int = 4) -> str:
    """The chosen bands as ranges, for example `1295-1519, 1739-1968 nm`."""
    edges = np.flatnonzero(np.diff(np.r_[False, chosen, False].astype(int)))
    spans = [(axis.values[a], axis.values[b - 1]) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    words = [f"{low:.0f}" if low == high else f"{low:.0f}-{high:.0f}" for low, high in spans]
    tail = f" and {len(words) - most} more ranges" if len(words) > most else ""
    return f"{', '.join(words[:most])} {axis.unit}{tail}"
