"""Tuning a student to one scene: what the library knows of the land brings its pixels and answers into line.

A scene has errors of its own (calibration, air, light) and its land has soils and salts of its own.
Laboratory samples of that land tell what its pixels must look like on average, and how salty they are. The
mean of all pixels of a scene cannot tell a bright soil from a bright calibration; beside the mean of drawn
pixels of its own soils it can. Ground points on the land, few as they may be, then correct the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from deepsalt.models.architecture import BridgeArchitecture

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
#: A scene's answers are no higher than so many standard deviations of its land's labels above their mean: a
#: plane through bright ground runs on without an end, and in dS/m that end is all one sees. Chosen on
#: development worlds, where 2 to 3 did about as well. Never below 16 dS/m, from where all is strongly
#: saline (Richards 1954, USDA Handbook 60): a hot spot that the library missed still shows as what it is.
_HIGHEST_SD, _LEAST_HIGHEST = 2.5, float(np.log1p(16.0))
#: What ground points may correct, and how far: standard deviations of the slope and of the level (ln(1+ECe))
#: that tuned answers are wrong by, of what fields share, and of points. Chosen on development worlds.
_SLOPE_SD, _LEVEL_SD, _FIELD_SD, _POINT_SD = 0.3, 0.3, 0.3, 0.6


@dataclass(frozen=True, eq=False)
class Tuning:
    """How one scene is read. The default changes nothing.

    land    which land's networks answer; None = the general ones
    gain    (channel,) what the scene's channels are multiplied by; None = 1
    plane   (member, direction + 1) weights of the planes that answer in the networks' stead; None = they do
    scale, offset   answers become scale * answer + offset, on ln(1+ECe)
    highest  ln(1+ECe) that no answer is above; None = what holds of the student anywhere
    """

    land: int | None = None
    gain: Tensor | None = None
    plane: Tensor | None = None
    scale: float = 1.0
    offset: float = 0.0
    highest: float | None = None


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


def highest_by(mean: float, deviation: float) -> float:
    """ln(1+ECe) that answers on land with labels of this mean and standard deviation do not pass."""
    return max(mean + _HIGHEST_SD * deviation, _LEAST_HIGHEST)


def corrected(tuning: Tuning, level: float, stretch: float, shift: float) -> Tuning:
    """The line of a scene whose tuned answers have the mean `level`, stretched about it and shifted.

    The highest answer goes with it, upwards alone: points may say that a land is saltier than was thought.
    """
    offset = tuning.offset + stretch * (tuning.offset - level) + shift
    highest = tuning.highest
    if highest is not None:
        highest = max(highest, highest + stretch * (highest - level) + shift)
    return replace(tuning, scale=tuning.scale * (1 + stretch), offset=offset, highest=highest)


def tilted(tuning: Tuning, slopes: Tensor, centre: Tensor) -> Tuning:
    """The tuning whose answers also rise by slopes (direction,) times the inputs less `centre` (direction,).

    Raises ValueError for a scene that no plane reads.
    """
    if tuning.plane is None:
        raise ValueError("no plane reads the scene")
    lean = slopes.double() / tuning.scale
    change = torch.cat([lean, -(lean @ centre.double())[None]])
    return replace(tuning, plane=(tuning.plane.double() + change).float())


def correction_by(excess: Tensor, errors: Tensor, fields: Sequence[str]) -> Tensor:
    """(2,) stretch and shift that ground points (m,) of a land ask for.

    excess   tuned answers less their scene's level
    errors   truth less tuned answers, on ln(1+ECe)
    fields   points of one field share an error
    Few points move little: posterior mean of a linear model whose prior is "no correction" (Lindley and
    Smith 1972, J. R. Stat. Soc. B 34:1-41).
    """
    sides = torch.stack([excess, torch.ones_like(excess)]).double()
    prior = torch.tensor([_SLOPE_SD, _LEVEL_SD], dtype=torch.float64).square()
    names = np.asarray(fields)
    together = torch.as_tensor(names[:, None] == names[None, :]).double()
    noise = _FIELD_SD**2 * together + _POINT_SD**2 * torch.eye(len(names), dtype=torch.float64)
    learned = prior[:, None] * sides
    return (learned @ torch.linalg.solve(sides.T @ learned + noise, errors.double())).float()


def as_plain(tuning: Tuning) -> dict[str, object]:
    """For a model's card."""
    gain, plane = (None if one is None else one.tolist() for one in (tuning.gain, tuning.plane))
    line = {"scale": tuning.scale, "offset": tuning.offset, "highest": tuning.highest}
    return {"land": tuning.land, "gain": gain, "plane": plane, **line}


def from_plain(content: dict[str, object], architecture: BridgeArchitecture) -> Tuning:
    """Back from a card. Raises ValueError, TypeError or KeyError for what `as_plain` did not write."""
    a, land = architecture, content["land"]
    scale, offset = float(content["scale"]), float(content["offset"])  # type: ignore[arg-type]
    if land is not None and (not isinstance(land, int) or not 0 <= land < a.lands):
        raise ValueError(f"land {land!r} of {a.lands}")
    highest = None if content.get("highest") is None else float(content["highest"])  # type: ignore[arg-type]
    if not (abs(scale) < 1e3 and abs(offset) < 1e3 and (highest is None or 0 < highest < 1e3)):
        raise ValueError("a scene's scale, offset or highest answer is out of bounds")
    gain = _numbers(content["gain"], (a.channels,), "gain")
    plane = _numbers(content.get("plane"), (a.members, a.directions + 1), "plane")
    return Tuning(land, gain, plane, scale, offset, highest)


def _numbers(content: object, shape: tuple[int, ...], what: str) -> Tensor | None:
    if content is None:
        return None
    numbers = torch.tensor(content, dtype=torch.float32)
    if numbers.shape != shape or not bool(torch.isfinite(numbers).all()):
        raise ValueError(f"a scene's {what} must be {' x '.join(map(str, shape))} numbers")
    return numbers
