"""The student of the preset `deepsalt`: any sensor's bands to channels, to principal directions, to ECe.

A band is read with its value, centre and width: the channels are fixed windows of the wavelength axis, and
what a band gives to a channel depends on its centre and width alone (the weights come with the sensor). So
one set of learned weights reads any sensor that covers the channels, and all that stands before the first
non-linear step is linear and folds into one small matrix: the net that maps is the net that was trained.
"""

from __future__ import annotations

from copy import copy

import torch
from torch import Tensor, nn

from deepsalt.errors import BandError
from deepsalt.models.architecture import BridgeArchitecture
from deepsalt.models.inference import Rows, in_batches
from deepsalt.models.members import Members

_FARTHEST = 8.0  # standard deviations; a hot pixel must not swamp the rest


class BridgeStudent(nn.Module):
    """Satellite reflectance (n, bands) to ln(1+ECe).

    channels    (band, channel) what each band gives to each channel; columns sum to 1
    centre      (channel,) mean of the drawn pixels
    directions  (channel, direction) that turns channels into inputs of nearly equal variance
    ceiling     () largest answer, ln(1+ECe)
    """

    channels: Tensor
    centre: Tensor
    directions: Tensor
    ceiling: Tensor

    def __init__(self, architecture: BridgeArchitecture) -> None:
        super().__init__()
        self.architecture = a = architecture
        self.register_buffer("channels", torch.zeros(a.bands, a.channels))
        self.register_buffer("centre", torch.zeros(a.channels))
        self.register_buffer("directions", torch.zeros(a.channels, a.directions))
        self.register_buffer("ceiling", torch.ones(()))
        self.adapter = PixelAdapter(a.channels, a.rank)
        self.members = Members(a.directions, a.hidden, a.members, a.dropout)

    @torch.no_grad()
    def fit_inputs(self, drawn: Tensor, floor: float) -> None:
        """Set the principal directions from drawn pixels (n, bands); `floor` is the variance of noise."""
        seen = drawn @ self.channels
        self.centre.copy_(seen.mean(dim=0))
        wide = (seen - self.centre).double()
        variance, vectors = torch.linalg.eigh(wide.T @ wide / len(wide))
        kept = self.architecture.directions
        variance, vectors = variance.flip(0)[:kept].clamp(min=0), vectors.flip(1)[:, :kept]
        largest = vectors.abs().argmax(dim=0)
        vectors = vectors * torch.sign(vectors[largest, torch.arange(kept)])
        self.directions.copy_(vectors / (variance + floor).sqrt())

    def inputs(self, spectra: Tensor, *, real: bool = True) -> Tensor:
        """(n, bands) to (n, directions); real pixels go through the adapter, drawn ones do not."""
        seen = spectra @ self.channels
        return self.directed(self.adapter(seen) if real else seen)

    def directed(self, seen: Tensor) -> Tensor:
        """(n, channels) to the inputs of the members, (n, directions)."""
        return ((seen - self.centre) @ self.directions).clamp(-_FARTHEST, _FARTHEST)

    def forward(self, spectra: Tensor, *, real: bool = True) -> tuple[Tensor, Tensor]:
        """Answers (members, n) and hidden layer (members, n, units)."""
        return self.members(self.inputs(spectra, real=real))

    def with_channels(self, channels: Tensor) -> BridgeStudent:
        """The same learned weights behind another sensor's bands, (its bands, channels)."""
        other = copy(self)
        other._buffers = {**self._buffers, "channels": channels}
        return other

    def folded(self) -> tuple[Tensor, Tensor]:
        """Matrix (bands, directions) and offset (directions,) that stand for all linear steps at once."""
        bands = len(self.channels)
        zero = torch.zeros(1, bands, device=self.channels.device)
        eye = torch.eye(bands, device=self.channels.device)
        with torch.no_grad():
            offset = ((self.adapter(zero @ self.channels) - self.centre) @ self.directions)[0]
            matrix = (self.adapter(eye @ self.channels) - self.centre) @ self.directions - offset
        return matrix, offset

    def predict(self, sat_x: Rows) -> Tensor:
        """ln(1+ECe) (n,) on the CPU; a NaN band makes that row's answer NaN.

        Raises BandError for a wrong number of bands.
        """
        return self.predict_with_spread(sat_x)[0]

    def predict_with_spread(self, sat_x: Rows) -> tuple[Tensor, Tensor]:
        """ln(1+ECe) (n,) and the standard deviation of the members' answers (n,)."""
        if sat_x.ndim != 2 or sat_x.shape[1] != len(self.channels):
            raise BandError(
                f"spectra of shape {tuple(sat_x.shape)} for a student of {len(self.channels)} bands",
                fix="Resample the spectra to the bands in the model's card.",
            )
        matrix, offset = self.folded()

        def answer(rows: Tensor) -> Tensor:
            inputs = torch.addmm(offset, rows, matrix).clamp(-_FARTHEST, _FARTHEST)
            answers = self.members(inputs)[0]
            mean = torch.minimum(answers.mean(dim=0).clamp(min=0.0), self.ceiling)
            return torch.stack([mean, answers.std(dim=0, correction=0)], dim=1)

        both = in_batches(self, answer, sat_x)
        return (both[:, 0], both[:, 1]) if len(both) else (torch.empty(0), torch.empty(0))


class PixelAdapter(nn.Module):
    """Carries real pixels onto the drawn ones, (n, channels) to itself; does nothing at the start.

    y = x (1 + g) + o + (x U) V with g and o smooth over the channels and U V of low rank: a scene's
    calibration and air, not its soils.
    """

    shapes: Tensor

    def __init__(self, channels: int, rank: int, knots: int = 9) -> None:
        super().__init__()
        at = torch.linspace(0, knots - 1, channels)
        hats = (1 - (at[None, :] - torch.arange(knots)[:, None]).abs()).clamp(min=0)
        self.register_buffer("shapes", hats)
        self.gain = nn.Parameter(torch.zeros(knots))
        self.offset = nn.Parameter(torch.zeros(knots))
        self.down = nn.Parameter(torch.randn(channels, rank) / channels**0.5)
        self.up = nn.Parameter(torch.zeros(rank, channels))

    def forward(self, seen: Tensor) -> Tensor:
        return seen * (1 + self.gain @ self.shapes) + self.offset @ self.shapes + seen @ self.down @ self.up

    def size(self) -> Tensor:
        """Mean square of what the adapter may change; zero for the identity."""
        return self.gain.square().mean() + self.offset.square().mean() + self.up.square().sum()
