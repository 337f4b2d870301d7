"""The frame of a deep adaptation: a penalty on features, and how much it weighs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from deepsalt.adaptation.base import Answer, Domains, bounded, require_pixels

if TYPE_CHECKING:
    from torch import nn

    from deepsalt.adaptation.network import Penalty


def no_helper(_features: int) -> nn.Module:
    """For a penalty that needs no network of its own."""
    from torch import nn

    return nn.Identity()


@dataclass(frozen=True)
class Deep:
    """A small network learns labels of both domains while a penalty holds the features alike.

    penalty, weight, helper  as in `network.Alignment`
    """

    name: str
    title: str
    source: str
    penalty: Penalty
    weight: float
    helper: Callable[[int], nn.Module] = no_helper

    def fit(self, domains: Domains, seed: int) -> Answer:
        from deepsalt.adaptation.network import Alignment, train, with_chosen_scale

        require_pixels(self.name, domains)
        alignment = Alignment(self.penalty, self.weight, self.helper)
        build = partial(train, seed=seed, name=self.name, alignment=alignment)
        return bounded(with_chosen_scale(domains, seed, build), domains)
