"""Which ground points may label which image: by depth, date, season and certainty of place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.spectra import Scene

#: Days from one season to the same season of the next year.
_YEAR_DAYS = 365
#: A point whose error spans more pixels than this to each side belongs to no pixel.
MOST_REACH = 10
#: Pixels: a map's metres are not quite those of the ground (UTM: up to 0.4 in a thousand).
_SLACK = 0.01


@dataclass(frozen=True)
class PointRules:
    """What a ground point must fulfil to label a pixel; None asks nothing.

    max_days          at most so many days between the sample and the image
    months            both are of one of these months, 1-12
    same_season_days  at most so many days apart within the year, whichever year
    max_depth_top_cm  optics sees the top: a sample that begins deeper is left out; one that does not say
                      its depth stays
    position_error_m  of points that do not state theirs (column `position_error_m`)
    min_purity        least `pixel_purity`, see `deepsalt.sampling.purity`; a pixel that has no valid
                      neighbour cannot show it and is left out

    Where a rule asks for dates, points and images without one are left out: they cannot show that they
    fulfil it. Raises UsageError for values that cannot be.
    """

    max_days: float | None = None
    months: tuple[int, ...] | None = None
    same_season_days: float | None = None
    max_depth_top_cm: float | None = None
    position_error_m: float | None = None
    min_purity: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_days", "same_season_days", "max_depth_top_cm", "position_error_m"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise UsageError(f"{name} is {value}", fix="Use 0 or more.")
        if self.min_purity is not None and not 0 <= self.min_purity <= 1:
            raise UsageError(f"min_purity is {self.min_purity}", fix="Use 0 to 1; 1 is a uniform pixel.")
        if self.months is not None and not set(self.months) <= set(range(1, 13)):
            raise UsageError(f"months are {list(self.months)}", fix="Use numbers from 1 to 12.")

    @property
    def asks_for_dates(self) -> bool:
        return any(rule is not None for rule in (self.max_days, self.months, self.same_season_days))

    def kept(self, points: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        """The points that may label any image, and a sentence on each kind that was left out."""
        keep = np.ones(len(points), bool)
        told: list[str] = []
        if self.max_depth_top_cm is not None:
            keep &= ~self._deeper(points, told)
        if self.asks_for_dates:
            undated = ~np.isfinite(_days(points))
            told += _told(undated & keep, points, "have no date, which the rules on dates ask for")
            keep &= ~undated
        return points[keep].reset_index(drop=True), told

    def _deeper(self, points: pd.DataFrame, told: list[str]) -> NDArray[np.bool_]:
        top = _numbers(points, "depth_top_cm")
        unknown = int(np.isnan(top).sum())
        if unknown:
            told.append(f"{unknown} of {len(points)} ground points do not say their depth; they stay")
        deeper = np.nan_to_num(top, nan=0.0) > (self.max_depth_top_cm or 0.0)
        told += _told(deeper, points, f"begin deeper than {self.max_depth_top_cm:g} cm")
        return deeper

    def allowed(self, points: pd.DataFrame, scene: Scene) -> NDArray[np.bool_]:
        """(point,) whether the image may be labelled by each point, as far as dates tell."""
        fit = np.ones(len(points), bool)
        if not self.asks_for_dates:
            return fit
        if scene.acquired is None:
            return ~fit
        apart = np.abs(days_apart(points, scene))
        if self.max_days is not None:
            fit &= apart <= self.max_days
        if self.same_season_days is not None:
            fit &= _apart_in_year(points, scene) <= self.same_season_days
        if self.months is not None:
            fit &= np.isin(_dates(points).dt.month.to_numpy(), self.months)
            fit &= scene.acquired.month in self.months
        return fit

    def reach(self, points: pd.DataFrame, pixel_m: float) -> NDArray[np.intp]:
        """(point,) pixels to each side that the error of a point covers, at least 1: the 3 x 3 around it.

        Wherever in its pixel a point lies, an error of one pixel's width stays within the 3 x 3. Beyond
        MOST_REACH the number is MOST_REACH + 1.
        """
        error = _numbers(points, "position_error_m")
        error = np.where(np.isnan(error), self.position_error_m or 0.0, error)
        return np.clip(np.ceil(error / pixel_m - _SLACK), 1, MOST_REACH + 1).astype(np.intp)


def days_apart(points: pd.DataFrame, scene: Scene) -> NDArray[np.float64]:
    """(point,) whole days from the sample to the image, negative where the image is earlier; NaN unknown."""
    return _day_of(scene) - _days(points)


def nearest_in_date(gaps: NDArray[np.float64], scenes: NDArray[np.intp], points: NDArray) -> NDArray[np.intp]:
    """Of several looks at each point the row of the one nearest in date; without dates of the first scene.

    gaps, scenes, points   (look,) days apart (NaN unknown), number of the scene, number of the point
    returns                rows of the chosen looks, sorted
    """
    order = np.lexsort((scenes, np.nan_to_num(np.abs(gaps), nan=np.inf), points))
    first = np.unique(points[order], return_index=True)[1]
    return np.sort(order[first])


def undated(scenes: Sequence[Scene]) -> list[str]:
    """Names of the scenes that do not say when they were taken."""
    return [scene.name for scene in scenes if scene.acquired is None]


def _told(left_out: NDArray[np.bool_], points: pd.DataFrame, why: str) -> list[str]:
    count = int(left_out.sum())
    return [f"{count} of {len(points)} ground points left out: they {why}"] if count else []


def _numbers(points: pd.DataFrame, column: str) -> NDArray[np.float64]:
    if column not in points:
        return np.full(len(points), np.nan)
    return points[column].to_numpy(np.float64, na_value=np.nan)


def _dates(points: pd.DataFrame) -> pd.Series:
    if "date" not in points:
        return pd.Series(pd.NaT, index=points.index, dtype="datetime64[ns]")
    return pd.to_datetime(points["date"], errors="coerce")


def _days(points: pd.DataFrame) -> NDArray[np.float64]:
    """(point,) days since 1970, NaN where a point has no date."""
    since = (_dates(points) - pd.Timestamp(0)) / pd.Timedelta(days=1)
    return np.floor(since.to_numpy(np.float64))


def _day_of(scene: Scene) -> float:
    return float("nan") if scene.acquired is None else float(scene.acquired.date().toordinal() - _EPOCH)


_EPOCH = pd.Timestamp(0).date().toordinal()


def _apart_in_year(points: pd.DataFrame, scene: Scene) -> NDArray[np.float64]:
    """(point,) days between the days of the year, the short way round."""
    assert scene.acquired is not None
    day = _dates(points).dt.day_of_year.to_numpy(np.float64)
    apart = np.abs(day - scene.acquired.timetuple().tm_yday)
    return np.minimum(apart, np.abs(_YEAR_DAYS - apart))
