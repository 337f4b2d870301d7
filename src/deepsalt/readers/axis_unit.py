"""The unit of band centres: what the file says, what the user says, or what the values can only be.

One piece for every format, so that nanometres, micrometres and wavenumbers are told apart, and reported, in
the same way everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import AxisError, UsageError
from deepsalt.readers.file_axis import axis_of_file
from deepsalt.spectra import Axis
from deepsalt.spectra.axis import RANGE_CM1, RANGE_NM
from deepsalt.units import nm_from_wavenumber, wavenumber_from_nm

NM_PER_UM = 1000.0

#: Longer waves than these in a file of wavelengths are the mid infrared, and need a choice.
_LONGEST_VISNIR_NM = 3000.0
_LONGEST_UM = 300.0  # the far infrared of the USGS library ends at 216
_WORDS = {
    "nm": ("nm", "nanometer", "nanometers", "nanometre", "nanometres"),
    "um": ("um", "µm", "μm", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres"),
    "cm-1": ("cm-1", "cm^-1", "1/cm", "cm⁻¹", "wavenumber", "wavenumbers"),
}
_RANGES = {"nm": RANGE_NM, "um": (RANGE_NM[0] / NM_PER_UM, RANGE_NM[1] / NM_PER_UM), "cm-1": RANGE_CM1}
_UNIT_OF = {"mir": "cm-1", "visnir": "nm", "nir": "nm"}


@dataclass(frozen=True)
class Bands:
    """An axis made of a file's channels.

    axis   strictly increasing, nm or cm-1
    order  (band,) the channel that each band comes from
    notes  how the unit was found, what was sorted or left out
    """

    axis: Axis
    order: NDArray[np.intp]
    notes: tuple[str, ...]


def unit_named(text: str) -> str | None:
    """The unit that a text says: "nm", "um" or "cm-1"; None where it says none of them.

    >>> unit_named("Micrometers"), unit_named("cm^-1"), unit_named("Unknown"), unit_named("")
    ('um', 'cm-1', None, None)
    """
    word = text.strip().lower()
    return next((unit for unit, words in _WORDS.items() if word in words), None)


def settle_unit(
    centres: NDArray[np.float64],
    *,
    told: str | None,
    stated: str | None,
    domain: str | None = None,
    what: str = "headers",
    says: str = "the file",
    notes: list[str],
    where: str,
) -> str:
    """ "nm", "um" or "cm-1": told by the file, else stated by the user, else the only one possible.

    what  how the centres are called in messages; says, what tells the unit

    Raises AxisError where the user contradicts the file, or several units are possible.
    """
    if told is not None:
        if stated not in (None, told):
            raise AxisError(
                f"unit={stated!r}, but {says}", where=where, fix=f"Leave unit out, or say unit={told!r}."
            )
        return told
    if stated is not None or domain is not None:
        return stated or _UNIT_OF[str(domain)]
    low, high = float(centres.min()), float(centres.max())
    possible = [unit for unit, (least, most) in _RANGES.items() if least <= low and high <= most]
    if len(possible) == 1:
        notes.append(f"{what} from {low:g} to {high:g} can only be {possible[0]}")
        return possible[0]
    if not possible:
        return "nm"  # Axis refuses it and says what it looks like
    raise AxisError(
        f"{what} from {low:g} to {high:g} may be nm or cm-1",
        where=where,
        fix="Say unit='nm' or unit='cm-1'.",
    )


def in_nm(centres_um: NDArray[np.float64], notes: list[str], where: str) -> NDArray[np.float64]:
    """Micrometres as nm, free of what binary fractions add, and said so.

    Raises AxisError for numbers that cannot be micrometres.
    """
    if centres_um.max() > _LONGEST_UM:
        raise AxisError(
            f"band centres from {centres_um.min():g} to {centres_um.max():g}, declared as micrometres",
            where=where,
            fix="They look like nm or cm-1: say unit=.",
        )
    notes.append("band centres in micrometres, turned into nm")
    return np.round(centres_um * NM_PER_UM, 6)


def bands_of(
    centres: NDArray[np.float64],
    *,
    told: str | None,
    stated: str | None = None,
    domain: str | None = None,
    fwhm: NDArray[np.float64] | None = None,
    what: str = "band centres",
    where: str,
) -> Bands:
    """The axis of a file's channels: unit settled, sorted, cut to what deepsalt reads.

    centres  (channel,) as stored
    fwhm     (channel,) in the same unit, or None
    domain   "visnir" or "nir" for wavelengths up to 2700 nm, "mir" for 350-8000 cm-1: needed where the
             channels span both

    Raises AxisError for centres that are no numbers, stand there twice or are in no possible unit;
    UsageError where a domain must be chosen.
    """
    if domain is not None and domain not in _UNIT_OF:
        raise UsageError(f"unknown domain {domain!r}", fix=f"Use one of {', '.join(_UNIT_OF)}.")
    if not len(centres) or not (np.isfinite(centres).all() and (centres > 0).all()):
        raise AxisError(f"{what} are not all positive numbers", where=where, fix="Repair them in the file.")
    notes: list[str] = []
    says = f"the file says {told}"
    unit = settle_unit(centres, told=told, stated=stated, what=what, says=says, notes=notes, where=where)
    nm = centres
    if unit == "um":
        nm = in_nm(centres, notes, where)
        fwhm = None if fwhm is None else fwhm * NM_PER_UM
    if unit == "cm-1":
        return _cut(centres, "cm-1", fwhm, domain, notes, where)
    if _target(nm, domain, where) == "nm":
        return _cut(nm, "nm", fwhm, domain, notes, where)
    notes.append("wavelengths turned into wavenumbers (cm-1)")
    widths = None if fwhm is None else wavenumber_from_nm(nm) * fwhm / nm
    return _cut(np.round(wavenumber_from_nm(nm), 6), "cm-1", widths, domain, notes, where)


def _target(nm: NDArray[np.float64], domain: str | None, where: str) -> str:
    """The unit in which deepsalt holds wavelengths of this range."""
    if domain is not None:
        return _UNIT_OF[domain]
    shortest_mir, longest_mir = nm_from_wavenumber(RANGE_CM1[1]), nm_from_wavenumber(RANGE_CM1[0])
    if nm.max() <= _LONGEST_VISNIR_NM or nm.min() > longest_mir:
        return "nm"
    if nm.min() >= shortest_mir:
        return "cm-1"
    raise UsageError(
        f"the channels span {nm.min():g}-{nm.max():g} nm: visible and near infrared, and mid infrared",
        where=where,
        fix="Choose one: domain='visnir' or domain='mir'.",
    )


def _cut(
    centres: NDArray[np.float64],
    unit: str,
    fwhm: NDArray[np.float64] | None,
    domain: str | None,
    notes: list[str],
    where: str,
) -> Bands:
    """Sorted, and without the channels outside what deepsalt reads."""
    if domain is not None and _UNIT_OF[domain] != unit:
        raise UsageError(f"domain={domain!r}, but the band centres are in {unit}", where=where)
    order = np.argsort(centres, kind="stable")
    low, high = _RANGES[unit]
    inside = order[(centres[order] >= low) & (centres[order] <= high)]
    if left_out := len(order) - len(inside):
        if not len(inside) or (domain is None and left_out > len(inside)):
            inside = order  # mostly elsewhere: Axis refuses it and says what it looks like
        else:
            notes.append(f"{left_out} channels outside {low:g}-{high:g} {unit} are left out")
    if len(inside) > 1 and (np.diff(inside) < 0).any():
        notes.append("channels were not in increasing order in the file: sorted by their centre")
    widths = None if fwhm is None else fwhm[inside]
    axis = axis_of_file(centres[inside], unit, widths, where=where)  # type: ignore[arg-type]
    return Bands(axis, inside, tuple(notes))
