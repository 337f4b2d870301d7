"""Several dates of a place as one scene: of each pixel the bare soil that its unmasked dates show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, cast, get_args

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.preprocessing.grids import same_grid, shared_windows
from deepsalt.preprocessing.levels import sampled_level
from deepsalt.preprocessing.look_bands import Onto, bands_of, onto
from deepsalt.preprocessing.looks import bare_mean, medoid_look, spread_of
from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules, surface_mask
from deepsalt.preprocessing.present import mean_present, median_present
from deepsalt.preprocessing.read_ahead import AHEAD
from deepsalt.spectra import MaskReason, Scene, Spectra, Window

How = Literal["bare", "median", "medoid"]

#: Facts that only a composite has, for the tags of its map; the last two where every date is known.
OF_COMPOSITE = ("composite", "scenes", "first acquired", "last acquired")

#: Pixels, dates counted one by one, that are held at once: with 224 bands about 60 MB, and as much again
#: for the sorting.
_PIXELS_AT_ONCE = 65_536
#: The last windows are kept, because a reader asks for the mask as well and threads are about several windows
#: at once: no more than so many, nor more pixels together.
_KEPT_WINDOWS, _KEPT_PIXELS = AHEAD + 1, 262_144
#: Reasons from the one that tells most of a pixel to the one that tells least, for ties.
_TELLING = (*(reason for reason in MaskReason if reason > MaskReason.BACKGROUND), MaskReason.BACKGROUND)


class Composed(NamedTuple):
    """One window of a composite.

    values   (y, x, band) reflectance, NaN where no date shows bare soil
    reasons  (y, x) MaskReason: VALID, or what masked most of the dates
    looks    (y, x) number of unmasked dates
    """

    values: NDArray[np.float32]
    reasons: NDArray[np.uint8]
    looks: NDArray[np.uint16]


@dataclass(frozen=True, eq=False, kw_only=True)
class Composite(Scene):
    """A scene made of several, worked out window by window when it is read. Make one with `composite`.

    scenes   the dates, in their order in time
    parts    window of each scene that is row 0, column 0 and so on of the composite
    onto     how each scene's bands become those of `sensor`
    how      "bare", "median" or "medoid"
    rules    what a date must not show to count
    min_looks   a pixel with fewer unmasked dates is masked
    """

    scenes: tuple[Scene, ...]
    parts: tuple[Window, ...]
    onto: tuple[Onto, ...]
    how: How
    rules: SurfaceRules
    min_looks: int = 1
    _last: list[tuple[Window, Composed]] = field(default_factory=list, repr=False)
    _levels: list[NDArray[np.float32]] = field(default_factory=list, repr=False)

    def read(self, window: Window | None = None) -> Spectra:
        """The composite's reflectance (y, x, band) of a window; NaN where it is masked."""
        return Spectra.of_image(
            self.composed(window).values, self.sensor.axis, sensor=self.sensor, provenance=self.notes
        )

    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        """(y, x) MaskReason: where too few dates show bare soil, the reason that masked most others."""
        return self.composed(window).reasons

    def composed(self, window: Window | None = None) -> Composed:
        """Values, mask and number of looks of a window."""
        asked = self.whole() if window is None else Window(*window)
        for known, result in tuple(self._last):
            if known == asked:
                return result
        result = _joined([self._compose(strip) for strip in self._strips(asked)])
        self._keep(asked, result)
        return result

    def _keep(self, asked: Window, result: Composed) -> None:
        kept = [*tuple(self._last)[1 - _KEPT_WINDOWS :], (asked, result)]
        while kept and sum(window.rows * window.columns for window, _ in kept) > _KEPT_PIXELS:
            kept.pop(0)
        self._last[:] = kept

    def levels(self) -> NDArray[np.float32]:
        """(date, band) what "bare" multiplies each date by, see `common_level`; a sample of pixels tells."""
        if not self._levels:
            self._levels[:] = [sampled_level(lambda window: self._looks(window)[0], list(self.windows()))]
        return self._levels[0]

    def spread(self, window: Window | None = None) -> NDArray[np.float32]:
        """(y, x) mean of `band_spread` over the sensor's good bands."""
        asked = self.whole() if window is None else Window(*window)
        good = np.asarray(self.sensor.good)
        return np.concatenate(
            [mean_present(spread_of(self._looks(strip)[0][..., good])) for strip in self._strips(asked)]
        )

    def band_spread(self, window: Window | None = None) -> NDArray[np.float32]:
        """(y, x, band) robust standard deviation over the dates, 1.4826 MAD; NaN below two looks."""
        asked = self.whole() if window is None else Window(*window)
        return np.concatenate([spread_of(self._looks(strip)[0]) for strip in self._strips(asked)])

    def windows(self, pixels: int = _PIXELS_AT_ONCE) -> Iterator[Window]:
        """As of any scene, smaller by the number of dates: memory stays what one scene would take."""
        return super().windows(max(1, pixels // len(self.scenes)))

    def _strips(self, window: Window) -> Iterator[Window]:
        """The window in strips of rows that are small enough to be held once a date."""
        held = _PIXELS_AT_ONCE // len(self.scenes) // max(1, window.columns)
        rows = max(1, held // self.block[0]) * max(1, self.block[0])
        for first in range(window.row, window.row + window.rows, rows):
            height = min(rows, window.row + window.rows - first)
            yield Window(first, window.column, height, window.columns)

    def _compose(self, window: Window) -> Composed:
        looks, reasons = self._looks(window)
        count = (reasons == MaskReason.VALID).sum(axis=0).astype(np.uint16)
        enough = count >= self.min_looks
        if self.how == "bare":
            values = bare_mean(looks * self.levels()[:, None, None, :], self.sensor.axis)
        else:
            values = median_present(looks, axis=0) if self.how == "median" else medoid_look(looks)
        values[~enough] = np.nan
        return Composed(values, np.where(enough, MaskReason.VALID, _main_reason(reasons)), count)

    def _looks(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """(date, y, x, band) reflectance, NaN where a date is masked, and (date, y, x) MaskReason."""
        shape = (len(self.scenes), window.rows, window.columns)
        looks = np.empty((*shape, len(self.sensor)), np.float32)
        reasons = np.empty(shape, np.uint8)
        for number, (scene, part, carry) in enumerate(zip(self.scenes, self.parts, self.onto, strict=True)):
            there = Window(part.row + window.row, part.column + window.column, window.rows, window.columns)
            spectra = scene.read(there)
            reasons[number] = surface_mask(spectra, scene.mask(there), self.rules)
            looks[number] = bands_of(spectra.values, carry)
            looks[number][reasons[number] != MaskReason.VALID] = np.nan
        blank = (reasons == MaskReason.VALID) & np.isnan(looks).all(axis=-1)
        reasons[blank] = MaskReason.DEFECTIVE
        return looks, reasons


def composite(
    scenes: Sequence[Scene],
    how: How | str = "median",
    *,
    rules: SurfaceRules = DEFAULT_RULES,
    min_looks: int = 1,
    name: str | None = None,
) -> Composite:
    """Several dates of one place as one scene of bare soil.

    scenes     two or more on one grid of pixels (CRS, pixel size and place are checked). Where they cover
               different land, the window that all of them show is taken. Bands are those of the first
               scene; others within a tenth of a band's width are taken as they are, others near enough
               are resampled
    how        "median": of each band the median over the unmasked dates. "medoid": the date whose spectrum
               lies nearest to those of the other dates (Flood 2013), a spectrum that was measured. "bare":
               the mean over the unmasked dates, each brought to the level of all (`common_level`), weighted
               by how bare and dry they show the pixel (`bare_mean`); best for salinity
    rules      what a date must not show to count, beside what its product masks
    min_looks  a pixel with fewer unmasked dates is masked with the reason that masked most of its dates
    name       of the new scene; default made from the first scene's

    Reads nothing yet. `Composite.composed(window)` also gives the number of looks, `Composite.spread(window)`
    how far apart they lie.
    Raises ProductError for scenes that are not on one grid, BandError for bands that cannot be supplied,
    UsageError for fewer than two scenes or a wrong `how` or `min_looks`.
    """
    _check_call(scenes, how, min_looks)
    parts = shared_windows(scenes)
    first, part = scenes[0], parts[0]
    carries = tuple(onto(scene, first.sensor) for scene in scenes)
    order = sorted(range(len(scenes)), key=lambda number: _when(scenes[number]))
    a, b, c, d, e, f = first.transform
    corner = (a * part.column + b * part.row + c, d * part.column + e * part.row + f)
    return Composite(
        name=name or f"{first.name}_and_{len(scenes) - 1}_more_{how}",
        path=first.path,
        sensor=first.sensor,
        height=part.rows,
        width=part.columns,
        crs=first.crs,
        transform=(a, b, corner[0], d, e, corner[1]),
        block=first.block,
        acquired=_middle_date(scenes),
        level=first.level if len({scene.level for scene in scenes}) == 1 else "",
        band_faults=_faults(first, carries),
        facts=_facts(scenes, how, rules, min_looks),
        notes=_notes(scenes, part, carries, rules),
        scenes=tuple(scenes[number] for number in order),
        parts=tuple(parts[number] for number in order),
        onto=tuple(carries[number] for number in order),
        how=cast(How, how),
        rules=rules,
        min_looks=min_looks,
    )


def same_places(scenes: Sequence[Scene]) -> tuple[tuple[Scene, ...], ...]:
    """Scenes sorted into places: those of one lie on one grid and share pixels with the first of them."""
    places: list[list[Scene]] = []
    for scene in scenes:
        home = next((place for place in places if scene.crs and same_grid(place[0], scene)), None)
        if home is None:
            places.append([scene])
        else:
            home.append(scene)
    return tuple(map(tuple, places))


def check_how(how: str) -> None:
    """Raise UsageError for a way to put dates together that is not known."""
    known = get_args(How)
    if how not in known:
        raise UsageError(f"composite is {how!r}", fix=f"Use one of: {', '.join(known)}.")


def _check_call(scenes: Sequence[Scene], how: str, min_looks: int) -> None:
    if len(scenes) < 2:
        raise UsageError(f"a composite of {len(scenes)} scene", fix="Give two or more dates of one place.")
    check_how(how)
    if not 1 <= min_looks <= len(scenes):
        raise UsageError(f"min_looks is {min_looks} for {len(scenes)} scenes", fix=f"Use 1 to {len(scenes)}.")


def _main_reason(reasons: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(y, x) of (date, y, x): the reason that most dates have; of equals the one that tells most."""
    counts = np.stack([(reasons == reason).sum(axis=0) for reason in _TELLING])
    return np.array(_TELLING, np.uint8)[counts.argmax(axis=0)]


def _joined(parts: Sequence[Composed]) -> Composed:
    return parts[0] if len(parts) == 1 else Composed(*map(np.concatenate, zip(*parts, strict=True)))


def _when(scene: Scene) -> str:
    return scene.acquired.isoformat() if scene.acquired else ""


def _middle_date(scenes: Sequence[Scene]) -> datetime | None:
    """The date in the middle of all, the earlier of two; None where one is not known."""
    dates = sorted(scene.acquired for scene in scenes if scene.acquired is not None)
    return dates[(len(dates) - 1) // 2] if len(dates) == len(scenes) else None


def _faults(first: Scene, carries: Sequence[Onto]) -> tuple[str, ...]:
    """A band is empty in the composite where it is so in every scene."""
    empty = np.logical_and.reduce([~carry.covered for carry in carries])
    why = [fault or "no date supplies it" for fault in first.band_faults]
    return tuple(word if missing else "" for word, missing in zip(why, empty, strict=True))


def _facts(scenes: Sequence[Scene], how: str, rules: SurfaceRules, min_looks: int) -> dict[str, str]:
    times = sorted(map(_when, scenes))
    known = {"first acquired": times[0], "last acquired": times[-1]} if all(times) else {}
    return {
        **known,
        "composite": how,
        "dates": ", ".join(sorted(_when(scene)[:10] or "not stated" for scene in scenes)),
        "scenes": ", ".join(scene.name for scene in scenes),
        "surface rules": rules.describe(),
        "fewest looks": str(min_looks),
    }


def _notes(
    scenes: Sequence[Scene], part: Window, carries: Sequence[Onto], rules: SurfaceRules
) -> tuple[str, ...]:
    notes = [f"composite of {len(scenes)} scenes"]
    if any((scene.height, scene.width) != (part.rows, part.columns) for scene in scenes):
        notes.append(f"only the {part.rows} x {part.columns} pixels that all scenes show are used")
    notes += [
        f"{scene.name}: {carry.note}" for scene, carry in zip(scenes, carries, strict=True) if carry.note
    ]
    notes += [f"{scene.name}: {note}" for scene in scenes for note in scene.notes]
    return (*notes, *rules.notes(scenes[0].sensor.axis))
