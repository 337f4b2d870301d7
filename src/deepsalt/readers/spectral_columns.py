"""Which columns of a wide table are bands, at which centres, in which unit, of which quantity.

Two kinds of names: those of the Open Soil Spectral Library (`scan_mir.600_abs`), and plain numbers,
also with a common prefix, a unit or a percent sign (`X350`, `350nm`, `wl_350`, `refl_350`, `350 nm (%)`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import AxisError, SpectraError, UsageError
from deepsalt.readers.axis_unit import in_nm, settle_unit, unit_named
from deepsalt.readers.columns import listed
from deepsalt.readers.file_axis import axis_of_file
from deepsalt.readers.quantity import Told, settle_quantity
from deepsalt.spectra import Axis, Quantity

Domain = Literal["mir", "visnir", "nir"]
_OSSL = re.compile(r"^scan_(mir|visnir|nir)\.(\d+(?:\.\d+)?)_(abs|ref)$", re.IGNORECASE)
_PLAIN = re.compile(
    r"^(?P<prefix>x|v|r|wl|wn|nm|spc|wavelength|wavenumber|refl|reflectance|abs|absorbance)?[ _.]?"
    r"(?P<centre>\d+(?:\.\d+)?)[ _.]?(?P<unit>nm|cm-1|cm\^-1|um|µm|μm)?"
    r"(?:[ _.(\[]*(?P<percent>%|pct|percent)[)\]]?)?$",
    re.IGNORECASE,
)
_FEWEST = 3
_UNIT_OF = {"mir": "cm-1", "visnir": "nm", "nir": "nm"}
_TOLD = {"wl": "nm", "nm": "nm", "wavelength": "nm", "wn": "cm-1", "wavenumber": "cm-1"}
_QUANTITY: dict[str, Quantity] = {"refl": "reflectance", "reflectance": "reflectance",
                                  "abs": "absorbance", "absorbance": "absorbance"}  # fmt: skip


@dataclass(frozen=True)
class BandColumns:
    """The spectral columns of one domain, sorted by band centre.

    columns   names in the order of the axis
    others    names that are not bands of any domain
    told      what the names, or the user, say of the values
    """

    columns: tuple[str, ...]
    others: tuple[str, ...]
    axis: Axis
    told: Told
    notes: tuple[str, ...]

    @property
    def quantity(self) -> Quantity:
        return self.told.quantity


def find_bands(
    columns: Sequence[str],
    *,
    domain: str | None = None,
    unit: str | None = None,
    quantity: str | None = None,
    where: str = "",
) -> BandColumns:
    """Sort out the bands of a table from its header.

    domain    "mir", "visnir" or "nir": needed where the file holds several
    unit      "nm", "um" or "cm-1" of plain numeric headers, where their range leaves it open
    quantity  "reflectance" or "absorbance" of plain headers; by default reflectance of nm and
              absorbance of cm-1

    Raises UsageError for a domain that is missing or must be chosen; AxisError for duplicate
    centres and for units that are open or contradict the names; SpectraError where there are no
    bands or the quantity contradicts the names.
    """
    if domain is not None and domain not in get_args(Domain):
        raise UsageError(f"unknown domain {domain!r}", fix=f"Use one of {', '.join(get_args(Domain))}.")
    by_domain: dict[str, list[re.Match[str]]] = defaultdict(list)
    for column in columns:
        if match := _OSSL.match(column):
            by_domain[match[1].lower()].append(match)
    if by_domain:
        bands = _ossl(by_domain[_chosen(by_domain, domain, where)], unit, quantity, where)
        taken = {match.string for matches in by_domain.values() for match in matches}
    else:
        bands = _plain(columns, domain, unit, quantity, where)
        taken = set(bands.columns)
    return BandColumns(
        bands.columns, tuple(c for c in columns if c not in taken), bands.axis, bands.told, bands.notes
    )


def count_bands(columns: Sequence[str]) -> int:
    """How many columns look like bands; fewer than three plain numbers count as none."""
    ossl = sum(1 for column in columns if _OSSL.match(column))
    return ossl or len(max(_plain_groups(columns).values(), key=len, default=[]))


def domains_among(columns: Sequence[str]) -> list[str]:
    """Domains that OSSL names tell of, in the order of the table; none for plain headers.

    >>> domains_among(["id", "scan_visnir.350_ref", "scan_mir.600_abs", "scan_mir.602_abs"])
    ['visnir', 'mir']
    """
    found = (match[1].lower() for match in map(_OSSL.match, columns) if match)
    return list(dict.fromkeys(found))


def _chosen(by_domain: dict[str, list[re.Match[str]]], domain: str | None, where: str) -> str:
    there = ", ".join(f"{name} ({len(matches)} bands)" for name, matches in by_domain.items())
    if domain is not None and domain not in by_domain:
        raise UsageError(f"no spectra of domain {domain!r}", where=where, fix=f"The file holds {there}.")
    if domain is None and len(by_domain) > 1:
        raise UsageError(
            f"the file holds spectra of several domains: {there}",
            where=where,
            fix=f"Choose one, for example domain={next(iter(by_domain))!r}.",
        )
    return domain or next(iter(by_domain))


def _ossl(matches: list[re.Match[str]], unit: str | None, quantity: str | None, where: str) -> BandColumns:
    kinds = {match[3].lower() for match in matches}
    told_quantity: Quantity = "absorbance" if kinds == {"abs"} else "reflectance"
    if len(kinds) > 1:
        raise SpectraError("bands named _abs and _ref are mixed in one domain", where=where,
                           fix="Keep one quantity a domain.")  # fmt: skip
    example, notes = matches[0].string, list[str]()
    settle_quantity("", told=told_quantity, stated=quantity, what="the names say", notes=notes, where=where)
    told = _UNIT_OF[matches[0][1].lower()]
    centres = np.array([float(m[2]) for m in matches])
    says = f"the column names say {told} ({example})"
    settle_unit(centres, told=told, stated=unit, says=says, notes=notes, where=where)
    names = [m.string for m in matches]
    return _sorted_bands(names, centres, told, Told(told_quantity, sure=True), notes, where)


def _plain(
    columns: Sequence[str], domain: str | None, unit: str | None, quantity: str | None, where: str
) -> BandColumns:
    groups = _plain_groups(columns)
    if not groups:
        raise SpectraError(
            f"no column holds spectra (columns: {listed(columns)})",
            where=where,
            fix="Name bands as scan_mir.<cm-1>_abs or scan_visnir.<nm>_ref, or by their number. "
            "Ground points without spectra are read by read_points, a row a reading by reader='long_table'.",
        )
    (prefix, suffix, percent), matches = max(groups.items(), key=lambda item: len(item[1]))
    notes = [
        f"{len(other)} columns like {other[0].string} are not bands"
        for other in groups.values()
        if other is not matches
    ]
    centres = np.array([float(match["centre"]) for match in matches])
    told = unit_named(suffix) or _TOLD.get(prefix)
    says = f"the column names say {told} ({matches[0].string})"
    found = settle_unit(centres, told=told, stated=unit, domain=domain, says=says, notes=notes, where=where)
    if found == "um":
        centres, found = in_nm(centres, notes, where), "nm"
    told_quantity = "reflectance" if percent else _QUANTITY.get(prefix)
    what = "the names say" if told_quantity else "headers"
    settled, sure = settle_quantity(
        found, told=told_quantity, stated=quantity, what=what, notes=notes, where=where
    )
    factor, why = (0.01, f"headers say percent ({matches[0].string})") if percent else (1.0, "")
    names = [m.string for m in matches]
    return _sorted_bands(names, centres, found, Told(settled, sure, factor, why), notes, where)


def _plain_groups(columns: Sequence[str]) -> dict[tuple[str, str, bool], list[re.Match[str]]]:
    """Columns that are numbers, by prefix, unit and percent sign; a handful is no spectrum."""
    groups: dict[tuple[str, str, bool], list[re.Match[str]]] = defaultdict(list)
    for column in columns:
        if match := _PLAIN.match(column):
            prefix, unit = (match["prefix"] or "").lower(), (match["unit"] or "").lower()
            groups[prefix, unit, bool(match["percent"])].append(match)
    return {key: matches for key, matches in groups.items() if len(matches) >= _FEWEST}


def _sorted_bands(
    names: list[str],
    centres: NDArray[np.float64],
    unit: str,
    told: Told,
    notes: list[str],
    where: str,
) -> BandColumns:
    order = np.argsort(centres, kind="stable")
    twice = np.flatnonzero(np.diff(centres[order]) == 0)
    if len(twice):
        first, second = names[order[twice[0]]], names[order[twice[0] + 1]]
        raise AxisError(
            f"{centres[order[twice[0]]]:g} {unit} stands there twice (columns {first} and {second})",
            where=where,
            fix="Average or drop one of the duplicate bands.",
        )
    if (np.diff(order) < 0).any():
        notes = [*notes, "bands were not in increasing order in the file: sorted by their centre"]
    axis = axis_of_file(centres[order], unit, where=where)  # type: ignore[arg-type]
    return BandColumns(tuple(names[i] for i in order), (), axis, told, tuple(notes))
