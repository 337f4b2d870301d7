"""What laboratory samples, and the pixels about them, say of the ground near them.

Salt and what a scene's answers say of it are two fields over one ground. Samples tell the one at their
places, patches of pixels the other at theirs. The answers are taken for what they are made to be, the mean of
salt where spectra look so: their covariance with salt is their own variance. Cokriging (Myers 1982, Math.
Geol. 14, 249) then tells what to expect at a place, of salt and of a pixel's answer; how far the pixel
differs from the one moves the other, the less the more samples have said. How much of either a place shares
with none beside it is what makes answers and labels likeliest (Mardia and Marshall 1984, Biometrika 71, 135).
Where EC was not measured, what a teacher says of it counts, the less the more it errs.

Samples also tell where the plane that reads the scene leans wrongly: a trend in its inputs, with slopes of
which nothing is known but that they are small (Omre 1987, Math. Geol. 19, 25).
No spectrum of a sample is read here, and none needs a pixel of its own.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve

from deepsalt.estimators.nearby import DEGREE_M, REACH_M, Nearby, alike, apart_m
from deepsalt.estimators.sites import PLACE, Sites

Floats = NDArray[np.float64]

#: A sample needs a pixel within one reach to be heard; patches further than three from all are left aside.
_ASIDE = 3
FEWEST_SITES = 10
#: What is tried: share of the variance of answers that a pixel shares with no other, and the same of what
#: answers leave of salt.
_ROUGH = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.99)
_ALONE = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.99)
_LEAST_ROUGH = 0.005  # an answer is never known to the digit
#: Prior standard deviation of each input's slope, in those of salt and of inputs. 0.04 to 0.08 did as well on
#: development worlds.
_SLOPE = 0.06
#: Variance of answers over that of salt: they are never all that can be known.
_MOST_READ, _LEAST_READ = 0.9, 1e-4
_LEAST_GAIN = 0.2  # of a label that errs by as much as salt varies
_NOTHING = 1e-12


class Tilt(NamedTuple):
    """What a scene's answers lack by its inputs: slopes (input,) times the inputs less `centre` (input,)."""

    slopes: Floats
    centre: Floats


class Patches(NamedTuple):
    """Pixels of a scene, put together where they lie together.

    places   (n, 2) degrees, latitude first
    answers  (n,) mean ln(1+ECe)
    inputs   (n, input) mean inputs of the student; none for a scene that no plane reads
    pixels   (n,) of each
    level, variance   of the answers of all pixels
    inside, apart_m, freedom   variance of answers inside patches, how far pixels of a patch lie apart (root
                               mean square), and how many of them tell that; 0 where each is its own patch
    spread   (input,) standard deviation over all pixels
    centre   (input,) mean over all pixels
    """

    places: Floats
    answers: Floats
    inputs: Floats
    pixels: Floats
    level: float
    variance: float
    inside: float
    apart_m: float
    freedom: int
    spread: Floats
    centre: Floats

    @classmethod
    def of(
        cls, places: pd.DataFrame, answers: ArrayLike, patches: NDArray[np.intp], inputs: ArrayLike
    ) -> Patches:
        """Of pixels with their places, answers (n,), patches (n,) and inputs (n, input)."""
        said, seen = np.asarray(answers, np.float64), np.asarray(inputs, np.float64)
        table = np.column_stack([places[list(PLACE)].to_numpy(np.float64), said, seen])
        number, pixels = np.unique(patches, return_inverse=True, return_counts=True)[1:]
        sums = np.zeros((len(pixels), table.shape[1]))
        np.add.at(sums, number, table)
        means = sums / pixels[:, None]
        inside, freedom = table[:, :3] - means[number, :3], len(table) - len(pixels)
        east = np.cos(np.radians(means[:, 0].mean())) if len(means) else 1.0
        square = (inside**2).sum(axis=0) / max(freedom, 1) * np.array([DEGREE_M, east * DEGREE_M, 1.0]) ** 2
        return cls(
            places=means[:, :2],
            answers=means[:, 2],
            inputs=means[:, 3:],
            pixels=pixels.astype(np.float64),
            level=float(said.mean()),
            variance=float(said.var()),
            inside=float(square[2]),
            apart_m=float(np.sqrt(2 * square[:2].sum())),
            freedom=freedom,
            spread=seen.std(axis=0),
            centre=seen.mean(axis=0),
        )

    def take(self, rows: NDArray[np.bool_]) -> Patches:
        one = self._replace(places=self.places[rows], answers=self.answers[rows])
        return one._replace(inputs=self.inputs[rows], pixels=self.pixels[rows])


def cokrige(sites: Sites, about: Patches) -> tuple[Nearby | None, Tilt | None, dict[str, Any]]:
    """What the sites say of a scene by place and by input, None where it is not worth hearing, and facts.

    No tilt is found where patches have no inputs.
    """
    near = apart_m(sites.places, about.places)
    heard = near.min(axis=1, initial=np.inf) < REACH_M
    facts: dict[str, Any] = {"sites": int(heard.sum()), "believed": 0.0}
    sites, about = sites.take(heard), about.take((near[heard] < _ASIDE * REACH_M).any(axis=0))
    if facts["sites"] < FEWEST_SITES or _variance(sites) < _NOTHING:
        return None, None, facts
    ground = min((_Ground(sites, about, rough) for rough in _ROUGH), key=lambda one: one.unlikely)
    found = min((_Heard(ground, alone) for alone in _ALONE), key=lambda one: one.unlikely)
    facts |= {"believed": found.believed, "rough": ground.rough, "alone": found.alone}
    if not found.believed:
        return None, None, facts
    return found.heard(), found.tilt(), facts


def _variance(sites: Sites) -> float:
    """Of salt: an estimate varies less than what it stands for, by its error."""
    return float(sites.label.var() + np.mean(sites.error**2))


def _unlikely(covariance: Floats, seen: Floats) -> float:
    """Negative logarithm of the likelihood of (n,), normal with mean 0, but for a constant."""
    factor = cho_factor(covariance, lower=True)
    return float(seen @ cho_solve(factor, seen)) / 2 + float(np.log(np.diag(factor[0])).sum())


class _Ground:
    """Answers over the ground about the sites, and what they say there.

    rough   share of the variance of answers that a pixel shares with no other
    salt, read   variance of salt, and of answers
    """

    def __init__(self, sites: Sites, about: Patches, rough: float) -> None:
        self.sites, self.about, self.rough = sites, about, rough
        self.salt = max(_variance(sites), about.variance / _MOST_READ)
        self.read = max(about.variance, _LEAST_READ * self.salt)
        self.answers = about.answers - about.level
        self.pixel = max(rough, _LEAST_ROUGH)
        alone = np.diag(self.pixel / about.pixels)
        self.patches = (1 - rough) * alike(about.places, about.places) + alone

    @cached_property
    def unlikely(self) -> float:
        """How unlikely the answers are: of patches, and of their pixels about them."""
        about = self.about
        inside = self.pixel + (1 - self.rough) * (1 - np.exp(-about.apart_m / REACH_M))
        inside = self.read * max(inside, _NOTHING)
        pixels = about.freedom / 2 * (np.log(inside) + about.inside / inside)
        return _unlikely(self.read * self.patches, self.answers) + float(pixels)

    @cached_property
    def gain(self) -> Floats:
        """(m,) share of salt that a label follows."""
        return np.clip(1 - self.sites.error**2 / self.salt, _LEAST_GAIN, 1.0)

    @cached_property
    def between(self) -> Floats:
        """(m, patch) how much each patch counts at a site, for answers and inputs alike."""
        like = alike(self.sites.places, self.about.places)
        return np.asarray((1 - self.rough) * np.linalg.solve(self.patches, like.T).T)

    @cached_property
    def by_pixels(self) -> Floats:
        """(m,) what pixels alone say of the labels, less the mean answer."""
        return self.gain * (self.between @ self.answers)

    @cached_property
    def near(self) -> Floats:
        """(m, m) how alike the ground is at the sites."""
        return alike(self.sites.places, self.sites.places)

    @cached_property
    def open(self) -> Floats:
        """(m, m) covariance, over a variance of 1, of what patches leave open of answers at the sites."""
        whole = (1 - self.rough) * self.near + self.rough * np.eye(len(self.near))
        return whole - self.between @ self.patches @ self.between.T

    @cached_property
    def spread(self) -> float:
        """Of inputs."""
        return max(float(np.mean(self.about.spread)) if len(self.about.spread) else 0.0, _NOTHING)

    @cached_property
    def seen(self) -> Floats:
        """(patch, input) less their mean, in spreads."""
        return (self.about.inputs - self.about.centre) / self.spread

    @cached_property
    def leaning(self) -> Floats:
        """(m, m) covariance of what unknown slopes add at the sites."""
        inputs, varied = self.between @ self.seen, float(np.sum((self.about.spread / self.spread) ** 2))
        return _SLOPE**2 * self.salt * (inputs @ inputs.T + varied * self.open)


class _Heard:
    """What the sites say where this share of what answers leave of salt is a place's own."""

    def __init__(self, ground: _Ground, alone: float) -> None:
        self.ground, self.alone = ground, alone
        g, rest = ground, (ground.salt - ground.read)
        self.shared = g.read * (1 - g.rough) + rest * (1 - alone)
        self.own = g.gain**2 * (g.read * g.rough + rest * alone) + g.gain * g.sites.error**2
        both = g.gain[:, None] * g.gain
        labels = both * (self.shared * g.near + g.leaning) + np.diag(self.own)
        # Both beside what the pixels say.
        self.covariance = labels - both * g.read * (g.between @ g.patches @ g.between.T)
        self.missing = g.sites.label - g.about.level - g.by_pixels

    @cached_property
    def unlikely(self) -> float:
        """How unlikely answers and labels are."""
        return self.ground.unlikely + _unlikely(self.covariance, self.missing)

    @cached_property
    def inverse(self) -> Floats:
        return np.asarray(np.linalg.inv(self.covariance))

    @cached_property
    def weights(self) -> Floats:
        """(m,) of each label."""
        return self.inverse @ self.missing

    @cached_property
    def believed(self) -> float:
        """Share of what sites say that is believed, 0 to 1.

        The slope of the line from what the others say of a site without it (in closed form: Dubrule 1983,
        Math. Geol. 15, 687) to its label, both less what pixels alone say: what does not agree, or lies in a
        wrong place, has none.
        """
        told = self.missing - self.weights / np.diag(self.inverse)
        counts = 1 / (self.ground.salt + self.own)
        size = float(counts @ told**2)
        return float(np.clip(counts @ (self.missing * told) / size, 0.0, 1.0)) if size > _NOTHING else 0.0

    @cached_property
    def _slopes(self) -> Floats:
        """(input,) of salt on inputs in spreads, beside the answers."""
        g = self.ground
        heard = (g.between @ g.seen).T @ (g.gain * self.weights)
        return np.asarray(self.believed * _SLOPE**2 * g.salt * heard)

    def tilt(self) -> Tilt | None:
        if not len(self.ground.about.spread):
            return None
        return Tilt(self._slopes / self.ground.spread, self.ground.about.centre)

    def heard(self) -> Nearby:
        g = self.ground
        smooth = g.read * (1 - g.rough)
        sites, pixels = self.believed * g.gain * self.weights, np.linalg.solve(g.patches, g.answers) / g.read
        pixels = self.believed * smooth * (pixels - g.between.T @ (g.gain * self.weights))
        tilted = (1 - g.rough) * np.linalg.solve(g.patches, g.seen @ self._slopes)
        places = np.concatenate([g.sites.places, g.about.places])
        return Nearby(
            latitude=places[:, 0],
            longitude=places[:, 1],
            salt=np.concatenate([self.shared * sites, pixels + tilted]),
            read=np.concatenate([smooth * sites, pixels + tilted]),
            gain=g.gain,
            alone=self.own / self.shared,
            rough=g.rough,
            alike=smooth * (1 - g.rough) / self.shared,
            level=g.about.level,
            believed=self.believed,
        )
