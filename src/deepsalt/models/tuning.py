"""Tuning a student to one scene: what the library knows of the land brings its pixels and answers into line.

A scene has errors of its own (calibration, air, light) and its land has soils and salts of its own.
Laboratory samples of that land tell what its pixels must look like on average, and how salty they are. The
mean of all pixels of a scene cannot tell a bright soil from a bright calibration; beside the mean of drawn
pixels of its own soils it can.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

#: Reflectance below which a logarithm tells of noise alone.
DARKEST = 0.01
#: Samples of a land that count as much as the answers do: its labels scatter, and are no even sample of it.
_PRIOR_SAMPLES = 40.0
#: Spread of answers over spread of truth that is expected. The best estimate from spectra that correlate with
#: truth by r has r times its spread; r of 0.7 to 0.8 was met on development worlds.
_EXPECTED = 0.75
#: How far the spread is moved to the expected one, on the log scale.
_SPREAD_SHARE = 0.7
_NO_SPREAD = 1e-3


@dataclass(frozen=True, eq=False)
class Tuning:
    """How one scene is read. The default changes nothing.

    land    which land's networks answer; None = the general ones
    gain    (channel,) what the scene's channels are multiplied by; None = 1
    scale, offset   answers become scale * answer + offset, on ln(1+ECe)
    """

    land: int | None = None
    gain: Tensor | None = None
    scale: float = 1.0
    offset: float = 0.0


def mean_log(channels: Tensor) -> Tensor:
    """(channel,) mean logarithm of (n, channel) reflectance."""
    return channels.clamp(min=DARKEST).log().mean(dim=0)


def line_towards(answers: Tensor, mean: float, deviation: float, samples: float) -> tuple[float, float]:
    """Scale and offset that bring a scene's answers (n,) towards the labels of its land.

    mean, deviation  of ln(1+ECe) of the land's samples
    samples          how many; the mean is believed samples / (samples + 40)
    The share is that of credibility theory (Buhlmann 1967, ASTIN Bulletin 4); the stretch is no optimum of
    anything: what it aims at and how far it goes were chosen on development worlds.
    """
    centre, spread = float(answers.mean()), float(answers.std(correction=0))
    scale = 1.0
    if spread > _NO_SPREAD and deviation > _NO_SPREAD:
        scale = (_EXPECTED * deviation / spread) ** _SPREAD_SHARE
    believed = samples / (samples + _PRIOR_SAMPLES)
    return scale, centre + believed * (mean - centre) - scale * centre


def as_plain(tuning: Tuning) -> dict[str, object]:
    """For a model's card."""
    gain = None if tuning.gain is None else [float(value) for value in tuning.gain]
    return {"land": tuning.land, "gain": gain, "scale": tuning.scale, "offset": tuning.offset}


def from_plain(content: dict[str, object], channels: int, lands: int) -> Tuning:
    """Back from a card. Raises ValueError, TypeError or KeyError for what `as_plain` did not write."""
    land, gain = content["land"], content["gain"]
    numbers = torch.tensor(gain, dtype=torch.float32) if gain is not None else None
    scale, offset = float(content["scale"]), float(content["offset"])  # type: ignore[arg-type]
    if numbers is not None and (numbers.shape != (channels,) or not bool(torch.isfinite(numbers).all())):
        raise ValueError(f"a scene's gain must be {channels} numbers")
    if land is not None and (not isinstance(land, int) or not 0 <= land < lands):
        raise ValueError(f"land {land!r} of {lands}")
    if not (abs(scale) < 1e3 and abs(offset) < 1e3):
        raise ValueError("a scene's scale or offset is out of bounds")
    return Tuning(land, numbers, scale, offset)
