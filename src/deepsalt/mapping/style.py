"""Colours and names of a map: of the salinity classes and of the reasons for a masked pixel."""

from __future__ import annotations

from collections.abc import Mapping
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
    colours = {i: _rgba(item.colour) for i, item in enumerate(scheme.classes)}
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
        colours={int(reason): _rgba(colour) for reason, colour in REASON_COLOURS.items()},
        categories=tuple(reason_name(reason) for reason in MaskReason),
    )


def _rgba(colour: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue, 255


def ece_qml(scheme: ClassScheme) -> str:
    """QGIS style of ece.tif: the colour of the class that a value lies in."""
    items = "".join(
        f'<item value="{item.upper:g}" color="{item.colour}" alpha="255" '
        f"label={quoteattr(class_label(item))}/>\n"
        for item in scheme.classes
    )
    return _qml(
        '<rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" alphaBand="-1">\n'
        '<rastershader>\n<colorrampshader colorRampType="DISCRETE" classificationMode="1" clip="0">\n'
        f"{items}</colorrampshader>\n</rastershader>\n</rasterrenderer>\n"
    )


def class_qml(scheme: ClassScheme) -> str:
    """QGIS style of class.tif."""
    entries = "".join(
        f'<paletteEntry value="{i}" color="{item.colour}" alpha="255" '
        f"label={quoteattr(class_label(item))}/>\n"
        for i, item in enumerate(scheme.classes)
    )
    return _qml(
        '<rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1">\n'
        f"<colorPalette>\n{entries}</colorPalette>\n</rasterrenderer>\n"
    )


def _qml(renderer: str) -> str:
    return f'<qgis version="3.28" styleCategories="Symbology">\n<pipe>\n{renderer}</pipe>\n</qgis>\n'
