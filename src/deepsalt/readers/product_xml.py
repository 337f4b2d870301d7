"""XML metadata of products: parsed without entities, every tag in lower case and without a namespace."""

from __future__ import annotations

from math import isfinite
from xml.etree import ElementTree

from deepsalt.errors import ProductError
from deepsalt.readers.product_files import File, content_of


def parsed(path: File) -> ElementTree.Element:
    """The root of the tree, every tag without namespace and in lower case.

    Raises ProductError for XML that is damaged, cut off, or declares entities.
    """
    raw = content_of(path)
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise ProductError(
            "the XML declares entities, which product metadata never do",
            where=str(path),
            fix="Do not trust it.",
        )
    try:
        root = ElementTree.fromstring(raw)
    except ElementTree.ParseError as error:
        raise ProductError(
            f"the XML is damaged or cut off ({error})", where=str(path), fix="Copy or download it again."
        ) from error
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2].lower()
    return root


def text_at(element: ElementTree.Element, place: str) -> str:
    """The text at a place below an element, stripped; "" where there is none."""
    return (element.findtext(place) or "").strip()


def band_number(band: ElementTree.Element, tag: str, number: int, path: File) -> float:
    """What a tag says of the band of that number. Raises ProductError where it is no number."""
    text = text_at(band, tag)
    try:
        return float(text)
    except ValueError:
        raise ProductError(
            f"{tag} of band {number} is {text!r}, not a number", where=str(path), fix="Download it again."
        ) from None


def finite(text: str) -> float | None:
    """The number that a text is; None where it is none, or not finite.

    >>> finite("2.75e-05"), finite("nan"), finite("many")
    (2.75e-05, None, None)
    """
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None
