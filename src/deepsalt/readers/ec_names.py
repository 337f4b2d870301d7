"""What the name of a column tells of electrical conductivity: that it is one, its method, its unit."""

from __future__ import annotations

import re

from deepsalt.salinity import parse_method

#: OSSL names that tell the method by the code of its laboratory manual, with what a user must know.
BY_CODE = {
    "ec_usda.a364_ds.m": ("EC1:2", "OSSL merges LUCAS values by ISO 11265 (EC1:5) into it unchanged: "
                                   "look at dataset.code_ascii_txt"),
    "ec_iso.11265_ds.m": ("EC1:5", ""),
}  # fmt: skip
_RATIO = re.compile(r"^ec[ _.]*1 ?(?:to|:|_|-|/) ?(1|2[._]5|2|5)(?![0-9])", re.IGNORECASE)
_LETTER = re.compile(r"^ec[ _.]?([ea])(?![a-z])", re.IGNORECASE)
_PLAIN = re.compile(r"^(ec|electrical[ _.]?conductivity)(?![a-z])", re.IGNORECASE)
_UNIT = re.compile(r"(ds|ms|us|[µμ]s|mmhos?)[ _./]*(?:per[ _]?)?(m|cm)(?:[ _^]?-?1)?\)?$", re.IGNORECASE)
_TDS = re.compile(r"(?:^|[^a-z])(tds|dissolved[ _.]?(?:salts|solids))(?![a-z])", re.IGNORECASE)
_MG_PER_L = re.compile(r"mg[ _./]*(?:per[ _]?)?l(?:[ _^]?-?1)?\)?$", re.IGNORECASE)
_EXCHANGE = re.compile(
    r"^(?:ecec|cec)(?![a-z])|(?<![a-z])([cmu]?mol|meq|me[ _./]*100|cation|exchang)", re.IGNORECASE
)

#: OSSL's column, the column that tells its data sets, the mark of those that it merges in, their method.
MERGED = ("ec_usda.a364_ds.m", "dataset.code_ascii_txt", "LUCAS", "EC1:5")


def method_of(column: str) -> str | None:
    """The method a column's name tells, or None.

    >>> method_of("ec_1to2.5_ds.m"), method_of("ece_ds_m"), method_of("ec_usda.a364_ds.m"), method_of("EC")
    ('EC1:2.5', 'ECe', 'EC1:2', None)
    """
    name = column.strip().lower()
    if exchange(name):
        return None
    if name in BY_CODE:
        return BY_CODE[name][0]
    if ratio := _RATIO.match(name):
        return parse_method(f"1:{ratio[1].replace('_', '.')}")
    if letter := _LETTER.match(name):
        return parse_method(f"ec{letter[1]}")
    return None


def unit_of(column: str) -> str | None:
    """The unit a column's name tells, or None.

    >>> unit_of("ec_ds.m"), unit_of("EC(mS cm-1)"), unit_of("ec_mS_m"), unit_of("EC"), unit_of("TDS mg/l")
    ('dS/m', 'mS/cm', 'mS/m', None, 'mg/L')

    Dissolved salts are mg/L only where the name says both; ppm may be of the soil, and is not taken.
    """
    if dissolved_salts(column):
        return "mg/L" if _MG_PER_L.search(column.strip()) else None
    found = _UNIT.search(column.strip())
    if not found:
        return None
    prefix = {"d": "dS", "m": "mS"}.get(found[1][0].lower(), "uS")
    return f"{'mmho' if found[1].lower().startswith('mmho') else prefix}/{found[2].lower()}"


def is_ec(column: str) -> bool:
    """Whether a column's name says that it holds EC, by whatever method."""
    name = column.strip()
    return method_of(name) is not None or (bool(_PLAIN.match(name)) and not exchange(name))


def exchange(column: str) -> bool:
    """Whether a name is that of a cation exchange capacity, which looks like ECe.

    >>> exchange("ECEC"), exchange("ece (cmol/kg)"), exchange("ECe (dS/m)"), exchange("EC at location")
    (True, True, False, False)
    """
    return bool(_EXCHANGE.search(column.strip()))


def dissolved_salts(column: str) -> bool:
    """Whether a name is that of total dissolved salts.

    >>> dissolved_salts("TDS_1to5_mg_L"), dissolved_salts("ece_ds_m")
    (True, False)
    """
    return bool(_TDS.search(column.strip()))
