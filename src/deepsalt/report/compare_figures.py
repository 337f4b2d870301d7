"""Figures of a comparison: dots with intervals, and error against the number of ground points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from deepsalt.report.figures import LOOK, PALETTE, marker

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KIND_COLOURS: Mapping[str, str] = {
    "baseline": PALETTE[6],
    "adaptation": PALETTE[2],
    "preset": PALETTE[1],
    "ablation": PALETTE[0],
    "control": PALETTE[3],
}
_AXIS = "mean RMSE on ln(1 + ECe), smaller is better"


def dots(tables: Sequence[Mapping[str, Any]], titles: Mapping[str, str], headings: Sequence[str]) -> Figure:
    """Mean RMSE with its 95 % interval, one panel a table, one line a method, one colour a kind.

    A filled dot differs from the reference by more than chance (paired interval); a hollow one does not.
    The reference is a diamond, with a line down the panel. A method that failed leaves its line empty.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row["method"] for table in tables for row in table["rows"]))
    with mpl.rc_context(LOOK):
        width = 3.0 + 2.4 * len(tables)
        figure = Figure(figsize=(width, 0.26 * len(names) + 1.7), layout="constrained")
        panels = figure.subplots(1, len(tables), squeeze=False, sharey=True)[0]
        for axes, table, heading in zip(panels, tables, headings, strict=True):
            _panel(axes, table, names)
            axes.set_title(fill(heading, 34))
        panels[0].set_yticks(range(len(names)), [titles.get(name, name) for name in names])
        panels[0].set_ylim(len(names) - 0.4, -0.6)
        figure.supxlabel(_AXIS, fontsize=9)
        _kind_legend(figure, {row["kind"] for table in tables for row in table["rows"]})
    return figure


def _panel(axes: Axes, table: Mapping[str, Any], names: Sequence[str]) -> None:
    for row in table["rows"]:
        if row["rmse"] is None:
            continue
        y, colour = names.index(row["method"]), KIND_COLOURS[row["kind"]]
        if row["interval"]:
            axes.plot(row["interval"], [y, y], color=colour, linewidth=1.4, solid_capstyle="butt")
        is_reference = row["method"] == table["reference"]
        differs = row["against"] is not None and row["against"]["outcome"] != "unclear"
        if is_reference:
            axes.axvline(row["rmse"], color="#999999", linewidth=0.9, linestyle=":", zorder=0)
        face = colour if differs or is_reference else "white"
        shape = "D" if is_reference else "o"
        axes.plot([row["rmse"]], [y], shape, color=colour, markerfacecolor=face, markersize=5.5)
    axes.grid(axis="x", color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)


def _kind_legend(figure: Figure, kinds: set[str]) -> None:
    from matplotlib.lines import Line2D

    handles: list[Any] = [
        Line2D([], [], color=colour, marker="o", linewidth=1.4, markersize=5, label=kind)
        for kind, colour in KIND_COLOURS.items()
        if kind in kinds
    ]
    for shape, face, words in (
        ("D", "#555555", "reference"),
        ("o", "#555555", "differs from it"),
        ("o", "white", "may be chance"),
    ):
        handles.append(
            Line2D([], [], color="#555555", linestyle="", marker=shape, markerfacecolor=face, label=words)
        )
    figure.legend(handles=handles, loc="outside upper right", ncols=min(len(handles), 4), fontsize=8)


def curves(
    efficiency: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str],
    headings: Sequence[str],
    banded: Sequence[str],
) -> Figure:
    """Error against the number of ground points, one panel a part and kind of unseen, one line a method.

    banded   methods whose 95 % interval is drawn; more than two hide each other
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(curve["method"] for entry in efficiency for curve in entry["curves"]))
    with mpl.rc_context(LOOK):
        legend = 0.2 * -(-len(names) // 3)
        figure = Figure(figsize=(1.2 + 3.6 * len(efficiency), 3.6 + legend), layout="constrained")
        panels = figure.subplots(1, len(efficiency), squeeze=False, sharey=True)[0]
        for axes, entry, heading in zip(panels, efficiency, headings, strict=True):
            for curve in entry["curves"]:
                _curve(axes, curve, names.index(curve["method"]), curve["method"] in banded)
            _points_axis(axes, entry["curves"])
            axes.set_title(fill(heading, 44))
        panels[0].set_ylabel("mean RMSE on ln(1 + ECe)", fontsize=9)
        figure.supxlabel("ground points learned from", fontsize=9)
        _curve_legend(figure, names, titles)
    return figure


def _curve(axes: Axes, curve: Mapping[str, Any], number: int, band: bool) -> None:
    x, colour = np.array(curve["points"], float), PALETTE[number % len(PALETTE)]
    axes.plot(x, curve["rmse"], color=colour, marker=marker(number), linewidth=1.5, markersize=4.5)
    if band and all(curve["interval"]):
        low, high = np.array(curve["interval"]).T
        axes.fill_between(x, low, high, color=colour, alpha=0.10, linewidth=0)


def _points_axis(axes: Axes, curves: Sequence[Mapping[str, Any]]) -> None:
    """Logarithmic from 10 points up, with room for 0."""
    from matplotlib.ticker import NullLocator

    axes.set_xscale("symlog", linthresh=10, linscale=0.6)
    ticks = sorted({round(points) for curve in curves for points in curve["points"]})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)


def _curve_legend(figure: Figure, names: Sequence[str], titles: Mapping[str, str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            color=PALETTE[i % len(PALETTE)],
            marker=marker(i),
            markersize=4.5,
            label=titles.get(name, name),
        )
        for i, name in enumerate(names)
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, fontsize=8)
