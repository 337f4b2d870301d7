"""What an adaptation learns from, and what it must be able to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import BandError, UsageError

Floats = NDArray[np.float64]
#: Reflectance (k, bands) to ln(1+ECe) (k,).
Answer = Callable[[Floats], Floats]

#: Answers lie between 0 and this times the largest label seen, on the log scale.
CEILING = 1.25
_MATRICES = ("source_x", "target_x", "unlabelled_x", "pair_x")


@dataclass(frozen=True, eq=False)
class Domains:
    """What an adaptation may learn from: laboratory spectra on the sensor's own bands, and pixels.

    source_x       (n, bands) laboratory reflectance as the sensor would see it, fraction
    source_y       (n,) ln(1+ECe)
    source_groups  (n,) rows of one group are never split; a name in both domains is one group
    target_x       (m, bands) labelled pixels; m may be 0
    target_y       (m,) ln(1+ECe)
    target_groups  (m,)
    unlabelled_x   (u, bands) pixels without a label; u may be 0
    pair_source    (p,) rows of source_x; p may be 0
    pair_x         (p, bands) the pixel beside each of them
    wavelengths    (bands,) nm

    Raises UsageError for shapes that do not fit together, BandError for values that are missing.
    """

    source_x: Floats
    source_y: Floats
    source_groups: NDArray
    target_x: Floats
    target_y: Floats
    target_groups: NDArray
    unlabelled_x: Floats
    pair_source: NDArray[np.intp]
    pair_x: Floats
    wavelengths: Floats

    def __post_init__(self) -> None:
        for name in (*_MATRICES, "source_y", "target_y", "wavelengths"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64))
        object.__setattr__(self, "pair_source", np.asarray(self.pair_source, np.intp))
        for name in ("source_groups", "target_groups"):
            object.__setattr__(self, name, np.asarray(getattr(self, name)).astype(str))
        self._check_shapes()
        for name in _MATRICES:
            _check_filled(name, getattr(self, name))

    def _check_shapes(self) -> None:
        bands, n, m = len(self.wavelengths), len(self.source_y), len(self.target_y)
        rows = {"source_x": n, "target_x": m, "pair_x": len(self.pair_source)}
        for name in _MATRICES:
            wanted = (rows.get(name, len(self.unlabelled_x)), bands)
            if getattr(self, name).shape != wanted:
                raise UsageError(f"{name} has shape {getattr(self, name).shape}, {wanted} was expected")
        for name, size in (("source_groups", n), ("target_groups", m)):
            if getattr(self, name).shape != (size,):
                raise UsageError(f"{name} has shape {getattr(self, name).shape}, ({size},) was expected")
        if n == 0:
            raise UsageError("there is no laboratory spectrum to learn from")
        if len(self.pair_source) and not 0 <= self.pair_source.min() <= self.pair_source.max() < n:
            raise UsageError(f"pair_source names rows outside of the {n} laboratory spectra")

    @property
    def pixels(self) -> Floats:
        """(m + u, bands) all pixels, labelled or not."""
        return np.vstack([self.target_x, self.unlabelled_x])

    @property
    def pair_y(self) -> Floats:
        """(p,) ln(1+ECe) of the laboratory sample of each pair."""
        return self.source_y[self.pair_source]

    @property
    def pair_groups(self) -> NDArray:
        """(p,) group of the laboratory sample of each pair."""
        return self.source_groups[self.pair_source]

    @property
    def ceiling(self) -> float:
        """The largest ln(1+ECe) an answer may have."""
        return CEILING * float(np.max(np.r_[self.source_y, self.target_y]))

    def without(self, groups: NDArray) -> Domains:
        """The same without laboratory samples, labelled pixels and pairs of these groups.

        A pixel that is both a labelled one and one of a pair goes in both roles. Unlabelled pixels
        stay: nobody can tell what they belong to.
        """
        source = ~np.isin(self.source_groups, groups)
        kept = ~np.isin(self.target_groups, groups)
        target = kept & ~_among(self.target_x, self.pair_x[~source[self.pair_source]])
        pair = source[self.pair_source] & ~_among(self.pair_x, self.target_x[~kept])
        return replace(
            self,
            source_x=self.source_x[source],
            source_y=self.source_y[source],
            source_groups=self.source_groups[source],
            target_x=self.target_x[target],
            target_y=self.target_y[target],
            target_groups=self.target_groups[target],
            pair_source=(np.cumsum(source) - 1)[self.pair_source[pair]],
            pair_x=self.pair_x[pair],
        )


class Adaptation(Protocol):
    """A way to use laboratory spectra for pixels.

    name    short, as in a config file
    title   as in a table
    source  the publication it comes from
    """

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def source(self) -> str: ...

    def fit(self, domains: Domains, seed: int) -> Answer:
        """Learn, and return what answers for pixels. Same seed, same answers.

        Raises UsageError if the method needs something that `domains` does not hold.
        """
        ...


def bounded(answer: Answer, domains: Domains) -> Answer:
    """The same answers, kept between 0 and a quarter above the largest label seen."""
    ceiling = domains.ceiling

    def clipped(x: Floats) -> Floats:
        return np.clip(answer(np.asarray(x, np.float64)), 0.0, ceiling)

    return clipped


def require(name: str, count: int, least: int, what: str, fix: str) -> None:
    """Raise UsageError unless a method finds at least `least` of what it needs."""
    if count < least:
        raise UsageError(f"the adaptation {name} needs {what}: at least {least}, found {count}", fix=fix)


def require_pixels(name: str, domains: Domains, least: int = 10) -> None:
    """Raise UsageError unless there are enough pixels, labelled or not."""
    require(name, len(domains.pixels), least, "pixels", "Give unlabelled pixels of the scenes.")


def require_pairs(name: str, domains: Domains, least: int = 10) -> None:
    """Raise UsageError unless there are enough pairs of laboratory sample and pixel."""
    fix = "Give pixels near the library's sites, a larger distance, or a method without pairs."
    require(name, len(domains.pair_source), least, "pairs of laboratory sample and pixel", fix)


def _among(rows: Floats, others: Floats) -> NDArray[np.bool_]:
    """(row,) whether the very same spectrum stands in others."""
    known = {other.tobytes() for other in others}
    return np.array([row.tobytes() in known for row in rows], dtype=bool)


def _check_filled(name: str, values: Floats) -> None:
    wrong = ~np.isfinite(values).all(axis=1)
    if wrong.any():
        raise BandError(
            f"{int(wrong.sum())} of {len(values)} spectra in {name} lack a value in some band "
            f"(first: row {int(np.argmax(wrong)) + 1})",
            fix="Drop these spectra, or the bands that are missing.",
        )
