"""Which pixels show soil: the product's own quality layers, then what the spectra say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.preprocessing import surface_indices as index
from deepsalt.preprocessing.salt_crust import salt_crust
from deepsalt.preprocessing.surface_indices import ndvi
from deepsalt.spectra import Axis, MaskReason, Spectra, first_reason

__all__ = ["DRY_NDTI", "MAX_NDVI", "Judged", "SurfaceRules", "judge", "ndvi", "surface_mask"]

#: Above it green plants cover too much of the pixel (bare-soil studies use 0.25-0.35).
MAX_NDVI = 0.35
#: Where the bands are too broad for the cellulose band, dry plants are told by NDTI above this. In simulated
#: landscapes (docs/masks.md) four of five pixels with over 40 % dry plants lie above it.
DRY_NDTI = 0.12
#: Open water swallows the light beyond 1.5 um; soil, even soaked, gives back more than this.
WATER_SWIR = 0.05

#: Smallest and largest limit that makes sense, by rule.
_SENSIBLE = {
    "max_ndvi": (0.0, 1.0),
    "dry_vegetation": (-0.5, 0.5),
    "water": (-1.0, 1.0),
    "nbr2": (-1.0, 1.0),
    "max_reflectance": (0.5, 10.0),
}


@dataclass(frozen=True)
class SurfaceRules:
    """What a pixel must not show to be used as soil. None switches a rule off; by default only NDVI is asked.

    max_ndvi          greener pixels are VEGETATION
    dry_vegetation    pixels with a larger cellulose absorption index (reflectance; soil is below 0) are
                      DRY_VEGETATION. On sensors without narrow bands those with NDTI above `DRY_NDTI` are
    water             pixels with a larger MNDWI (0 is usual) that are dark at 1.6 and 2.2 um are WATER
    nbr2              pixels with a larger NBR2 (composites use 0.07-0.16) are NOT_BARE
    max_reflectance   pixels with a band above it are SATURATED
    salt_crust_guard  pixels that look like salt, gypsum or wet soil are kept from the rules `dry_vegetation`
                      and `nbr2`

    Raises UsageError for a limit that no reflectance can reach.
    """

    max_ndvi: float = MAX_NDVI
    dry_vegetation: float | None = None
    water: float | None = None
    nbr2: float | None = None
    max_reflectance: float | None = None
    salt_crust_guard: bool = True

    def __post_init__(self) -> None:
        for name, (low, high) in _SENSIBLE.items():
            limit = getattr(self, name)
            if limit is not None and not low <= limit <= high:
                raise UsageError(
                    f"{name} is {limit:g}", where="surface rules", fix=f"Use {low:g} to {high:g}."
                )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SurfaceRules:
        """Rules from the keys of that name in a mapping; other keys are not looked at."""
        return cls(**{f.name: values[f.name] for f in fields(cls) if f.name in values})

    def describe(self) -> str:
        """For example `max_ndvi 0.35, nbr2 0.1, salt_crust_guard`: the rules that are on."""
        on = {name: limit for name, limit in asdict(self).items() if limit is not None}
        guard = on.pop("salt_crust_guard") and self.guarded
        return ", ".join([f"{name} {limit:g}" for name, limit in on.items()] + ["salt_crust_guard"] * guard)

    @property
    def guarded(self) -> bool:
        """Whether the salt-crust guard has a rule to guard against."""
        return self.salt_crust_guard and (self.nbr2 is not None or self.dry_vegetation is not None)

    def bands(self, axis: Axis) -> NDArray[np.bool_]:
        """(band,) bands with which the rules come to the same as with all; at least one."""
        asked = {name for name, limit in asdict(self).items() if limit is not None}
        few = index.inside(axis, index.RED_NM) | index.inside(axis, index.NEAR_INFRARED_NM)
        only_ndvi = asked <= {"max_ndvi", "salt_crust_guard"}
        return few if only_ndvi and few.any() else np.ones(len(axis), bool)

    def notes(self, axis: Axis) -> tuple[str, ...]:
        """One sentence for each rule that bands like these cannot judge, or judge in another way."""
        swir = index.has_bands(axis, index.SWIR1_NM, index.SWIR2_NM)
        narrow = index.has_narrow_bands(axis)
        said = {
            "No band at 640-680 or 780-890 nm: green vegetation cannot be told.": not index.has_bands(
                axis, index.RED_NM, index.NEAR_INFRARED_NM
            ),
            "No band at 1.6 or 2.2 um: the rule nbr2 cannot be used.": self.nbr2 is not None and not swir,
            "No band at 0.56, 1.6 or 2.2 um: the rule water cannot be used.": self.water is not None
            and not (swir and index.has_bands(axis, index.GREEN_NM)),
            "No band at 1.6 or 2.2 um: the rule dry_vegetation cannot be used.": self.dry_vegetation
            is not None
            and not (swir or narrow),
            f"No narrow bands at 2030, 2101 and 2211 nm: dry vegetation is told by NDTI above {DRY_NDTI:g}, "
            "which salts and water raise as well.": self.dry_vegetation is not None and swir and not narrow,
        }
        return tuple(sentence for sentence, holds in said.items() if holds)


#: What is asked unless others are given.
DEFAULT_RULES = SurfaceRules()


class Judged(NamedTuple):
    """Every pixel judged.

    reasons   (y, x) MaskReason
    kept      (y, x) True where only the salt-crust guard kept a pixel
    """

    reasons: NDArray[np.uint8]
    kept: NDArray[np.bool_]


def surface_mask(
    spectra: Spectra, quality: NDArray[np.uint8], rules: SurfaceRules = DEFAULT_RULES
) -> NDArray[np.uint8]:
    """(y, x) MaskReason: the quality layers first, then what the rules say of the spectra.

    quality   (y, x) MaskReason from the product

    The rules come in the order SATURATED, WATER, VEGETATION, DRY_VEGETATION, NOT_BARE; the first that holds
    is kept. A rule whose bands are missing in a pixel says nothing about it.
    """
    return judge(spectra, quality, rules).reasons


def judge(spectra: Spectra, quality: NDArray[np.uint8], rules: SurfaceRules = DEFAULT_RULES) -> Judged:
    """The mask of `surface_mask`, and which pixels the salt-crust guard kept."""
    sure = _sure_reasons(spectra, rules)
    doubtful = _doubtful_reasons(spectra, rules)
    crust = salt_crust(spectra) if rules.guarded else np.zeros(quality.shape, bool)
    holds = {**sure, **{reason: found & ~crust for reason, found in doubtful.items()}}
    valid = quality == MaskReason.VALID
    reasons = np.where(valid, first_reason(quality.shape, holds), quality).astype(np.uint8)
    doubted = first_reason(quality.shape, doubtful) != MaskReason.VALID
    return Judged(reasons, (reasons == MaskReason.VALID) & doubted)


def _sure_reasons(spectra: Spectra, rules: SurfaceRules) -> dict[MaskReason, NDArray[np.bool_]]:
    holds: dict[MaskReason, NDArray[np.bool_]] = {}
    if rules.max_reflectance is not None:
        holds[MaskReason.SATURATED] = np.asarray((spectra.values > rules.max_reflectance).any(axis=-1))
    if rules.water is not None:
        holds[MaskReason.WATER] = _water(spectra, rules.water)
    holds[MaskReason.VEGETATION] = ndvi(spectra) > rules.max_ndvi
    return holds


def _water(spectra: Spectra, limit: float) -> NDArray[np.bool_]:
    """MNDWI alone calls a wet salt crust water: it is white in the green and dark, not black, at 1.6 um."""
    dark = (index.band_mean(spectra, index.SWIR1_NM) < WATER_SWIR) & (
        index.band_mean(spectra, index.SWIR2_NM) < WATER_SWIR
    )
    return np.asarray(dark & (index.mndwi(spectra) > limit))


def _doubtful_reasons(spectra: Spectra, rules: SurfaceRules) -> dict[MaskReason, NDArray[np.bool_]]:
    """Rules that salt and water set off as well."""
    holds: dict[MaskReason, NDArray[np.bool_]] = {}
    if rules.dry_vegetation is not None:
        holds[MaskReason.DRY_VEGETATION] = (
            index.cai(spectra) > rules.dry_vegetation
            if index.has_narrow_bands(spectra.axis)
            else index.nbr2(spectra) > DRY_NDTI
        )
    if rules.nbr2 is not None:
        holds[MaskReason.NOT_BARE] = index.nbr2(spectra) > rules.nbr2
    return holds
