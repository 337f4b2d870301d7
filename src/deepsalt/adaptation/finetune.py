"""Fine-tuning: a network of the library that goes on learning from labelled pixels ("spiking")."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from deepsalt.adaptation.base import Answer, Domains, bounded, require


@dataclass(frozen=True)
class FineTune:
    """Trains on the laboratory rows, then with a tenth of the rate on the labelled pixels."""

    name: str = "finetune"
    title: str = "Fine-tuning on labelled pixels"
    source: str = "Padarian, Minasny & McBratney (2019), doi:10.1016/j.geoderma.2019.01.009"

    def fit(self, domains: Domains, seed: int) -> Answer:
        from deepsalt.adaptation.network import train_and_fine_tune, with_chosen_scale

        fix = "Give sites with ECe, or choose a method that needs no labelled pixel, for example coral."
        require(self.name, len(domains.target_y), 5, "labelled pixels", fix)
        build = partial(train_and_fine_tune, seed=seed, name=self.name)
        return bounded(with_chosen_scale(domains, seed, build), domains)
