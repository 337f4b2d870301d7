"""The small network of the deep methods, and the one function that trains it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepsalt.adaptation.base import Answer, Domains, Floats
from deepsalt.adaptation.shared import choose
from deepsalt.training.device import seeded

#: Sizes of the two hidden layers; the second holds the features that are aligned.
HIDDEN, FEATURES = 64, 32
BATCH = 64
RATE = 2e-3
EPOCHS = 80
#: Fine-tuning uses this share of the rate, and more epochs, because a few pixels make few steps.
FINE, FINE_EPOCHS = 0.1, 200
_DECAY = 1e-4
_CPU = torch.device("cpu")

Penalty = Callable[[Tensor, Tensor, nn.Module], Tensor]


@dataclass(frozen=True)
class Scale:
    """From reflectance and ln(1+ECe) to numbers of about unit spread, and back.

    lab, pixel   centre and spread (2, bands) of the spectra of either domain
    level, span  mean and spread of the laboratory labels
    """

    lab: Floats
    pixel: Floats
    level: float
    span: float

    @classmethod
    def of(cls, domains: Domains, own: bool) -> Scale:
        """With `own`, each domain has its own centre and spread; else both have the common ones."""
        source, pixels = domains.source_x, domains.pixels
        both = np.vstack([source, pixels])
        lab, pixel = (_centre_and_spread(x) for x in ((source, pixels) if own else (both, both)))
        span = max(float(domains.source_y.std()), 1e-6)
        return cls(lab, pixel, float(domains.source_y.mean()), span)

    def of_lab(self, x: Floats) -> Tensor:
        return torch.tensor((x - self.lab[0]) / self.lab[1], dtype=torch.float32)

    def of_pixels(self, x: Floats) -> Tensor:
        return torch.tensor((x - self.pixel[0]) / self.pixel[1], dtype=torch.float32)

    def of_labels(self, y: Floats) -> Tensor:
        return torch.tensor((y - self.level) / self.span, dtype=torch.float32)


def _centre_and_spread(x: Floats) -> Floats:
    spread = x.std(axis=0)
    return np.stack([x.mean(axis=0), np.where(spread > 1e-9, spread, 1.0)])


class Network(nn.Module):
    """Spectra (n, bands) to features (n, FEATURES) to a scaled label (n,)."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Linear(bands, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, FEATURES), nn.ReLU()
        )
        self.head = nn.Linear(FEATURES, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))[:, 0]


@dataclass(frozen=True)
class Alignment:
    """What a deep method adds to the loss.

    penalty  features of laboratory rows and of pixels, each (batch, FEATURES), and the helper to a scalar
    weight   of the penalty, in full after a slow start
    helper   a network trained along, made for the number of features; an empty one where none is needed
    """

    penalty: Penalty
    weight: float
    helper: Callable[[int], nn.Module]


def with_chosen_scale(domains: Domains, seed: int, build: Callable[[Domains, bool], Answer]) -> Answer:
    """Train with each domain on its own scale, or both on one: whichever reads held-out pixels better.

    build  learns from domains, with own scales or not

    Own scales take away any gain and offset of a band, and with them the difference in mean salinity of
    library and land; where no label of a pixel is known to judge by, they are taken. Two folds.
    Source of own scales: Li et al. (2016), arXiv:1603.04779.
    """
    own = choose((True, False), domains, seed, build, otherwise=True, folds=2)
    return build(domains, own)


def train(domains: Domains, own_scale: bool, seed: int, name: str, alignment: Alignment) -> Answer:
    """Learn laboratory rows and labelled pixels, with the features of both domains held alike."""
    scale = Scale.of(domains, own_scale)
    pixels = scale.of_pixels(domains.pixels)
    lab = scale.of_lab(domains.source_x), scale.of_labels(domains.source_y)
    labelled = scale.of_pixels(domains.target_x), scale.of_labels(domains.target_y)
    with seeded(seed, f"adaptation {name}", _CPU) as generator:
        network = Network(len(domains.wavelengths))
        helper = alignment.helper(FEATURES)

        def loss(rows: Tensor, done: float) -> Tensor:
            features = network.features(lab[0][rows])
            total = functional.mse_loss(network.head(features)[:, 0], lab[1][rows])
            if len(labelled[1]):
                total = total + _label_loss(network, labelled, generator)
            others = network.features(pixels[_draw(len(pixels), len(rows), generator)])
            return total + alignment.weight * ramp(done) * alignment.penalty(features, others, helper)

        parameters = [*network.parameters(), *helper.parameters()]
        _descend(loss, parameters, len(lab[1]), EPOCHS, RATE, generator)
    return _answer(network, scale)


def train_and_fine_tune(domains: Domains, own_scale: bool, seed: int, name: str) -> Answer:
    """Learn the laboratory rows, then the labelled pixels with a tenth of the rate."""
    scale = Scale.of(domains, own_scale)
    stages = (
        (scale.of_lab(domains.source_x), scale.of_labels(domains.source_y), EPOCHS, RATE),
        (scale.of_pixels(domains.target_x), scale.of_labels(domains.target_y), FINE_EPOCHS, RATE * FINE),
    )
    with seeded(seed, f"adaptation {name}", _CPU) as generator:
        network = Network(len(domains.wavelengths))
        for x, y, epochs, rate in stages:

            def loss(rows: Tensor, _done: float, x: Tensor = x, y: Tensor = y) -> Tensor:
                return functional.mse_loss(network(x[rows]), y[rows])

            _descend(loss, network.parameters(), len(y), epochs, rate, generator)
    return _answer(network, scale)


def ramp(done: float) -> float:
    """Share of the penalty's weight after a share of the training: near 0 at first, then 1.

    Source: Ganin et al. (2016), section 5.2.2.
    """
    return 2.0 / (1.0 + math.exp(-10.0 * done)) - 1.0


def _label_loss(network: Network, labelled: tuple[Tensor, Tensor], generator: torch.Generator) -> Tensor:
    x, y = labelled
    rows = _draw(len(y), min(len(y), BATCH), generator)
    return functional.mse_loss(network(x[rows]), y[rows])


def _draw(rows: int, count: int, generator: torch.Generator) -> Tensor:
    return torch.randint(rows, (count,), generator=generator)


def _descend(
    loss: Callable[[Tensor, float], Tensor],
    parameters: Iterable[nn.Parameter],
    rows: int,
    epochs: int,
    rate: float,
    generator: torch.Generator,
) -> None:
    """Adam on shuffled batches of nearly equal size; the rate falls along half a cosine."""
    optimiser = torch.optim.Adam(parameters, lr=rate, weight_decay=_DECAY)
    batches = math.ceil(rows / BATCH)
    for epoch in range(epochs):
        order = torch.randperm(rows, generator=generator)
        for step, batch in enumerate(torch.tensor_split(order, batches)):
            done = (epoch + step / batches) / epochs
            for group in optimiser.param_groups:
                group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done))
            optimiser.zero_grad(set_to_none=True)
            loss(batch, done).backward()
            optimiser.step()


def _answer(network: Network, scale: Scale) -> Answer:
    network.eval()

    def answer(x: Floats) -> Floats:
        with torch.no_grad():
            scaled = network(scale.of_pixels(x)).double().numpy()
        return np.asarray(scaled * scale.span + scale.level, np.float64)

    return answer
