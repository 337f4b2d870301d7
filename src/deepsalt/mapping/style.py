"""What the layers of a map are: their names, units, colours and the meaning of their values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

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

#: Of the pixels where the model should not be believed.
OUTSIDE_COLOUR = "#4d4d4d"
#: Value of a pixel of outside.tif that has no ECe either.
OUTSIDE_NODATA = 255
_NAN = float("nan")
_ABOVE = re.compile(r"probability_above_(\d+(?:\.\d+)?)")


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


def map_layers(scheme: ClassScheme, level: float, thresholds: Sequence[float]) -> dict[str, Layer]:
    """Every layer that a map may have, by name and in the order of map.json.

    level       share of places whose ECe should lie between ece_low and ece_high
    thresholds  ECe in dS/m, each with a layer of the probability that ECe exceeds it
    """
    layers = [
        ece_layer(),
        bound_layer("ece_low", "lower", level),
        bound_layer("ece_high", "upper", level),
        *(probability_layer(threshold) for threshold in thresholds),
        class_layer(scheme),
        mask_layer(),
        outside_layer(),
    ]
    return {layer.name: layer for layer in layers}


def ece_layer() -> Layer:
    return Layer("ece", "float32", _NAN, "ECe of the surface layer", unit="dS/m")


def bound_layer(name: str, which: str, level: float) -> Layer:
    """The lower or upper bound of the interval that should hold `level` of all places."""
    told = f"{which} bound of the {100 * level:g} % interval of ECe"
    return Layer(name, "float32", _NAN, told, unit="dS/m", tags={"LEVEL": f"{level:g}"})


def probability_name(threshold_ds_m: float) -> str:
    """For example `probability_above_4`."""
    return f"probability_above_{threshold_ds_m:g}"


def threshold_of(layer: str) -> float | None:
    """The threshold in dS/m of a layer that `probability_name` names; None for any other layer.

    >>> threshold_of("probability_above_12.5"), threshold_of("ece_low")
    (12.5, None)
    """
    named = _ABOVE.fullmatch(layer)
    return float(named[1]) if named else None


def probability_layer(threshold_ds_m: float) -> Layer:
    told = f"probability that ECe exceeds {threshold_ds_m:g} dS/m"
    tags = {"QUANTITY": told, "UNIT": "1", "THRESHOLD": f"{threshold_ds_m:g}"}
    return Layer(probability_name(threshold_ds_m), "float32", _NAN, told, unit="1", tags=tags)


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
        tags={"QUANTITY": "salinity class by ECe", "UNIT": ""},
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
        tags={"QUANTITY": "reason of a masked pixel", "UNIT": ""},
    )


def outside_layer() -> Layer:
    return Layer(
        "outside",
        "uint8",
        OUTSIDE_NODATA,
        "1 where the pixel is outside what the model knows, 0 where it is inside",
        overviews="MODE",
        colours={0: (255, 255, 255, 255), 1: rgba(OUTSIDE_COLOUR), OUTSIDE_NODATA: (0, 0, 0, 0)},
        categories=("inside what the model knows", "outside what the model knows"),
        tags={"QUANTITY": "whether the model should be believed", "UNIT": ""},
    )


def rgba(colour: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue, 255
