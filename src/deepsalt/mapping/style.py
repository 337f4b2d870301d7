"""Colours and names of a map: of the salinity classes and of the reasons for a masked pixel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from xml.sax.saxutils import quoteattr

from deepsalt.mapping.cog import Layer
from deepsalt.salinity.classes import NO_CLASS, ClassScheme, SalinityClass
from deepsalt.spectra.scene import MaskReason

#: Quiet colours, so that the classes stand out.
REASON_COLOURS: Mapping[MaskReason, str] = MappingProxyType(
    {
        MaskReason.VALID: "#d9c8a3",
        MaskReason.BACKGROUND: "#ffffff",
        MaskReason.CLOUD: "#d0d0d0",
        MaskReason.CLOUD_SHADOW: "#6e6e6e",
        MaskReason.CIRRUS: "#e2e2ec",
        MaskReason.HAZE: "#c9c4bd",
        MaskReason.SNOW: "#eef6f9",
        MaskReason.WATER: "#9db7c9",
        MaskReason.DEFECTIVE: "#a08fa8",
        MaskReason.VEGETATION: "#c3c9b6",
        MaskReason.SATURATED: "#b7a6ad",
        MaskReason.DRY_VEGETATION: "#d3cdb0",
        MaskReason.NOT_BARE: "#cbc4b4",
    }
)


def reason_name(reason: int) -> str:
    """In words, for example `cloud shadow`."""
    return MaskReason(reason).name.lower().replace("_", " ")


def class_range(item: SalinityClass) -> str:
    """For example `2-4 dS/m`, or `>= 16 dS/m` for the last class."""
    if item.upper == float("inf"):
        return f"≥ {item.lower:g} dS/m"
    return f"{item.lower:g}–{item.upper:g} dS/m"


def class_label(item: SalinityClass) -> str:
    return f"{item.name} ({class_range(item)})"


def ece_layer() -> Layer:
    return Layer("ece", "float32", float("nan"), "ECe of the surface layer", unit="dS/m")


def class_layer(scheme: ClassScheme) -> Layer:
    colours = {i: rgba(item.colour) for i, item in enumerate(scheme.classes)}
    return Layer(
        "class",
        "uint8",
        NO_CLASS,
        f"salinity class, {scheme.name}",
        overviews="MODE",
        colours={**colours, NO_CLASS: (0, 0, 0, 0)},
        categories=tuple(class_label(item) for item in scheme.classes),
    )


def mask_layer() -> Layer:
    return Layer(
        "mask",
        "uint8",
        None,
        "why a pixel has no value; 0 = it has one",
        overviews="MODE",
        colours={int(reason): rgba(colour) for reason, colour in REASON_COLOURS.items()},
        categories=tuple(reason_name(reason) for reason in MaskReason),
    )


def rgba(colour: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue, 255


def ece_qml(scheme: ClassScheme) -> str:
    """QGIS style of ece.tif: the colour of the class that a value lies in."""
    return steps_qml([(item.upper, item.colour, class_label(item)) for item in scheme.classes])


def class_qml(scheme: ClassScheme) -> str:
    """QGIS style of class.tif."""
    return palette_qml([(i, item.colour, class_label(item)) for i, item in enumerate(scheme.classes)])


def steps_qml(steps: Iterable[tuple[float, str, str]]) -> str:
    """QGIS style of a layer of numbers in steps: the highest value, the colour and the label of each."""
    items = "".join(
        f'<item value="{upper:g}" color="{colour}" alpha="255" label={quoteattr(label)}/>\n'
        for upper, colour, label in steps
    )
    return _qml(
        '<rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" alphaBand="-1">\n'
        '<rastershader>\n<colorrampshader colorRampType="DISCRETE" classificationMode="1" clip="0">\n'
        f"{items}</colorrampshader>\n</rastershader>\n</rasterrenderer>\n"
    )


def palette_qml(entries: Iterable[tuple[int, str, str]]) -> str:
    """QGIS style of a layer of classes: value, colour and label of each."""
    items = "".join(
        f'<paletteEntry value="{value}" color="{colour}" alpha="255" label={quoteattr(label)}/>\n'
        for value, colour, label in entries
    )
    return _qml(
        '<rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1">\n'
        f"<colorPalette>\n{items}</colorPalette>\n</rasterrenderer>\n"
    )


def _qml(renderer: str) -> str:
    return f'<qgis version="3.28" styleCategories="Symbology">\n<pipe>\n{renderer}</pipe>\n</qgis>\n'
