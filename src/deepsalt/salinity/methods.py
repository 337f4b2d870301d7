"""Names of the methods by which electrical conductivity is measured."""

from __future__ import annotations

from deepsalt.errors import LabelError

#: Canonical name -> what it is. ECa (apparent, in the field) is known but cannot be converted here.
METHODS = {
    "ECe": "saturated-paste extract",
    "EC1:1": "extract of 1 part soil, 1 part water",
    "EC1:2": "extract of 1 part soil, 2 parts water",
    "EC1:2.5": "extract of 1 part soil, 2.5 parts water",
    "EC1:5": "extract of 1 part soil, 5 parts water",
    "ECa": "apparent, in the field",
}

#: Parts of water to one part of soil, by mass.
WATER = {"EC1:1": 1.0, "EC1:2": 2.0, "EC1:2.5": 2.5, "EC1:5": 5.0}

_BY_KEY = {name.lower().replace("ec", "").replace(":", "to"): name for name in METHODS}


def parse_method(text: str) -> str:
    """Canonical name of a method, from the spellings in use.

    >>> parse_method("ec1:2.5"), parse_method("1to5"), parse_method("ece")
    ('EC1:2.5', 'EC1:5', 'ECe')

    Raises LabelError for a name that is not known.
    """
    key = text.strip().lower().replace(" ", "").replace("_", "").replace(":", "to")
    key = key.removeprefix("ec")
    if key not in _BY_KEY:
        raise LabelError(f"unknown EC method {text!r}", fix=f"Known methods: {', '.join(METHODS)}.")
    return _BY_KEY[key]
