"""What a soil is made of: one row a pixel or a sample."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import DeepSaltError

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Soil:
    """Composition of `n` soils; percent by mass unless said.

    sand, clay, organic_carbon, carbonate, gypsum, goethite, hematite   (n,)
    smectite, kaolinite   (n,) shares of the clay
    salts_g_kg            (n, 4) readily soluble salts by family (`regions.FAMILIES`), g per kg of soil
    """

    sand: Floats
    clay: Floats
    organic_carbon: Floats
    carbonate: Floats
    gypsum: Floats
    goethite: Floats
    hematite: Floats
    smectite: Floats
    kaolinite: Floats
    salts_g_kg: Floats

    def __post_init__(self) -> None:
        for item in fields(self):
            object.__setattr__(self, item.name, np.asarray(getattr(self, item.name), dtype=np.float32))
        if self.salts_g_kg.ndim != 2 or any(
            len(getattr(self, item.name)) != len(self.sand) for item in fields(self)
        ):
            raise DeepSaltError("the parts of a soil have different lengths", where="deepsalt.simulate.Soil")

    def __len__(self) -> int:
        return len(self.sand)

    def take(self, rows: NDArray[np.intp] | slice) -> Soil:
        """The soils of these rows, in the order given."""
        return Soil(*(getattr(self, item.name)[rows] for item in fields(self)))

    def with_(self, **parts: Floats) -> Soil:
        """The same soils with some parts replaced."""
        return replace(self, **parts)

    @property
    def total_salts_g_kg(self) -> Floats:
        """(n,) mass of readily soluble salts, g/kg."""
        return self.salts_g_kg.sum(axis=1)


def joined(first: Soil, second: Soil) -> Soil:
    """The rows of one after those of the other."""
    return Soil(*(np.concatenate([getattr(first, i.name), getattr(second, i.name)]) for i in fields(first)))
