"""Several looks at a piece of land become one: weighted, the latest, or the median."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deepsalt.mapping.combine.statistics import deviation, half_widths
from deepsalt.preprocessing.present import median_present
from deepsalt.spectra import MaskReason
from deepsalt.units import ece_from_log, log_ece

How = Literal["weighted", "latest", "median"]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
#: Rows and columns of a window that a map covers.
Part = tuple[slice, slice]

#: Reasons that tell nothing of a pixel where another look has another reason.
_UNTOLD = (MaskReason.BACKGROUND, MaskReason.VALID)
#: The variance of the median of many normal values is that of their mean times this.
_MEDIAN_FACTOR = np.pi / 2


@dataclass(frozen=True, eq=False)
class Look:
    """What one map says of a window; all arrays (y, x).

    ece        dS/m, NaN where there is none
    reasons    MaskReason
    low, high  bounds of ECe, dS/m; None for a map without an interval
    level      share of places that should lie between the bounds
    above      probability that ECe exceeds a threshold, by name of the layer
    outside    True where the model should not be believed; None for a map that cannot tell
    """

    ece: NDArray[np.floating]
    reasons: NDArray[np.uint8]
    low: NDArray[np.floating] | None = None
    high: NDArray[np.floating] | None = None
    level: float = 0.9
    above: Mapping[str, NDArray[np.floating]] | None = None
    outside: Mask | None = None

    def numbers(self) -> dict[str, NDArray[np.floating]]:
        """The layers of numbers, by name."""
        bounds = {} if self.low is None or self.high is None else {"ece_low": self.low, "ece_high": self.high}
        return {"ece": self.ece, **bounds, **(self.above or {})}


@dataclass(frozen=True)
class Rules:
    """How looks are combined.

    rho         correlation of the errors of two looks, see `statistics`
    level       of the interval that is given; None where some map has no interval
    thresholds  ECe in dS/m of each layer of probabilities, by its name
    """

    rho: float
    level: float | None
    thresholds: Mapping[str, float]


class Gathering(ABC):
    """The looks at one window, taken in one after the other; the memory does not grow with their number,
    except for the median.

    Looks outside what the model knows count only where no look is inside. A pixel that is seen once keeps
    what its map says, to the last bit.
    """

    def __init__(self, shape: tuple[int, int], rules: Rules) -> None:
        self.rules = rules
        self.looks = np.zeros(shape, np.uint16)
        self._believed = np.zeros(shape, bool)
        self._reasons = np.zeros((len(MaskReason), *shape), np.uint16)
        names = ["ece", *(("ece_low", "ece_high", *rules.thresholds) if rules.level is not None else ())]
        self._own = {name: np.full(shape, np.nan, np.float32) for name in names}

    def add(self, look: Look, part: Part = np.s_[:, :]) -> None:
        """Take in one look, at a part of the window; the oldest look comes first."""
        spread = self._deviation(look)
        mapped = np.isfinite(look.ece) & np.isfinite(spread)
        self._count_reasons(look.reasons, mapped, part)
        believed = mapped if look.outside is None else mapped & ~look.outside
        self._forget(believed & ~self._believed[part], part)
        self._believed[part] |= believed
        taken = mapped & (believed | ~self._believed[part])
        self._keep(look, taken, part)
        self._take(log_ece(look.ece), spread, taken, part)
        self.looks[part] += taken

    def layers(self) -> dict[str, NDArray[Any]]:
        """Every layer of the window by its name, without the classes."""
        seen = self.looks > 0
        one = self.looks == 1
        numbers = {name: np.where(one, self._own[name], made) for name, made in self._combined().items()}
        return {
            **{name: np.where(seen, made, np.nan).astype(np.float32) for name, made in numbers.items()},
            "mask": self._main_reason(),
            "outside": np.where(seen, np.where(self._believed, 0, 1), 255).astype(np.uint8),
            "looks": self.looks,
        }

    def _deviation(self, look: Look) -> Floats:
        """1 everywhere where not all maps know their errors, so that looks count alike."""
        if self.rules.level is None or look.low is None or look.high is None:
            return np.ones(look.ece.shape)
        return deviation(look.ece, look.low, look.high, look.level)

    def _keep(self, look: Look, taken: Mask, part: Part) -> None:
        first = taken & (self.looks[part] == 0)
        for name, numbers in look.numbers().items():
            if name in self._own:
                self._own[name][part][first] = numbers[first]

    def _forget(self, where: Mask, part: Part) -> None:
        """Begin anew where the first look inside what the model knows follows looks outside."""
        self.looks[part][where] = 0

    @abstractmethod
    def _take(self, x: Floats, spread: Floats, taken: Mask, part: Part) -> None:
        """One look's ln(1+ECe) and its standard deviation, of the pixels where it is taken."""

    @abstractmethod
    def _combined(self) -> dict[str, Floats]:
        """Every layer of numbers; anything where no look was taken."""

    def _count_reasons(self, reasons: NDArray[np.uint8], mapped: Mask, part: Part) -> None:
        told = np.where(~mapped & (reasons == MaskReason.VALID), MaskReason.DEFECTIVE, reasons)
        for reason in MaskReason:
            self._reasons[reason][part] += told == reason

    def _main_reason(self) -> NDArray[np.uint8]:
        """VALID where a look was taken, else the reason of most looks; of equals the first in MaskReason."""
        counts = self._reasons.copy()
        counts[list(_UNTOLD)] = 0
        main = np.where(counts.any(axis=0), counts.argmax(axis=0), MaskReason.BACKGROUND)
        return np.where(self.looks > 0, MaskReason.VALID, main).astype(np.uint8)


class Averaged(Gathering):
    """A middle of all looks, with a normal error around it."""

    def _combined(self) -> dict[str, Floats]:
        middle, spread = self._middle_and_spread()
        numbers = {"ece": ece_from_log(middle)}
        if self.rules.level is not None:
            half = half_widths(self.rules.level) * spread
            numbers |= {"ece_low": ece_from_log(middle - half), "ece_high": ece_from_log(middle + half)}
            numbers |= {name: _above(middle, spread, at) for name, at in self.rules.thresholds.items()}
        return numbers

    @abstractmethod
    def _middle_and_spread(self) -> tuple[Floats, Floats]:
        """ln(1+ECe) and its standard deviation; anything where no look was taken."""


class Weighted(Averaged):
    """Weights are inverse variances, w = 1 / s^2.

    The variance of the mean with errors of correlation rho is
    [(1 - rho) sum w^2 s^2 + rho (sum w s)^2] / (sum w)^2.
    """

    def __init__(self, shape: tuple[int, int], rules: Rules) -> None:
        super().__init__(shape, rules)
        self._weight, self._sum, self._shared = (np.zeros(shape) for _ in range(3))

    def _forget(self, where: Mask, part: Part) -> None:
        super()._forget(where, part)
        for sums in (self._weight, self._sum, self._shared):
            sums[part][where] = 0.0

    def _take(self, x: Floats, spread: Floats, taken: Mask, part: Part) -> None:
        weight = np.where(taken, 1 / spread**2, 0.0)
        self._weight[part] += weight
        self._sum[part] += weight * np.where(taken, x, 0.0)
        self._shared[part] += weight * np.where(taken, spread, 0.0)

    def _middle_and_spread(self) -> tuple[Floats, Floats]:
        total = np.where(self.looks > 0, self._weight, 1.0)
        variance = (1 - self.rules.rho) * total + self.rules.rho * self._shared**2
        return self._sum / total, np.sqrt(variance) / total


class Latest(Gathering):
    """The last look that shows the pixel, as its map says it."""

    def _keep(self, look: Look, taken: Mask, part: Part) -> None:
        for name, numbers in look.numbers().items():
            if name in self._own:
                self._own[name][part][taken] = numbers[taken]

    def _combined(self) -> dict[str, Floats]:
        return {name: numbers.astype(np.float64) for name, numbers in self._own.items()}

    def _take(self, x: Floats, spread: Floats, taken: Mask, part: Part) -> None:
        """Nothing beside what is kept."""


class Median(Averaged):
    """The median of ln(1+ECe); robust against a look that is far off.

    What the looks share passes into the median whole; what each errs by itself shrinks as in a mean of equal
    weights, with the variance of a median of normal values from three looks on.
    """

    def __init__(self, shape: tuple[int, int], rules: Rules) -> None:
        super().__init__(shape, rules)
        self._values: list[Floats] = []
        self._variance, self._shared = np.zeros(shape), np.zeros(shape)

    def _forget(self, where: Mask, part: Part) -> None:
        super()._forget(where, part)
        for sums, nothing in (
            (self._variance, 0.0),
            (self._shared, 0.0),
            *((v, np.nan) for v in self._values),
        ):
            sums[part][where] = nothing

    def _take(self, x: Floats, spread: Floats, taken: Mask, part: Part) -> None:
        values = np.full(self.looks.shape, np.nan)
        values[part] = np.where(taken, x, np.nan)
        self._values.append(values)
        self._variance[part] += np.where(taken, spread**2, 0.0)
        self._shared[part] += np.where(taken, spread, 0.0)

    def _middle_and_spread(self) -> tuple[Floats, Floats]:
        rho, count = self.rules.rho, np.maximum(self.looks, 1).astype(np.float64)
        factor = np.where(count > 2, _MEDIAN_FACTOR, 1.0)
        variance = (1 - rho) * factor * self._variance + rho * self._shared**2
        values = np.stack(self._values) if self._values else np.full((1, *count.shape), np.nan)
        return median_present(values, axis=0), np.sqrt(variance) / count


GATHERINGS: Mapping[How, type[Gathering]] = {"weighted": Weighted, "latest": Latest, "median": Median}


def _above(middle: Floats, spread: Floats, threshold_ds_m: float) -> Floats:
    from scipy.special import ndtr

    room = middle - float(log_ece(threshold_ds_m))
    return np.asarray(ndtr(room / np.where(spread > 0, spread, 1.0)))
