"""The laboratory model of the preset `deepsalt`: spectra of one or several domains to ln(1+EC).

What stands before the network is linear in absorbance: differences, standardising, principal directions or
windows fold into one matrix a domain. So the same class holds a network on principal directions, one that
convolves, one of tokens, and the simple models the gate may choose instead (a line, support vectors): all of
them are one file without code in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepsalt.errors import BandError
from deepsalt.models.architecture import LabNetArchitecture, TransformerShape
from deepsalt.models.inference import Rows, in_batches
from deepsalt.models.members import Members
from deepsalt.models.starts import normal
from deepsalt.models.transformer import TransformerEncoder

#: Reflectance below which a logarithm tells of noise alone.
_DARKEST = 1e-3
_ANY = torch.finfo(torch.float32)  # bounds of an answer that has none
_FARTHEST = 6.0  # standard deviations; a stray band must not swamp the rest
_CHANNELS, _KERNEL, _POOL = 24, 7, 4
_PATCH, _TOKEN = 16, TransformerShape(48, 4, 2, 96, 0.1)


class LabReader(nn.Module):
    """One domain: values (n, bands) to inputs (n, width) of like variance; 0 where there is no spectrum.

    centre  (bands,) mean absorbance (or value) of the training rows
    matrix  (bands, width)
    """

    centre: Tensor
    matrix: Tensor

    def __init__(self, bands: int, width: int, reflectance: bool) -> None:
        super().__init__()
        self.reflectance = reflectance
        self.register_buffer("centre", torch.zeros(bands))
        self.register_buffer("matrix", torch.zeros(bands, width))

    def forward(self, values: Tensor) -> Tensor:
        if values.ndim != 2 or values.shape[1] != len(self.centre):
            raise BandError(
                f"spectra of shape {tuple(values.shape)} for a teacher of {len(self.centre)} bands",
                fix="Resample the spectra to the bands in the model's card.",
            )
        inputs = (linear_form(values, self.reflectance) - self.centre) @ self.matrix
        return torch.nan_to_num(inputs.clamp(-_FARTHEST, _FARTHEST))


def linear_form(values: Tensor, reflectance: bool) -> Tensor:
    """What a reader is linear in: absorbance of a reflectance, any other value as it is."""
    return -values.clamp(min=_DARKEST).log10() if reflectance else values


class LabNet(nn.Module):
    """Spectra of each domain (n, bands) to ln(1+EC), or to whatever it was taught."""

    bounds: Tensor

    def __init__(self, architecture: LabNetArchitecture) -> None:
        super().__init__()
        self.architecture = a = architecture
        self.readers = nn.ModuleList(
            LabReader(bands, width, reflectance)
            for bands, width, reflectance in zip(a.bands, a.widths, a.reflectance, strict=True)
        )
        self.network: Any = _NETWORKS[a.network](a)
        self.register_buffer("bounds", torch.tensor([_ANY.min, _ANY.max]))

    def inputs(self, values: Sequence[Tensor]) -> Tensor:
        """(n, sum of widths) and, of several domains, (n, domains) more that tell which are there."""
        parts = [reader(one) for reader, one in zip(self.readers, values, strict=True)]
        if len(parts) > 1:
            parts.append(torch.stack([one.isfinite().all(dim=1) for one in values], dim=1).to(values[0]))
        return torch.cat(parts, dim=1)

    def forward(self, *values: Tensor) -> tuple[Tensor, Tensor]:
        """Answers (members, n), before the bounds, and the last hidden layer (members, n, units)."""
        return self.network(self.inputs(values))

    def predict_with_spread(self, *values: Rows) -> tuple[Tensor, Tensor]:
        """Answer (n,) on the CPU and the standard deviation of the members' answers (n,), in float64.

        So wide that an answer does not depend on the rows beside it, not even by rounding. NaN where a
        sample has a spectrum in no domain. Raises BandError for a wrong number of bands.
        """
        exact = deepcopy(self).double()

        def answer(*given: Tensor) -> Tensor:
            rows = [one.double() for one in given]
            told = exact(*rows)[0]
            missing = torch.stack([one.isnan().any(dim=1) for one in rows]).all(dim=0)
            mean = told.mean(dim=0).clamp(*self.bounds.tolist())
            both = torch.stack([mean, told.std(dim=0, correction=0)])
            return torch.where(missing, torch.nan, both)

        mean, spread = in_batches(exact, answer, *values)
        return mean, spread


def _scores(a: LabNetArchitecture) -> nn.Module:
    return Members(a.inputs, a.hidden, a.members, a.dropout)


class Several(nn.Module):
    """Networks of any kind side by side, answering like `Members`."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks: Any = nn.ModuleList(networks)

    @torch.no_grad()
    def start_at(self, answer: float) -> None:
        for network in self.networks:
            network.out.bias.fill_(answer)
            network.out.weight.mul_(0.3)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        answers, hidden = zip(*(network(inputs) for network in self.networks), strict=True)
        return torch.stack(answers), torch.stack(hidden)


class Convolutions(nn.Module):
    """1-D convolutions along each domain's windows (value and slope are its two channels)."""

    def __init__(self, a: LabNetArchitecture) -> None:
        super().__init__()
        self.widths = a.widths
        self.trunks = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(2, _CHANNELS, _KERNEL, padding=_KERNEL // 2),
                nn.GELU(),
                nn.Conv1d(_CHANNELS, _CHANNELS, _KERNEL, stride=2, padding=_KERNEL // 2),
                nn.GELU(),
            )
            for _ in a.widths
        )
        self.pool = _POOL
        features = len(a.widths) * _CHANNELS * _POOL + (a.inputs - sum(a.widths))
        self.dense = nn.Linear(features, a.hidden[-1] if a.hidden else _CHANNELS)
        self.dropout = nn.Dropout(a.dropout)
        self.out = nn.Linear(self.dense.out_features, 1)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        *blocks, flags = inputs.split([*self.widths, inputs.shape[1] - sum(self.widths)], dim=1)
        seen = [trunk(one.unflatten(1, (2, -1))) for trunk, one in zip(self.trunks, blocks, strict=True)]
        pooled = [_pooled(one, self.pool).flatten(1) for one in seen]
        hidden = self.dropout(functional.gelu(self.dense(torch.cat([*pooled, flags], dim=1))))
        return self.out(hidden).squeeze(1), hidden


def _pooled(seen: Tensor, parts: int) -> Tensor:
    """(n, channels, parts) mean over equal stretches of (n, channels, length), zeros beyond its end."""
    length = -(-seen.shape[-1] // parts) * parts
    return functional.pad(seen, (0, length - seen.shape[-1])).unflatten(2, (parts, -1)).mean(dim=3)


class Tokens(nn.Module):
    """A transformer whose tokens are stretches of a domain's windows."""

    def __init__(self, a: LabNetArchitecture) -> None:
        super().__init__()
        self.widths = a.widths
        counts = [-(-(width // 2) // _PATCH) for width in a.widths]
        self.embed = nn.ModuleList(nn.Linear(2 * _PATCH, _TOKEN.width) for _ in a.widths)
        self.places = nn.ParameterList(normal(n, _TOKEN.width, deviation=0.02) for n in counts)
        self.encoder = TransformerEncoder(_TOKEN)
        self.norm = nn.LayerNorm(_TOKEN.width)
        self.dropout = nn.Dropout(a.dropout)
        self.out = nn.Linear(_TOKEN.width, 1)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        *blocks, flags = inputs.split([*self.widths, inputs.shape[1] - sum(self.widths)], dim=1)
        tokens = torch.cat(
            [
                embed(_patches(one)) + place
                for embed, place, one in zip(self.embed, self.places, blocks, strict=True)
            ],
            dim=1,
        )
        here = torch.ones_like(tokens[..., 0])
        if flags.shape[1]:  # a domain that is not there is not looked at in the mean
            here = flags.repeat_interleave(torch.tensor([len(place) for place in self.places]), dim=1)
        last = self.encoder(tokens)[-1]
        mean = (last * here[..., None]).sum(dim=1) / here.sum(dim=1, keepdim=True).clamp(min=1)
        hidden = self.dropout(self.norm(mean))
        return self.out(hidden).squeeze(1), hidden


def _patches(inputs: Tensor) -> Tensor:
    """(n, tokens, 2 x patch) of value and slope (n, 2 x windows), zeros beyond the end."""
    both = inputs.unflatten(1, (2, -1))
    both = functional.pad(both, (0, -both.shape[2] % _PATCH))
    return both.unflatten(2, (-1, _PATCH)).transpose(1, 2).flatten(2)


class SupportVectors(nn.Module):
    """Inputs (n, width) to one answer (1, n) by a Gaussian kernel about the vectors kept."""

    vectors: Tensor
    shape: Tensor

    def __init__(self, a: LabNetArchitecture) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.zeros(a.vectors, a.inputs))
        self.weights = nn.Parameter(torch.zeros(a.vectors), requires_grad=False)
        self.register_buffer("shape", torch.zeros(2))  # gamma, constant

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        near = torch.exp(-self.shape[0] * torch.cdist(inputs, self.vectors).square())
        return (near @ self.weights + self.shape[1])[None], inputs[None]


_NETWORKS = {
    "scores": _scores,
    "convolutions": lambda a: Several([Convolutions(a) for _ in range(a.members)]),
    "tokens": lambda a: Several([Tokens(a) for _ in range(a.members)]),
    "vectors": SupportVectors,
}
