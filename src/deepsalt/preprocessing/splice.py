"""Steps where the detectors of a field spectrometer are joined, and their correction.

ASD FieldSpec and LabSpec instruments join three detectors, at 1000 and 1830 nm (some at 1800). When they
warm up, the outer ones drift against the middle one (SWIR1), which is cooled and stays: it is the reference
(Beal & Eamon 1996, ASD technical note; R packages prospectr and spectacles do the same).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.preprocessing.blocks import row_blocks
from deepsalt.preprocessing.present import median_present
from deepsalt.spectra import Axis, Spectra

ASD_SPLICES_NM = (1000.0, 1830.0)
#: On each side of a splice the slope is taken over so much, but over three bands at least.
WINDOW_NM = 10.0
Correction = Literal["add", "multiply"]

Floats = NDArray[np.float64]


def splice_steps(
    values: NDArray[np.float32], axis: Axis, splices_nm: Sequence[float] = ASD_SPLICES_NM
) -> tuple[Floats, Floats]:
    """How far the spectrum jumps at each splice, beyond what its slope explains.

    values      (sample, band); the last band of a detector is the one at the splice or before it
    returns     jump (sample, splice) in the unit of the spectrum: the right side's line less the left
                side's, halfway between them; and bend (sample, splice), the larger of the same number on
                either side, where nothing is joined: what curvature and noise alone amount to.
                NaN where the axis does not span a splice, or a band beside it is missing.
    """
    jump = np.full((len(values), len(splices_nm)), np.nan)
    bend = np.full((len(values), len(splices_nm)), np.nan)
    for number, splice in enumerate(splices_nm):
        first = _first_after(axis, splice)
        k = _bands_beside(axis, first)
        if k == 0:
            continue
        for rows in row_blocks(values):
            block = values[rows]
            jump[rows, number] = _jump(block, axis.values, first, k)
            aside = [_jump(block, axis.values, at, k) for at in (first - k, first + k)]
            bend[rows, number] = np.fmax(*np.abs(aside))
    return jump, bend


def stepped(
    values: NDArray[np.float32],
    axis: Axis,
    splices_nm: Sequence[float] = ASD_SPLICES_NM,
    share: float = 0.01,
    times: float = 3.0,
) -> NDArray[np.bool_]:
    """(sample, splice) True for a step: more than `share` of the level there, and `times` the bend beside.

    The level is the median of the spectrum's absolute values.
    """
    jump, bend = splice_steps(values, axis, splices_nm)
    level = np.empty(len(values))
    for rows in row_blocks(values):
        level[rows] = median_present(np.abs(values[rows]))
    return np.asarray((np.abs(jump) > share * level[:, None]) & (np.abs(jump) > times * bend))


def correct_splices(
    spectra: Spectra,
    method: Correction = "add",
    splices_nm: Sequence[float] = ASD_SPLICES_NM,
    which: NDArray[np.bool_] | None = None,
) -> Spectra:
    """Spectra whose outer detectors are shifted onto the middle one; the middle one does not change.

    method   "add" a constant to all bands of the detector (an offset, as prospectr does), or "multiply"
             them by a factor (a gain)
    which    (sample, splice) the steps to correct; default those that `stepped` finds. A spectrum with
             none stays as it is, to the last bit

    Raises UsageError for another method, more than two splices, or splices that do not increase.
    """
    if method not in ("add", "multiply"):
        raise UsageError(f"unknown splice correction {method!r}", fix="Use 'add' or 'multiply'.")
    if len(splices_nm) > 2 or list(splices_nm) != sorted(set(splices_nm)):
        raise UsageError(
            f"splices at {list(splices_nm)}", fix="Give one or two wavelengths in nm, increasing."
        )
    steps = stepped(spectra.values, spectra.axis, splices_nm) if which is None else np.asarray(which, bool)
    if not steps.any():
        return spectra
    jump, _ = splice_steps(spectra.values, spectra.axis, splices_nm)
    values = np.array(spectra.values)
    for number, splice in enumerate(splices_nm):
        rows = np.flatnonzero(steps[:, number] & np.isfinite(jump[:, number]))
        first = _first_after(spectra.axis, splice)
        # Of two splices the first ends the outer detector on the left; of one, too: what follows is SWIR1.
        outer = slice(0, first) if number == 0 else slice(first, None)
        values[rows, outer] = _shifted(values[rows], spectra.axis, first, outer, jump[rows, number], method)
    places = " and ".join(f"{splice:g}" for splice in splices_nm)
    count = int(steps.any(axis=1).sum())
    step = (
        f"splice correction: {count} of {len(spectra)} spectra had steps ({places} nm); "
        f"outer detectors were {'shifted' if method == 'add' else 'scaled'} onto the middle one"
    )
    return spectra.with_values(values, spectra.axis, sensor=spectra.sensor, step=step)


def _shifted(
    values: NDArray[np.float32], axis: Axis, first: int, outer: slice, jump: Floats, method: Correction
) -> NDArray[np.float32]:
    """The bands of the outer detector, moved so that its line meets that of the middle one."""
    sign = 1.0 if outer.start == 0 else -1.0
    moved = values[:, outer]
    if method == "add":
        return np.asarray(moved + (sign * jump)[:, None], np.float32)
    left, right = _ends(values, axis.values, first, _bands_beside(axis, first))
    mine, theirs = (left, right) if outer.start == 0 else (right, left)
    factor = np.divide(theirs, mine, out=np.ones_like(mine), where=np.abs(mine) > np.abs(jump))
    return np.asarray(moved * factor[:, None], np.float32)


def _first_after(axis: Axis, splice: float) -> int:
    """Index of the first band of the detector that follows."""
    return int(np.searchsorted(axis.values, splice, side="right"))


def _bands_beside(axis: Axis, first: int) -> int:
    """Bands on each side that the slope is taken from; 0 where a side has not twice as many."""
    if axis.unit != "nm" or not 0 < first < len(axis):
        return 0
    k = max(3, round(WINDOW_NM / (axis.values[first] - axis.values[first - 1])))
    return k if first >= 2 * k and len(axis) - first >= 2 * k else 0


def _ends(values: NDArray[np.float32], at: Floats, first: int, k: int) -> tuple[Floats, Floats]:
    """Least-squares lines through k bands before and after, halfway between them: (sample,) each."""
    middle = (at[first - 1] + at[first]) / 2
    found = []
    for bands in (slice(first - k, first), slice(first, first + k)):
        weights = np.linalg.pinv(np.stack([np.ones(k), at[bands] - middle], axis=1))[0]
        found.append(np.asarray(values[:, bands] @ weights))
    return found[0], found[1]


def _jump(values: NDArray[np.float32], at: Floats, first: int, k: int) -> Floats:
    left, right = _ends(values, at, first, k)
    return right - left
