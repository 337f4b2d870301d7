"""What a laboratory teacher learns from, and the linear readers that stand before it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.signal import savgol_filter
from torch import Tensor

from deepsalt.errors import LabelError, SpectraError
from deepsalt.models.lab_net import LabReader, linear_form

Floats = NDArray[np.float32]
Readers = list[LabReader]

_FLOOR = 1e-4  # variance taken for noise, over that of the first direction
_FLAT = 1e-8
_NOTHING = 1e-7  # of the first direction's variance: what rounding leaves
_WINDOW, _PARABOLA = 11, 2


@dataclass(frozen=True)
class LabDomain:
    """Spectra of one domain.

    values       (n, bands) float32; a row of NaN where a sample has none
    steps        (bands,) position of each band, nm or cm-1, increasing
    reflectance  whether absorbance is to be read from them
    """

    values: Floats
    steps: NDArray[np.float64]
    reflectance: bool


@dataclass(frozen=True)
class LabData:
    """Samples with a label and a spectrum in one domain at least.

    domains     one entry a domain, rows in the same order
    y           (n,) what is learned, for EC ln(1+EC)
    groups      (n,) what must not be split
    label_sd    (n,) standard error of y, 0 where it is exact; None = all alike
    properties  (n, p) other properties of the samples, NaN where not measured; None = none
    bounded     whether answers stay between 0 and a little above the largest label
    """

    domains: tuple[LabDomain, ...]
    y: Floats
    groups: NDArray[np.str_]
    label_sd: Floats | None = None
    properties: Floats | None = None
    bounded: bool = True

    def __post_init__(self) -> None:
        seen = np.zeros(len(self.y), bool)
        for domain in self.domains:
            if domain.values.shape != (len(self.y), len(domain.steps)):
                raise SpectraError(
                    f"spectra of shape {domain.values.shape} for {len(self.y)} labels and "
                    f"{len(domain.steps)} bands"
                )
            seen |= np.isfinite(domain.values).all(axis=1)
        if not seen.all():
            raise SpectraError(
                f"{int((~seen).sum())} samples have a whole spectrum in no domain",
                fix="Drop these samples, or fill short gaps first.",
            )
        if not np.isfinite(self.y).all():
            raise LabelError("labels must be finite numbers", fix="Drop samples without a label.")

    def take(self, rows: NDArray[np.intp]) -> LabData:
        """Some of the samples."""
        return replace(
            self,
            domains=tuple(replace(one, values=one.values[rows]) for one in self.domains),
            y=self.y[rows],
            groups=self.groups[rows],
            label_sd=None if self.label_sd is None else self.label_sd[rows],
            properties=None if self.properties is None else self.properties[rows],
        )


def reader_of(domain: LabDomain, directions: int) -> LabReader:
    """A reader that gives whitened principal directions of absorbance and its slope.

    Standardised band by band, so that weak bands count; noise damped by a floor under the variances.
    """
    wide, centre, sides, scale = _standard(domain)
    variance, vectors = _principal(wide, min(directions, len(domain.steps)))
    weights = vectors / (variance + _FLOOR * variance[0] + _FLAT).sqrt()
    return _reader(domain, centre, (sides / scale).double() @ weights)


def slopes_of(domain: LabDomain, directions: int) -> LabReader:
    """A reader that gives principal directions of the smoothed slope alone, of unit variance.

    Bands are not standardised: those that vary most over the samples count most, and noisy ones little.
    The slope is that of a parabola through eleven bands, fewer where there are few (Savitzky and Golay 1964,
    Anal. Chem. 36, 1627).
    """
    values = _whole(domain)
    centre, bands = values.mean(dim=0), len(domain.steps)
    slope = torch.eye(bands)
    if bands > _PARABOLA:
        window = min(_WINDOW, max(_PARABOLA + 1, bands // 4 | 1))
        slope = torch.as_tensor(savgol_filter(np.eye(bands), window, _PARABOLA, deriv=1, axis=1)).float()
    variance, vectors = _principal((values - centre) @ slope, min(directions, bands))
    deviation = torch.where(variance > _NOTHING * variance[0], variance, torch.inf).sqrt()
    return _reader(domain, centre, slope.double() @ (vectors / deviation))


def _principal(wide: Tensor, wanted: int) -> tuple[Tensor, Tensor]:
    """Variances (k,), largest first, and directions (width, k) of rows (n, width) of mean 0."""
    moment = (wide.T @ wide / len(wide)).double().numpy()
    kept = min(wanted, max(1, len(wide) - 1))
    # Only those wanted: a third of the time of all of them for 1,700 bands and their slopes.
    found = eigh(moment, subset_by_index=(len(moment) - kept, len(moment) - 1))
    variance, vectors = (torch.as_tensor(np.flip(one, -1).copy()) for one in found)
    largest = vectors.abs().argmax(dim=0)
    return variance.clamp(min=0), vectors * torch.sign(vectors[largest, torch.arange(kept)])


def windows_of(domain: LabDomain, most: int) -> LabReader:
    """A reader that gives means over even stretches: of standard absorbance, then of its standard slope."""
    _, centre, sides, scale = _standard(domain)
    bands = len(domain.steps)
    windows = min(bands, most)
    number = torch.arange(bands) * windows // bands
    averaging = torch.zeros(bands, windows)
    averaging[torch.arange(bands), number] = 1 / torch.bincount(number)[number]
    both = torch.block_diag(averaging, averaging)
    return _reader(domain, centre, (sides / scale) @ both)


def _reader(domain: LabDomain, centre: Tensor, matrix: Tensor) -> LabReader:
    reader = LabReader(len(domain.steps), matrix.shape[1], domain.reflectance)
    reader.centre.copy_(centre)
    reader.matrix.copy_(matrix)
    return reader


def _standard(domain: LabDomain) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Standard absorbance and slope (n, 2 x bands), their centre, the matrix to them, their deviations."""
    values = _whole(domain)
    centre = values.mean(dim=0)
    bands = len(domain.steps)
    slope = torch.zeros(bands, bands)
    if bands > 1:
        even = domain.steps / np.diff(domain.steps).mean()
        slope = torch.as_tensor(np.gradient(np.eye(bands), even, axis=1), dtype=torch.float32)
    sides = torch.cat([torch.eye(bands), slope], dim=1)
    seen = (values - centre) @ sides
    deviation = seen.std(dim=0, correction=0)
    deviation = torch.where(deviation > _FLAT, deviation, torch.ones_like(deviation))
    return seen / deviation, centre, sides, deviation


def _whole(domain: LabDomain) -> Tensor:
    """(m, bands) absorbance, or the value as it is, of the samples that have a whole spectrum."""
    values = torch.as_tensor(domain.values)
    return linear_form(values[torch.isfinite(values).all(dim=1)], domain.reflectance)
