"""The two references beside which every adaptation is judged: laboratory alone, and all rows together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from deepsalt.adaptation.base import Answer, Domains, bounded, require
from deepsalt.adaptation.shared import regressor


@dataclass(frozen=True)
class LabOnly:
    """Laboratory spectra as the sensor would see them, and nothing of the pixels."""

    name: str = "lab-only"
    title: str = "Laboratory only, resampled to the sensor"
    source: str = "no adaptation"

    def fit(self, domains: Domains, seed: int) -> Answer:
        nothing = np.empty(0, np.intp)
        alone = replace(
            domains,
            target_x=domains.target_x[nothing],
            target_y=domains.target_y[nothing],
            target_groups=domains.target_groups[nothing],
        )
        return bounded(regressor(alone, seed), alone)


@dataclass(frozen=True)
class Pooled:
    """Laboratory spectra and labelled pixels as if they were of one kind."""

    name: str = "pooled"
    title: str = "Laboratory and labelled pixels pooled"
    source: str = "no adaptation"

    def fit(self, domains: Domains, seed: int) -> Answer:
        fix = "Give sites with ECe, or use lab-only."
        require(self.name, len(domains.target_y), 1, "labelled pixels", fix)
        return bounded(regressor(domains, seed), domains)
