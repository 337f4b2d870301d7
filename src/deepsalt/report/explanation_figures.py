"""Explanations drawn on the spectrum: known features, and what each window does to the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.report.figures import LOOK, PALETTE
from deepsalt.salinity.features import features_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHADE = {
    "water": "#56B4E9", "hydrated salts": "#56B4E9", "gypsum": "#CC79A7", "sulphate": "#CC79A7",
    "clay": "#E69F00", "carbonate": "#999999", "iron oxide": "#D55E00", "plants": "#009E73",
    "dry plants": "#009E73", "organic matter": "#009E73", "quartz": "#999999",
}  # fmt: skip
#: Share of the axis that two labels of features need between them.
_APART = 0.021
#: Bands farther apart than so many usual steps have none between them that could be joined by a line.
_GAP = 4.0


def explanation_figure(document: Mapping[str, Any]) -> Figure:
    """The figure of an explanation, of a model or of one sample.

    document  what `model_explanation` or `sample_explanation` returned, or the JSON of it
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(10.0, 7.4), layout="constrained")
        spectrum, shared, hidden = figure.subplots(3, 1, sharex=True, height_ratios=(1.25, 1, 1))
        _spectrum(spectrum, document)
        draw = _importance if document["of"] == "model" else _effect
        draw(shared, document["windows"], "gradients")
        draw(hidden, document["windows"], "hidden")
        shared.set_title("shared out along the way from the baseline (integrated gradients)")
        hidden.set_title("lost when the window is bridged by a straight line (occlusion)")
        for axes in (spectrum, shared, hidden):
            _features(axes, document)
        _names(spectrum, document)
        _wavelengths(hidden, document)
        figure.supylabel("effect on ln(1 + EC)", fontsize=9, y=0.33)
    return figure


def _spectrum(axes: Axes, document: Mapping[str, Any]) -> None:
    bands = document["bands"]
    at = np.asarray(bands["centres"], float)
    sample = document["of"] == "sample"
    lines = {"spectrum": "this spectrum" if sample else "mean spectrum", "baseline": "baseline"}
    for number, (key, name) in enumerate(lines.items()):
        if sample or key == "spectrum":
            values = np.array([np.nan if one is None else one for one in bands[key]], float)
            colour = PALETTE[0] if number == 0 else "#555555"
            axes.plot(*_broken(at, values), color=colour, linewidth=1.3, label=name)
    axes.set_ylabel(document["quantity"])
    axes.legend(loc="lower right", fontsize=8)


def _broken(at: NDArray[Any], values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The line with a hole where bands are far apart."""
    if len(at) < 3:
        return at, values
    steps = np.diff(at)
    holes = np.flatnonzero(steps > _GAP * np.median(steps)) + 1
    return np.insert(at, holes, np.nan), np.insert(values, holes, np.nan)


def _importance(axes: Axes, windows: Sequence[Mapping[str, Any]], key: str) -> None:
    """Mean size of the effects, with the interval over groups; colour tells which way the spectrum works."""
    sizes = np.array([one[key]["importance"] for one in windows], float)
    way = [one[key]["higher_is_saltier"] for one in windows]
    colours = ["#b9c6cf" if one is None or abs(one) < 0.3 else PALETTE[one < 0] for one in way]
    middles = [(one["low"] + one["high"]) / 2 for one in windows]
    axes.bar(middles, sizes, [0.92 * (one["high"] - one["low"]) for one in windows], color=colours)
    for middle, size, one in zip(middles, sizes, windows, strict=True):
        if one[key]["interval"] is not None:
            low, high = one[key]["interval"]
            axes.errorbar(middle, size, [[size - low], [high - size]], color="#333333", linewidth=0.9)
    axes.set_ylim(bottom=0)
    _key(axes, "higher is saltier", "lower is saltier", "no clear way")


def _effect(axes: Axes, windows: Sequence[Mapping[str, Any]], key: str) -> None:
    """What each window adds to this answer, with the spread over networks where it is known."""
    sizes = np.array([one[key] for one in windows], float)
    middles = [(one["low"] + one["high"]) / 2 for one in windows]
    wide = [0.92 * (one["high"] - one["low"]) for one in windows]
    spread = [one["spread"] for one in windows] if key == "gradients" else None
    colours = [PALETTE[1] if size > 0 else PALETTE[0] for size in sizes]
    axes.bar(
        middles, sizes, wide, color=colours, yerr=spread, error_kw={"linewidth": 0.9, "color": "#333333"}
    )
    axes.axhline(0, color="#777777", linewidth=0.8)
    _key(axes, "makes it less salty", "makes it saltier")


def _key(axes: Axes, blue: str, red: str, grey: str | None = None) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=PALETTE[0], label=blue), Patch(color=PALETTE[1], label=red)]
    if grey is not None:
        handles.append(Patch(color="#b9c6cf", label=grey))
    axes.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1.0, 0.98), fontsize=8, ncols=len(handles)
    )


def _features(axes: Axes, document: Mapping[str, Any]) -> None:
    for one in features_on(document["bands"]["centres"], document["unit"]):
        axes.axvspan(one.low, one.high, color=_SHADE[one.material], alpha=0.16, linewidth=0, zorder=0)


def _names(axes: Axes, document: Mapping[str, Any]) -> None:
    """Names of features above the spectrum, each beside the last one where they lie close."""
    centres = np.asarray(document["bands"]["centres"], float)
    found = sorted(features_on(centres, document["unit"]), key=lambda one: one.low + one.high)
    reach = float(np.ptp(centres)) or 1.0
    places = _apart([(one.low + one.high) / 2 for one in found], _APART * reach)
    for place, one in zip(places, found, strict=True):
        axes.text(
            place, 1.02, one.name, transform=axes.get_xaxis_transform(), rotation=90, fontsize=7.5,
            ha="center", va="bottom", color="#333333",
        )  # fmt: skip


def _apart(places: Sequence[float], least: float) -> list[float]:
    """The places, in order, moved to the right as far as keeps them apart.

    >>> _apart([10.0, 11.0, 20.0], 4.0)
    [10.0, 14.0, 20.0]
    """
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + least) if moved else place)
    return moved


def _wavelengths(axes: Axes, document: Mapping[str, Any]) -> None:
    centres = np.asarray(document["bands"]["centres"], float)
    step = 0.01 * float(np.ptp(centres))
    axes.set_xlim(centres.min() - step, centres.max() + step)
    axes.set_xlabel("wavelength, nm" if document["unit"] == "nm" else "wavenumber, cm-1")
    if document["unit"] == "cm-1":
        axes.invert_xaxis()
