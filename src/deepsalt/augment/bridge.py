"""The physics bridge: from a laboratory vis-NIR spectrum to endless pixels of that very soil.

Order: a film of water; a crust of salts, the likelier the saltier; plants; light; the sensor's response;
what calibration, air and noise leave. Each step is drawn anew for each pixel, in tensors throughout.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from deepsalt.augment import curves
from deepsalt.augment.settings import BridgeSettings

_DARKEST = 0.01
_INDEX_SQUARED = 1.77  # square of the refractive index of water
_KNOTS = 9
_NOISE_AT = 0.3  # reflectance at which a sensor's noise is stated
_USUAL_NOISE = 0.001  # for sensors that state none


class Drawn(NamedTuple):
    """Drawn pixels and what was drawn over their soil.

    pixels  (n, band) reflectance
    plants  (n, 2) shares under green and under dry plants
    """

    pixels: Tensor
    plants: Tensor


@dataclass(frozen=True, eq=False)
class PhysicsBridge:
    """Draws pixels of laboratory samples. Make one with `PhysicsBridge.of`.

    response  (wavelength, band) weights of the sensor, columns sum to 1
    noise     (band,) noise-equivalent reflectance at reflectance 0.3
    The other tensors are shapes over wavelength or band.
    """

    settings: BridgeSettings
    response: Tensor
    noise: Tensor
    water: Tensor
    green: Tensor
    dry: Tensor
    gypsum: Tensor
    blue: Tensor
    smooth: Tensor
    vapour: Tensor
    relative: Tensor

    @classmethod
    def of(
        cls,
        lab_nm: ArrayLike,
        centres_nm: ArrayLike,
        response: ArrayLike,
        noise: ArrayLike | None = None,
        settings: BridgeSettings | None = None,
    ) -> PhysicsBridge:
        """A bridge from laboratory wavelengths to a sensor.

        lab_nm      (wavelength,) of the laboratory spectra
        centres_nm  (band,) of the sensor
        response    (band, wavelength) resampling weights, rows sum to 1
        noise       (band,) reflectance; None or NaN = not known, 0.001 is taken
        """
        at, centres = np.asarray(lab_nm, float), np.asarray(centres_nm, float)
        known = np.full(len(centres), np.nan) if noise is None else np.asarray(noise, float)
        made = [
            np.asarray(response, float).T,
            np.where(np.isfinite(known), known, _USUAL_NOISE),
            curves.line(curves.WATER, at),
            curves.line(curves.GREEN, at),
            curves.line(curves.DRY, at),
            curves.bumps(curves.GYPSUM, at),
            np.exp(-np.clip(at - 350.0, 0, None) / 200.0),
            curves.hats(centres, _KNOTS),
            curves.bumps(curves.VAPOUR, centres),
            centres / 500.0,
        ]
        tensors = [torch.tensor(np.ascontiguousarray(part), dtype=torch.float32) for part in made]
        return cls(settings or BridgeSettings(), *tensors)

    def draw(self, spectra: Tensor, log_ece: Tensor, generator: torch.Generator) -> Drawn:
        """One pixel of each sample, all nuisances drawn from the generator.

        spectra  (n, wavelength) laboratory reflectance
        log_ece  (n,) ln(1+ECe), which decides how likely a crust is
        """
        dice = _Dice(len(spectra), generator)
        soil = self._gypsic(spectra.clamp(_DARKEST, 1.0), dice)
        wet = self._wetted(soil, dice)
        ground = self._crusted(wet, soil, log_ece[:, None], dice)
        surface, plants = self._overgrown(ground, dice)
        return Drawn(self._sensed(surface, dice), plants)

    def clean(self, spectra: Tensor) -> Tensor:
        """(n, band) the samples as the sensor would see them bare, dry and without error."""
        return spectra @ self.response

    def _gypsic(self, soil: Tensor, dice: _Dice) -> Tensor:
        chosen = (dice.uniform() < self.settings.gypsum_share).float()
        amount = chosen * dice.uniform() ** 2 * self.settings.gypsum_most
        return soil * torch.exp(-amount * self.gypsum * dice.between(0.7, 1.3))

    def _wetted(self, soil: Tensor, dice: _Dice) -> Tensor:
        """A share of the ground under a film: darker by internal reflection, and absorbing.

        R / (n^2 (1 - R) + R) is Angstrom's rough wet surface (1925, Geogr. Ann. 7, 323); the film's
        transmission is exp(-2 alpha L). Mixed by area with the dry rest, as MARMIT has it.
        """
        film = dice.logarithmic(*self.settings.film_cm)
        share = dice.uniform() ** self.settings.wet_power
        darker = soil / (_INDEX_SQUARED * (1 - soil) + soil)
        trapped = dice.uniform()
        under = (trapped * darker + (1 - trapped) * soil) * torch.exp(-2 * self.water * film)
        return soil + share * (under - soil)

    def _crusted(self, ground: Tensor, soil: Tensor, log_ece: Tensor, dice: _Dice) -> Tensor:
        """A bright crust over a share of the ground that grows with salinity; how far is drawn."""
        low, high = (math.log1p(edge) for edge in self.settings.crust_from_ds_m)
        start, slope = dice.between(low, high), dice.between(*self.settings.crust_slope)
        share = self.settings.crust_most * dice.uniform() * torch.sigmoid(slope * (log_ece - start))
        hydrate = torch.exp(-2 * self.water * dice.logarithmic(*self.settings.hydrate_cm))
        salts = dice.between(0.5, 0.95) * (1 - 0.35 * dice.uniform() * self.blue) * hydrate
        gypsic = (dice.uniform() < 0.25).float() * dice.uniform() * 0.6
        dust = 0.03 + 0.5 * dice.uniform() ** 1.5
        crust = (1 - dust) * salts * torch.exp(-gypsic * self.gypsum) + dust * soil
        return ground + share * (crust - ground)

    def _overgrown(self, ground: Tensor, dice: _Dice) -> tuple[Tensor, Tensor]:
        green = self.settings.green_most * dice.uniform() ** 3
        dry = self.settings.dry_most * dice.uniform() ** 2.5
        plants = green * self.green * dice.between(0.7, 1.3) + dry * self.dry * dice.between(0.6, 1.3)
        return (1 - green - dry) * ground + plants, torch.cat([green, dry], dim=1)

    def _sensed(self, surface: Tensor, dice: _Dice) -> Tensor:
        settings = self.settings
        seen = (surface * torch.exp(settings.gain_sd * dice.normal())) @ self.response
        gain = settings.smooth_gain_sd * (dice.normal(_KNOTS) @ self.smooth)
        gain = gain + settings.vapour_sd * dice.normal() * self.vapour
        gain = gain + settings.band_gain_sd * dice.normal(seen.shape[1])
        veil = settings.veil_sd * dice.normal() * self.relative ** (-1.5 * dice.uniform())
        level = dice.between(0.6, 1.4) * torch.sqrt(seen.clamp(min=0.02) / _NOISE_AT) * self.noise
        noise = settings.noise_factor * level * dice.normal(seen.shape[1])
        return seen * (1 + gain) + veil + noise


@dataclass(frozen=True)
class _Dice:
    """Draws for n pixels, (n, 1) unless a width is given."""

    n: int
    generator: torch.Generator

    def uniform(self) -> Tensor:
        return torch.rand(self.n, 1, generator=self.generator)

    def between(self, low: float, high: float) -> Tensor:
        return low + (high - low) * self.uniform()

    def logarithmic(self, low: float, high: float) -> Tensor:
        return torch.exp(self.between(math.log(low), math.log(high)))

    def normal(self, width: int = 1) -> Tensor:
        return torch.randn(self.n, width, generator=self.generator)
