"""Quality control of a laboratory library: what is wrong with which spectra, and what was done about it.

A rule drops rows only where that is certain; everything else is flagged, and a person decides. What is far
outside a library is often its most telling sample: in a real one these were gypsum soils.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import SpectraError, UsageError
from deepsalt.preprocessing.blocks import row_blocks
from deepsalt.preprocessing.duplicates import equal_rows
from deepsalt.preprocessing.ec_checks import ec_faults
from deepsalt.preprocessing.faults import RANGES, Faults, find_faults, upper_fence
from deepsalt.preprocessing.gaps import fill_gaps
from deepsalt.preprocessing.outliers import far_outside
from deepsalt.preprocessing.quality_report import Action, Finding, QualityReport, QualitySettings
from deepsalt.preprocessing.replicates import average_scans, far_apart, odd_scans, scans_of
from deepsalt.preprocessing.splice import correct_splices, stepped
from deepsalt.spectra import Axis, Spectra

_Marked = tuple[str, NDArray[np.bool_], str]


def check_quality(spectra: Spectra, settings: QualitySettings | None = None) -> tuple[Spectra, QualityReport]:
    """A library without the rows that are certainly worthless, and what was found in it.

    spectra   a table, (sample, band); it is not changed
    returns   the table with rows dropped, steps corrected and scans averaged as the settings say (the very
              same values where nothing was), one line of provenance a finding; and the report

    Raises UsageError for an image, and SpectraError where no row would stay.
    """
    settings = settings or QualitySettings()
    if spectra.is_image:
        raise UsageError("quality control is for tables of samples", fix="Take pixels() of the image first.")
    found, not_judged, steps = _findings(spectra, settings)
    dropped = np.zeros(len(spectra), bool)
    for one in found:
        if one.action == "dropped":
            dropped[list(one.rows)] = True
    if dropped.all():
        raise SpectraError(
            f"quality control drops every one of {len(spectra)} spectra",
            where=found[0].sentence(),
            fix="Look at the file, or flag instead of dropping.",
        )
    kept = spectra.take(~dropped) if dropped.any() else spectra
    if settings.splice_correction is not None:
        kept = correct_splices(kept, settings.splice_correction, settings.splices_nm, steps[~dropped])
    kept = average_scans(kept, settings.scans) if settings.average else kept
    report = QualityReport(len(spectra), len(kept), tuple(found), not_judged)
    for line in report.sentences() or [f"nothing wrong was found in {len(spectra)} spectra"]:
        kept = kept.noted(f"quality: {line}")
    return kept, report


def _findings(
    spectra: Spectra, settings: QualitySettings
) -> tuple[list[Finding], int | None, NDArray[np.bool_]]:
    """What each rule finds, how many rows could not be compared, and the steps (sample, splice)."""
    faults = find_faults(spectra.values, spectra.quantity)
    steps = _steps(spectra, settings)
    unusable = faults.flat | (faults.outside == 1)
    marked = _of_shape(spectra, faults, steps, settings)
    far, not_judged = _far(spectra, ~unusable, settings)
    marked += [*far, *_twins(spectra, ~faults.flat, settings), *_of_scans(spectra, settings)]
    marked += [(fault.rule, fault.rows, fault.why) for fault in ec_faults(spectra.samples)]
    return [_finding(spectra, *one, settings) for one in marked if one[1].any()], not_judged, steps


def _finding(
    spectra: Spectra, rule: str, marked: NDArray[np.bool_], why: str, settings: QualitySettings
) -> Finding:
    rows = np.flatnonzero(marked)
    named = spectra.samples["id"].to_numpy() if "id" in spectra.samples else None
    ids = tuple(f"row {row + 1}" if named is None else str(named[row]) for row in rows)
    action: Action = "dropped" if rule in settings.drop else "flagged"
    if rule == "splice step" and action == "flagged" and settings.splice_correction is not None:
        action = "corrected"
    return Finding(rule, action, tuple(rows.tolist()), ids, why)


def _of_shape(
    spectra: Spectra, faults: Faults, steps: NDArray[np.bool_], settings: QualitySettings
) -> list[_Marked]:
    low, high = RANGES[spectra.quantity]
    span = f"{spectra.quantity} below {low:g} or above {high:g}"
    bands = max(5, int(settings.clipped_share * len(spectra.axis)) + 1)
    fence = upper_fence(faults.noise, settings.alpha, settings.noise_times)
    typical = np.nanmedian(faults.noise) if np.isfinite(fence) else np.nan
    noisy = np.nan_to_num(faults.noise, nan=0.0) > fence
    at = " or ".join(f"{splice:g}" for splice in settings.splices_nm)
    step = f"a jump at {at} nm above {settings.splice_share:.2g} of the level and 3 times the bend beside"
    return [
        ("flat", faults.flat, "one value in all bands"),
        ("all out of range", faults.outside == 1, f"{span} in every band"),
        ("out of range", (faults.outside > 0) & (faults.outside < 1), span),
        ("clipped", faults.clipped >= bands, f"the lowest or highest value over {bands} bands or more"),
        ("noisy", noisy, f"noise above {fence:.2g}, {fence / typical:.2g} times the library's median"),
        ("splice step", steps.any(axis=1), step),
    ]


def _steps(spectra: Spectra, settings: QualitySettings) -> NDArray[np.bool_]:
    if spectra.sensor is not None:  # a satellite has other detectors
        return np.zeros((len(spectra), len(settings.splices_nm)), bool)
    return stepped(spectra.values, spectra.axis, settings.splices_nm, settings.splice_share)


def _far(
    spectra: Spectra, usable: NDArray[np.bool_], settings: QualitySettings
) -> tuple[list[_Marked], int | None]:
    values = _filled(spectra.values, spectra.axis)
    judged = usable & _whole(values)
    found = far_outside(values, judged, settings.alpha)
    if found is None:
        return [], None
    why = (
        f"T2 above {found.t2_limit:.3g} or Q above {found.q_limit:.2g} of {found.components} principal "
        "components: another kind of soil, or a bad scan"
    )
    return [("far outside", found.beyond, why)], int((usable & ~judged).sum())


def _filled(values: NDArray[np.float32], axis: Axis) -> NDArray[np.float32]:
    """Values with short gaps filled, on the bands that some row has."""
    if not any(np.isnan(values[rows]).any() for rows in row_blocks(values)):
        return values
    bands = np.logical_or.reduce([~np.isnan(values[rows]).all(axis=0) for rows in row_blocks(values)])
    there = axis.take(bands)
    filled = np.empty((len(values), int(bands.sum())), np.float32)
    for rows in row_blocks(values):
        filled[rows] = fill_gaps(values[rows][:, bands], there)
    return filled


def _whole(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.concatenate([np.isfinite(values[rows]).all(axis=1) for rows in row_blocks(values)])


def _twins(spectra: Spectra, judged: NDArray[np.bool_], settings: QualitySettings) -> list[_Marked]:
    """Equal spectra: further scans of one id with the same EC, and samples of different ids."""
    twin = equal_rows(spectra.values, settings.same_within)
    twin[~judged] = np.flatnonzero(~judged)
    samples = spectra.samples
    ids = samples["id"].astype(str).to_numpy() if "id" in samples else np.arange(len(spectra)).astype(str)
    ec = samples["ec_ds_m"].to_numpy(float) if "ec_ds_m" in samples else np.zeros(len(spectra))
    again = (twin != np.arange(len(spectra))) & (ids == ids[twin])
    again &= (ec == ec[twin]) | np.isnan(ec)
    other = np.zeros(len(spectra), bool)
    for row in np.flatnonzero(ids != ids[twin]):
        other[[row, twin[row]]] = True
    within = f"no band differs by more than {settings.same_within:.2g}"
    return [
        ("duplicate scan", again, f"the same spectrum stands there before under the same id; {within}"),
        ("equal spectra", other, f"one spectrum under several ids; {within}"),
    ]


def _of_scans(spectra: Spectra, settings: QualitySettings) -> list[_Marked]:
    if settings.scans not in spectra.samples and not settings.average:
        return []
    scans = scans_of(spectra, settings.scans)
    if (scans.scans == 1).all():
        return []
    apart = far_apart(scans, settings.alpha)[scans.sample]
    odd = odd_scans(scans, settings.alpha)
    spread = (
        f"their spread is far beyond that of the other samples ({np.nanmedian(scans.spread):.2g} typically)"
    )
    return [
        ("odd scan", odd, f"of the scans of one sample this one lies apart; {spread}"),
        ("scans far apart", apart & ~np.isin(scans.sample, scans.sample[odd]), f"of one sample; {spread}"),
    ]


__all__ = ["Finding", "QualityReport", "QualitySettings", "check_quality"]
