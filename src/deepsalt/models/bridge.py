"""The student of the preset `deepsalt`: any sensor's bands to channels, to principal directions, to ECe.

A band is read with its value, centre and width: the channels are fixed windows of the wavelength axis, and
what a band gives to a channel depends on its centre and width alone (the weights come with the sensor). So
one set of learned weights reads any sensor that covers the channels, and all that stands before the first
non-linear step is linear and folds into one small matrix: the net that maps is the net that was trained.
"""

from __future__ import annotations

from copy import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from deepsalt.errors import BandError
from deepsalt.models.architecture import BridgeArchitecture
from deepsalt.models.familiar import Familiar, Judge, bounded
from deepsalt.models.inference import Rows, in_batches, one_thread, some_columns
from deepsalt.models.members import Members
from deepsalt.models.plane import Plane, plane_through
from deepsalt.models.tuning import Tuning, corrected, highest_by, line_towards, mean_log

_READ_RIDGE = 0.01  # of the inputs' variance, which is near 1
_LEAST_ERROR = 1e-3  # of a share under plants: nobody reads it better


class Told(NamedTuple):
    """What a student says of spectra: all (n,), on the CPU, None where it was not asked for.

    answer   ln(1+ECe), from 0 to the ceiling
    spread   standard deviation of the members' answers
    strange  whether dissimilarity or residual is beyond its limit, see `Familiar`; False for a gap
    """

    answer: Tensor
    spread: Tensor | None = None
    strange: Tensor | None = None


class BridgeStudent(nn.Module):
    """Satellite reflectance (n, bands) to ln(1+ECe).

    channels    (band, channel) what each band gives to each channel; columns sum to 1
    gain        (channel,) that the channels are multiplied by; 1 but for a tuned student
    centre      (channel,) mean of the drawn pixels
    directions  (channel, direction) that turns channels into inputs of nearly equal variance
    plants      (direction, 2) that turns inputs into the shares under green and dry plants, less a constant,
                in units of the error of reading them so; 0 where none were drawn
    line        scale and offset of the answers; 1 and 0 but for a tuned student
    ceiling     () largest answer, ln(1+ECe)
    references  (land, channel) mean logarithm of drawn pixels of each land's samples of the surface
    labels      (land, 3) mean and standard deviation of ln(1+ECe) at these, and their number
    corrections (land, 2) stretch and shift that ground points on the land asked for; 0 without any
    specialists networks of each land, which began as the general `members`
    familiar    what it knows of its training pixels
    """

    channels: Tensor
    gain: Tensor
    centre: Tensor
    directions: Tensor
    plants: Tensor
    line: Tensor
    ceiling: Tensor
    references: Tensor
    labels: Tensor
    corrections: Tensor

    def __init__(self, architecture: BridgeArchitecture) -> None:
        super().__init__()
        self.architecture = a = architecture
        self.register_buffer("channels", torch.zeros(a.bands, a.channels))
        self.register_buffer("gain", torch.ones(a.channels))
        self.register_buffer("centre", torch.zeros(a.channels))
        self.register_buffer("directions", torch.zeros(a.channels, a.directions))
        self.register_buffer("plants", torch.zeros(a.directions, 2))
        self.register_buffer("line", torch.tensor([1.0, 0.0]))
        self.register_buffer("ceiling", torch.ones(()))
        self.register_buffer("references", torch.zeros(a.lands, a.channels))
        self.register_buffer("labels", torch.zeros(a.lands, 3))
        self.register_buffer("corrections", torch.zeros(a.lands, 2))
        self.familiar = Familiar(a.channels, a.directions, a.centres, a.rest, a.points)
        self.members = self.new_members()
        self.specialists = nn.ModuleList([self.new_members() for _ in range(a.lands)])

    def new_members(self) -> Members:
        """Networks of this student's shape, at random."""
        a = self.architecture
        return Members(a.directions, a.hidden, a.members, a.dropout)

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

    @torch.no_grad()
    def fit_plants(self, drawn: Tensor, shares: Tensor) -> None:
        """Set how plants are read from the inputs of drawn pixels (n, bands), by ridge regression.

        shares  (n, 2) that were drawn under green and dry plants
        """
        inputs = self.inputs(drawn).double()
        apart, shares = inputs - inputs.mean(dim=0), (shares - shares.mean(dim=0)).double()
        ridge = _READ_RIDGE * torch.eye(inputs.shape[1], dtype=torch.float64)
        read = torch.linalg.solve(apart.T @ apart / len(apart) + ridge, apart.T @ shares / len(apart))
        error = (apart @ read - shares).square().mean(dim=0).sqrt().clamp(min=_LEAST_ERROR)
        self.plants.copy_(read / error)

    def inputs(self, spectra: Tensor, gain: Tensor | None = None) -> Tensor:
        """(n, bands) to (n, directions).

        gain  (channel,) or (n, channel) instead of the student's own
        """
        return self.inputs_of(self.seen(spectra, gain))

    def seen(self, spectra: Tensor, gain: Tensor | None = None) -> Tensor:
        """Spectra (n, bands) as channels (n, channel), multiplied by the gain as `inputs` does it."""
        return (spectra @ self.channels) * (self.gain if gain is None else gain)

    def inputs_of(self, seen: Tensor) -> Tensor:
        """Channels (n, channel) to (n, directions)."""
        return bounded((seen - self.centre) @ self.directions)

    def forward(self, spectra: Tensor) -> tuple[Tensor, Tensor]:
        """Answers (members, n), before line and bounds, and the hidden layer (members, n, units)."""
        return self.members(self.inputs(spectra))

    def with_channels(self, channels: Tensor) -> BridgeStudent:
        """The same learned weights behind another sensor's bands, (its bands, channels)."""
        other = copy(self)
        other._buffers = {**self._buffers, "channels": channels}
        return other

    def tuned(self, tuning: Tuning) -> BridgeStudent:
        """The student that reads one scene; the learned weights are shared."""
        other = copy(self)
        gain = self.gain if tuning.gain is None else tuning.gain
        line, ceiling = torch.tensor([tuning.scale, tuning.offset]), self.ceiling
        if tuning.highest is not None:
            ceiling = ceiling.clamp(max=tuning.highest)
        other._buffers = {**self._buffers, "gain": gain, "line": line, "ceiling": ceiling}
        if tuning.plane is not None:
            other._modules = {**self._modules, "members": Plane(tuning.plane)}
        elif tuning.land is not None:
            other._modules = {**self._modules, "members": self.specialists[tuning.land]}
        return other

    @torch.no_grad()
    def gain_for(self, pixels: Tensor, land: int) -> Tensor:
        """(channel,) that gives pixels (n, bands) of a scene the mean of drawn pixels of a land's samples."""
        return (self.references[land] - mean_log(pixels @ self.channels)).exp()

    def tuning_for(
        self, pixels: Tensor, land: int, patches: Tensor | None = None, *, planar: bool = True
    ) -> Tuning:
        """How to read a scene on a land of the library: `library_tuning`, corrected by the land's points."""
        tuning, level = self.library_tuning(pixels, land, patches, planar=planar)
        stretch, shift = self.corrections[land].tolist()
        return corrected(tuning, level, stretch, shift)

    @torch.no_grad()
    def library_tuning(
        self, pixels: Tensor, land: int, patches: Tensor | None = None, *, planar: bool = True
    ) -> tuple[Tuning, float]:
        """How to read a scene from its pixels without labels (n, bands), and the mean of its answers.

        patches  (n,) which pixels lie together; None = not known
        planar   whether the plane through the land's networks' answers is read instead of them
        """
        gain = self.gain_for(pixels, land)
        own = self.tuned(Tuning(land, gain))
        inputs = own.inputs(pixels)
        answers = own.members(inputs)[0]
        plane = plane_through(inputs, answers, patches, inputs @ self.plants) if planar else None
        if plane is not None:
            answers = Plane(plane)(inputs)[0]
        mean, deviation, samples = (float(value) for value in self.labels[land])
        scale, offset = line_towards(answers.mean(dim=0), mean, deviation, samples)
        tuning = Tuning(land, gain, plane, scale, offset, highest_by(mean, deviation))
        return tuning, scale * float(answers.mean()) + offset

    @torch.no_grad()
    def plain_tuning(self, pixels: Tensor, patches: Tensor | None = None) -> Tuning:
        """How to read a scene on land that no sample tells of, from its pixels without labels (n, bands).

        The plane through the general networks' answers, without gain or line, as nothing says which; with too
        few pixels the networks themselves.
        patches  as for `tuning_for`
        """
        inputs = self.inputs(pixels)
        return Tuning(plane=plane_through(inputs, self.members(inputs)[0], patches, inputs @ self.plants))

    def folded(self, onto: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Matrix (bands, directions) and offset (directions,) that stand for all linear steps at once.

        onto  (channel, k) instead of the directions
        """
        onto = self.directions if onto is None else onto
        return (self.channels * self.gain) @ onto, -self.centre @ onto

    def strangeness(self, sat_x: Rows) -> tuple[Tensor, Tensor]:
        """Dissimilarity (n,) and residual (n,) of spectra (n, bands), see `Familiar`; NaN as in `predict`."""

        def far(rows: Tensor) -> Tensor:
            seen = self.seen(rows)
            residual = ((seen - self.centre) @ self.familiar.rest).square().sum(dim=1)
            return torch.stack([self.familiar.dissimilarity(self.inputs_of(seen)), residual])

        dissimilarity, residual = in_batches(self, far, sat_x)
        return dissimilarity, residual

    def density(self, sat_x: Rows) -> Tensor:
        """(n,) labelled pixels near spectra (n, bands), see `Familiar`."""
        return in_batches(self, lambda rows: self.familiar.density(self.inputs(rows)), sat_x)

    def predict(self, sat_x: Rows) -> Tensor:
        """ln(1+ECe) (n,) on the CPU; NaN in a band that a channel reads makes that row's answer NaN.

        Raises BandError for a wrong number of bands.
        """
        return self.told(sat_x).answer

    @one_thread()
    def told(self, sat_x: Rows, *, spread: bool = False, strange: bool = False) -> Told:
        """What is asked for of spectra (n, bands), in one pass; NaN as in `predict`.

        Raises BandError for a wrong number of bands.
        """
        if sat_x.ndim != 2 or sat_x.shape[1] != len(self.channels):
            raise BandError(
                f"spectra of shape {tuple(sat_x.shape)} for a student of {len(self.channels)} bands",
                fix="Resample the spectra to the bands in the model's card.",
            )
        known, kept = self.familiar, self.directions.shape[1]
        matrix, offset = self.folded(torch.cat([self.directions, known.rest], dim=1) if strange else None)
        read = torch.nonzero((self.channels != 0).any(dim=1)).squeeze(1)
        whole, matrix = len(read) == len(matrix), matrix[read]
        judge = Judge(known) if strange else None

        def answer(rows: Tensor) -> Tensor:
            rows = rows if whole else some_columns(rows, read)
            projected = torch.addmm(offset[:, None], matrix.T, rows.T)  # a fifth quicker than the other way
            answers = self.members(bounded(projected[:kept]).T)[0] * self.line[0] + self.line[1]
            found = [torch.minimum(answers.mean(dim=0).clamp(min=0.0), self.ceiling)]
            if spread:
                found.append(answers.std(dim=0, correction=0))
            if judge:
                judge.ask(projected)
            return torch.stack(found)

        found = iter(in_batches(self, answer, sat_x, rows=self.members.rows))
        return Told(next(found), next(found) if spread else None, judge.strange() if judge else None)
