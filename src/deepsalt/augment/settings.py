"""How far the nuisance draws reach, with the reason for each range. This module needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from deepsalt.errors import ConfigError


@dataclass(frozen=True)
class BridgeSettings:
    """Ranges of the draws. A pair is (low, high); a standard deviation is of a normal draw around none.

    Broad on purpose: a law that the draws do not cover is a law the student has never met.
    """

    # Water: share of wet ground, and the film on it. A film of 0.02-1.5 mm spans a dewy surface to a puddle's
    # edge; MARMIT finds up to about 1 mm (Bablet et al. 2018, Remote Sens. Environ. 217, 1).
    wet_power: float = 4.0  # share = u ** power, u uniform: bare ground under a clear sky is mostly dry
    film_cm: tuple[float, float] = (0.002, 0.15)
    # Salt crusts appear from about 8-16 dS/m up and cover anything from nothing to most of the ground.
    crust_most: float = 0.9
    crust_from_ds_m: tuple[float, float] = (6.0, 25.0)
    crust_slope: tuple[float, float] = (1.5, 4.5)
    hydrate_cm: tuple[float, float] = (
        0.0005,
        0.12,
    )  # water bound in hydrated salts, as a path of liquid water
    # Gypsum shows strongly and cannot lift ECe: it is put on samples whatever their label is.
    gypsum_share: float = 0.3
    gypsum_most: float = 1.2
    # Plants: pixels greener than the mask's NDVI of 0.35 never reach the student.
    green_most: float = 0.25
    dry_most: float = 0.35
    # Light, calibration and air. Published absolute calibration of such sensors is 2-5 %.
    gain_sd: float = 0.15
    smooth_gain_sd: float = 0.04
    band_gain_sd: float = 0.003
    veil_sd: float = 0.006
    vapour_sd: float = 0.03
    noise_factor: float = 1.2  # of the sensor's stated noise
    # Calibration and air are nearly one over a scene; once its mean is in line, this share of them is left.
    left_in_scene: float = 0.3

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, tuple):
                low, high = value
                if not 0 < low < high:
                    raise ConfigError(f"{entry.name} is {value}", fix="Give (low, high) with 0 < low < high.")
            elif value < 0:
                raise ConfigError(f"{entry.name} is {value}", fix="Give a number of at least 0.")
        for name in ("crust_most", "gypsum_share", "left_in_scene"):
            if getattr(self, name) > 1:
                raise ConfigError(f"{name} is {getattr(self, name)}", fix="Give a share of at most 1.")
        if self.green_most + self.dry_most >= 1:
            raise ConfigError("green_most and dry_most leave no bare ground", fix="Lower one of them.")

    def within_scene(self) -> BridgeSettings:
        """The draws of one scene whose mean has been brought into line."""
        names = ("smooth_gain_sd", "band_gain_sd", "veil_sd", "vapour_sd")
        return replace(self, **{name: self.left_in_scene * getattr(self, name) for name in names})
