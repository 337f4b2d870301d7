"""QGIS styles of a map's layers: raster renderers as QGIS 3 stores them in a .qml file."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from deepsalt.mapping.style import OUTSIDE_COLOUR, class_label
from deepsalt.salinity.classes import ClassScheme

#: Of a probability, from unlikely to likely; upper end of each step and its colour.
_PROBABILITY_STEPS = (
    (0.1, "#f7f7f7"),
    (0.33, "#d1e5f0"),
    (0.66, "#fddbc7"),
    (0.9, "#ef8a62"),
    (float("inf"), "#b2182b"),
)


def style_of(name: str, scheme: ClassScheme) -> str | None:
    """The style of a layer by its name; None for one that is shown by its own colour table."""
    if name.startswith("ece"):
        return ece_qml(scheme)
    if name.startswith("probability_above"):
        return probability_qml()
    return {"class": class_qml(scheme), "outside": outside_qml()}.get(name)


def ece_qml(scheme: ClassScheme) -> str:
    """ECe and the bounds of its interval: the colour of the class that a value lies in."""
    return steps_qml((item.upper, item.colour, class_label(item)) for item in scheme.classes)


def probability_qml() -> str:
    """A probability in five steps: unlikely is pale, likely is red."""
    lower, items = 0.0, []
    for upper, colour in _PROBABILITY_STEPS:
        label = f"over {lower:.0%}" if upper == float("inf") else f"{lower:.0%} to {upper:.0%}"
        items.append((upper, colour, label))
        lower = upper
    return steps_qml(items)


def class_qml(scheme: ClassScheme) -> str:
    """The classes in their colours."""
    return palette_qml((i, item.colour, 255, class_label(item)) for i, item in enumerate(scheme.classes))


def outside_qml() -> str:
    """A veil over what the model does not know, to be laid over the other layers; the rest is clear."""
    return palette_qml(
        [
            (0, OUTSIDE_COLOUR, 0, "inside what the model knows"),
            (1, OUTSIDE_COLOUR, 170, "outside what the model knows"),
        ]
    )


def steps_qml(items: Iterable[tuple[float, str, str]]) -> str:
    """Values up to each limit in one colour."""
    told = "".join(
        f'<item value="{upper:g}" color="{colour}" alpha="255" label={quoteattr(label)}/>\n'
        for upper, colour, label in items
    )
    return _qml(
        '<rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" alphaBand="-1">\n'
        '<rastershader>\n<colorrampshader colorRampType="DISCRETE" classificationMode="1" clip="0">\n'
        f"{told}</colorrampshader>\n</rastershader>\n</rasterrenderer>\n"
    )


def palette_qml(entries: Iterable[tuple[int, str, int, str]]) -> str:
    """Each value in a colour of its own."""
    told = "".join(
        f'<paletteEntry value="{value}" color="{colour}" alpha="{alpha}" label={quoteattr(label)}/>\n'
        for value, colour, alpha, label in entries
    )
    return _qml(
        '<rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1">\n'
        f"<colorPalette>\n{told}</colorPalette>\n</rasterrenderer>\n"
    )


def _qml(renderer: str) -> str:
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        f'<qgis version="3.28" styleCategories="Symbology">\n<pipe>\n{renderer}</pipe>\n</qgis>\n'
    )
