"""What a world is made of: the settings and the random streams that follow from its one seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any
from zlib import crc32

import numpy as np

from deepsalt.errors import UsageError
from deepsalt.simulate.regions import REGIONS, known_regions

_SMALLEST_SCENE = 24

#: What may stand in `WorldSettings.sensor` and `WorldSettings.laws`.
SENSORS = ("enmap", "prisma", "emit")
LAWS = ("usual", "other")
#: What may stand in `WorldSettings.products`: sensors whose own product format is written.
PRODUCTS = ("enmap", "prisma", "emit", "sentinel2")
_MOST_LOOKS = 12
_FARTHEST_M = 10_000


@dataclass(frozen=True)
class WorldSettings:
    """The size of a simulated world. The same settings and seed give the same files, bit for bit.

    seed                    any whole number from 0 up
    regions                 names of `deepsalt.simulate.REGIONS`; a region looks the same whichever
                            others are simulated beside it
    rows, columns           pixels of a scene, 30 m each; at least 24
    library_samples         laboratory samples of a region (one or two layers of a profile)
    fields                  groups of ground points in a region
    points_per_field        neighbouring ground points of a group
    cloud_cover             share of the scene under cloud, 0-0.5
    label_error             relative standard deviation of a measured ECe
    library_error           the same for the laboratory's EC 1:2
    sensor                  whose bands photograph the land: "enmap" (its own product folder), "prisma" or
                            "emit" (a GeoTIFF, 30 m pixels like the others); the land does not depend on it
    laws                    "usual", or "other": water, crust and plants change the light by laws that a
                            mapper does not expect, and each scene has an unknown gain and offset
                            (`deepsalt.simulate.laws`); land, library and points stay the same
    ec_measured             share of the library's profiles whose EC was measured, above 0 up to 1; the EC
                            of the others is empty. In KSSL 35,518 of 92,436 layers have an EC 1:2
    visnir_measured         the same for the vis-NIR spectra, whatever else was measured; all have the mid
                            infrared. In KSSL 19,807 of 92,436 layers have vis-NIR spectra, 82,646 the other
    library_position_error  metres by which the places of the library's profiles are wrong (root mean square),
                            and say so in OSSL's column; None = they are right, and say nothing
    products                sensors that photograph the land as well, each in its own product format and
                            geometry: "enmap", "prisma", "emit", "sentinel2". The soil is the same for all
    looks                   days on which `products` are taken, 24 days apart; the first is that of the
                            world's own scene. Moisture, plants, crust and clouds are another day's
    """

    seed: int = 0
    regions: tuple[str, ...] = tuple(REGIONS)
    rows: int = 128
    columns: int = 120
    library_samples: int = 160
    fields: int = 30
    points_per_field: int = 5
    cloud_cover: float = 0.03
    label_error: float = 0.07
    library_error: float = 0.06
    sensor: str = "enmap"
    laws: str = "usual"
    ec_measured: float = 1.0
    visnir_measured: float = 1.0
    library_position_error: float | None = None
    products: tuple[str, ...] = ()
    looks: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", tuple(self.regions))
        object.__setattr__(self, "products", tuple(self.products))
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}", where="settings", fix="Use 0 or a larger whole number.")
        known_regions(self.regions)
        if min(self.rows, self.columns) < _SMALLEST_SCENE:
            raise UsageError(
                f"a scene of {self.rows} x {self.columns} pixels",
                where="settings",
                fix=f"Use at least {_SMALLEST_SCENE} rows and columns.",
            )
        for name in ("library_samples", "fields", "points_per_field"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}", where="settings", fix="Use at least 1.")
        for name in ("cloud_cover", "label_error", "library_error"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise UsageError(f"{name} is {getattr(self, name)}", where="settings", fix="Use 0 to 0.5.")
        _check_choice("sensor", self.sensor, SENSORS)
        for product in self.products:
            _check_choice("products", product, PRODUCTS)
        if not 1 <= self.looks <= _MOST_LOOKS:
            raise UsageError(f"looks is {self.looks}", where="settings", fix=f"Use 1 to {_MOST_LOOKS}.")
        _check_choice("laws", self.laws, LAWS)
        error = self.library_position_error
        if error is not None and not 0 <= error <= _FARTHEST_M:
            raise UsageError(
                f"library_position_error is {error}", where="settings", fix=f"Use 0 to {_FARTHEST_M:,} m."
            )
        for name in ("ec_measured", "visnir_measured"):
            if not 0 < getattr(self, name) <= 1:
                raise UsageError(
                    f"{name} is {getattr(self, name)}", where="settings", fix="Use a share above 0, up to 1."
                )

    @classmethod
    def small(cls, seed: int = 0) -> WorldSettings:
        """Two small regions, for tests: about two seconds."""
        return cls(
            seed=seed,
            regions=("alluvial_basin", "gypsum_marl"),
            rows=48,
            columns=44,
            library_samples=24,
            fields=5,
            points_per_field=4,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in `world.json`."""
        return {**asdict(self), "regions": list(self.regions), "products": list(self.products)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "settings") -> WorldSettings:
        """The settings of `as_dict`. Raises UsageError for a key that is not known."""
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise UsageError(f"unknown setting {sorted(unknown)[0]!r}", where=where)
        return cls(**{**values, "regions": tuple(values.get("regions", cls.regions))})


def _check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        close = get_close_matches(str(value).lower(), known, n=1)
        fix = f"Did you mean {close[0]!r}?" if close else f"Use one of: {', '.join(known)}."
        raise UsageError(f"{name} is {value!r}", where="settings", fix=fix)


def stream(seed: int, *keys: str) -> np.random.Generator:
    """An independent random stream for each use, found by name: adding a use changes no other."""
    return np.random.default_rng(np.random.SeedSequence([seed, *(crc32(key.encode()) for key in keys)]))
