"""The satellite's spectrometer: spectral response, smile, calibration, noise, what the air leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.bands import FWHM_PER_SIGMA, WAVELENGTHS_NM, bands, curve
from deepsalt.spectra import Sensor

Floats = NDArray[np.floating]

#: Columns are measured with as many versions of the band centres: the smile is stepped.
_SMILE_STEPS = 5
#: Bands that water vapour makes deep, where a wrong vapour column leaves bumps: (nm, FWHM nm, share).
_VAPOUR = (
    (725.0, 20.0, 0.15), (823.0, 24.0, 0.25), (940.0, 55.0, 1.0), (1130.0, 60.0, 1.0),
    (1290.0, 40.0, 0.5), (1530.0, 30.0, 0.4), (1980.0, 50.0, 1.2), (2010.0, 16.0, 0.6),
    (2430.0, 40.0, 0.5),
)  # fmt: skip
#: Noise of the sensor table holds at this reflectance; it goes with the root of the light.
_NOISE_AT = 0.3
#: Signal-to-noise ratio of a band whose noise no table tells, by wavelength: what ASI specifies of PRISMA
#: (200 from 400 to 1750 nm, 100 from 1950 to 2350 nm; published values in flight are higher in the NIR).
#: That it holds at reflectance 0.3 is our assumption: the specification names a radiance.
_SPECIFIED_SNR = ((400.0, 200.0), (1750.0, 200.0), (1950.0, 100.0), (2350.0, 100.0))


@dataclass(frozen=True, eq=False)
class Instrument:
    """A sensor in the state it was in for one scene.

    sensor     band centres, widths, noise
    response   (smile step, wavelength, band) weights that sum to 1 over wavelength
    gain       (band,) error of the calibration, mean 1; the two detectors differ
    vapour     (band,) reflectance, relative, left by a wrong column of water vapour
    noise      (band,) noise-equivalent reflectance at reflectance 0.3
    """

    sensor: Sensor
    response: NDArray[np.float32]
    gain: Floats
    vapour: Floats
    noise: Floats

    @classmethod
    def in_orbit(cls, sensor: Sensor, rng: np.random.Generator) -> Instrument:
        """Draw the state of a scene: centres shifted by tenths of a nm, a small smile, gain within 1-2 %."""
        centre, fwhm = sensor.axis.values, sensor.axis.widths
        detectors = np.array(sensor.detector)
        shift, gain = np.zeros(len(sensor)), np.ones(len(sensor))
        for name in sorted(set(sensor.detector)):
            own = detectors == name
            shift[own] = rng.normal(0.0, 0.2)
            gain[own] = 1.0 + rng.normal(0.0, 0.008)
        smooth = curve(centre, [(n, rng.normal(0.0, 0.010)) for n in np.linspace(400.0, 2500.0, 8)])
        gain = gain + smooth + rng.normal(0.0, 0.003, len(sensor))
        bend = rng.normal(0.0, 0.25)
        steps = np.linspace(-1.0, 1.0, _SMILE_STEPS)
        response = np.stack([gaussian_response(centre + shift + bend * s**2, fwhm) for s in steps])
        vapour = rng.normal(0.0, 0.02) * bands(centre, _VAPOUR)
        return cls(sensor, response, gain, vapour, noise_of(sensor))

    def smile_step(self, columns: NDArray[np.intp], width: int) -> NDArray[np.intp]:
        """Which response each image column was measured with."""
        return np.minimum(columns * _SMILE_STEPS // max(width, 1), _SMILE_STEPS - 1)

    def sees(self, ground: NDArray[np.float32], columns: NDArray[np.intp], width: int) -> NDArray[np.float32]:
        """(n, band) reflectance without noise; `ground` is (n, wavelength), `columns` (n,) of `width`."""
        step = self.smile_step(columns, width)
        seen = np.empty((len(ground), len(self.sensor)), dtype=np.float32)
        for s in np.unique(step):
            rows = step == s
            seen[rows] = ground[rows] @ self.response[s]
        return seen

    def disturbed(
        self, seen: NDArray[np.float32], rng: np.random.Generator, vapour: Floats
    ) -> NDArray[np.float32]:
        """With calibration error, residual vapour ((n,) relative amount) and noise."""
        scaled = seen * (self.gain + np.outer(1.0 + vapour, self.vapour)).astype(np.float32)
        level = np.sqrt(np.clip(np.abs(seen), 0.02, None) / _NOISE_AT) * self.noise
        noise = rng.standard_normal(seen.shape, dtype=np.float32) * level.astype(np.float32)
        return (scaled + noise).astype(np.float32)


def noise_of(sensor: Sensor) -> Floats:
    """(band,) noise-equivalent reflectance at 0.3: of the table, or, where it has none, by assumption.

    A band without a number in a table with numbers takes their median; a table without any takes
    the specified signal-to-noise ratio of PRISMA.
    """
    known = np.asarray(sensor.noise, dtype=np.float64)
    if not np.isfinite(known).any():
        return _NOISE_AT / curve(sensor.axis.values, _SPECIFIED_SNR).astype(np.float64)
    return np.where(np.isfinite(known), known, np.nanmedian(known))


def gaussian_response(centre_nm: Floats, fwhm_nm: Floats) -> NDArray[np.float32]:
    """(wavelength, band) Gaussian responses on `WAVELENGTHS_NM`; each band's weights sum to 1.

    Integrated over 1 nm steps of the spectrum drawn straight between its points: the narrowest bands
    are hardly wider than the distance of two points.
    """
    fine = np.arange(float(WAVELENGTHS_NM[0]), float(WAVELENGTHS_NM[-1]) + 1.0)
    weights = np.exp(-0.5 * ((fine[:, None] - centre_nm) * FWHM_PER_SIGMA / fwhm_nm) ** 2)
    response = _between_points(tuple(fine)) @ weights
    return (response / response.sum(axis=0)).astype(np.float32)


@cache
def _between_points(fine: tuple[float, ...]) -> NDArray[np.float64]:
    """(wavelength, fine) share of each point of the grid in a value between the points."""
    step = float(WAVELENGTHS_NM[1] - WAVELENGTHS_NM[0])
    distance = np.abs(WAVELENGTHS_NM[:, None].astype(np.float64) - np.asarray(fine))
    return np.clip(1.0 - distance / step, 0.0, None)
