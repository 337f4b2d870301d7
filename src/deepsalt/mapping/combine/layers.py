"""Layers that a mosaic and a change have beside those of a map, and how QGIS shows them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from deepsalt.mapping import qml, style
from deepsalt.mapping.cog import Layer
from deepsalt.salinity.classes import ClassScheme

_NAN = float("nan")
#: Values of significance.tif.
SAME, SALTIER, FRESHER, NOT_TESTED, NOT_MAPPED = 0, 1, 2, 3, 255
#: Name and colour of each value of significance.tif.
VERDICTS = (
    ("no significant change", "#e4e0d5"),
    ("saltier", "#c05a12"),
    ("fresher", "#6250a0"),
    ("not tested: outside what a model knows", "#a3a3a3"),
)
#: Bounds between the colours of a change of ln(1+ECe); 0.2 is about a fifth of 1 + ECe.
CHANGE_STEPS = (-1.5, -1.0, -0.6, -0.2, 0.2, 0.6, 1.0, 1.5)
#: The same for a change in dS/m.
CHANGE_STEPS_DS_M = (-16.0, -8.0, -4.0, -1.0, 1.0, 4.0, 8.0, 16.0)
#: From much fresher to much saltier.
CHANGE_COLOURS = (
    "#3f2f6f", "#6250a0", "#9a8fc4", "#cfc9e2", "#efece6", "#f2d3ae", "#e3a25c", "#c05a12", "#7d3606",
)  # fmt: skip
#: Most looks, and the colour.
_LOOKS = ((1, "#d8e6ee"), (2, "#a8c9dc"), (4, "#6fa5c4"), (8, "#3c7ba3"), (16, "#1d5379"))
_MANY_LOOKS = "#0b2f4b"


def answer_layer(name: str, level: float | None, thresholds: Mapping[str, float]) -> Layer:
    """A bound of the interval, or the probability that ECe exceeds a threshold."""
    if name in thresholds:
        return style.probability_layer(thresholds[name])
    assert level is not None, "a map with bounds says their level"
    return style.bound_layer(name, "lower" if name == "ece_low" else "upper", level)


def looks_layer() -> Layer:
    return Layer("looks", "uint16", 0, "looks that a value is made of", overviews="MODE")


def change_layers(*, tested: bool) -> tuple[Layer, ...]:
    """Layers of a change in numbers; its standard error only where the maps know their errors."""
    said = "standard error of the change of ln(1 + ECe); none where a model should not be believed"
    return (
        Layer("change", "float32", _NAN, "change of ln(1 + ECe), after minus before"),
        Layer("change_ds_m", "float32", _NAN, "change of ECe, after minus before", unit="dS/m"),
        *((Layer("change_se", "float32", _NAN, said),) if tested else ()),
    )


def significance_layer() -> Layer:
    colours = {value: style.rgba(colour) for value, (_, colour) in enumerate(VERDICTS)}
    return Layer(
        "significance",
        "uint8",
        NOT_MAPPED,
        "whether ECe changed more than the maps' errors explain",
        overviews="MODE",
        colours={**colours, NOT_MAPPED: (0, 0, 0, 0)},
        categories=tuple(name for name, _ in VERDICTS),
    )


def looks_qml() -> str:
    starts = (1, *(end + 1 for end, _ in _LOOKS))
    ranges = [
        f"{start}" if start == end else f"{start}-{end}"
        for start, (end, _) in zip(starts, _LOOKS, strict=False)
    ]
    steps = [(end, colour, label) for (end, colour), label in zip(_LOOKS, ranges, strict=True)]
    return qml.steps_qml([*steps, (float("inf"), _MANY_LOOKS, f"{starts[-1]} and more")])


def beside_mosaic(layers: tuple[str, ...], scheme: ClassScheme) -> dict[str, str]:
    """QGIS styles of a mosaic's layers, by file name."""
    styles = {name: looks_qml() if name == "looks" else qml.style_of(name, scheme) for name in layers}
    return {f"{name}.qml": text for name, text in styles.items() if text is not None}


def beside_change(*, tested: bool) -> dict[str, str]:
    """QGIS styles of a change's layers, by file name."""
    styles = {
        "change.qml": _steps_qml(CHANGE_STEPS, "ln(1+ECe)"),
        "change_ds_m.qml": _steps_qml(CHANGE_STEPS_DS_M, "dS/m"),
    }
    if tested:
        entries = [(value, colour, 255, name) for value, (name, colour) in enumerate(VERDICTS)]
        styles["significance.qml"] = qml.palette_qml(entries)
    return styles


def _steps_qml(steps: tuple[float, ...], unit: str) -> str:
    between = [f"{low:+g} to {high:+g} {unit}" for low, high in pairwise(steps)]
    labels = [f"below {steps[0]:+g} {unit}", *between, f"above {steps[-1]:+g} {unit}"]
    ends = (*steps, float("inf"))
    return qml.steps_qml(list(zip(ends, CHANGE_COLOURS, labels, strict=True)))
