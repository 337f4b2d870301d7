"""Figures of the report, as bytes. Colours of Okabe and Ito (2008), told apart by everybody."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from deepsalt.mapping.quicklook import png_bytes
from deepsalt.report.words import label
from deepsalt.units import log_ece

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8a7a00")
LOOK: Any = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#777777",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "legend.frameon": False,
    "svg.hashsalt": "deepsalt",
    "text.parse_math": False,
}
_TICKS_DS_M = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


def png(figure: Figure, colours: int = 96) -> bytes:
    """The figure as a small PNG with a palette."""
    from PIL import Image

    with Image.open(io.BytesIO(png_bytes(figure, dpi=115))) as picture:
        stream = io.BytesIO()
        picture.convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(stream, "png", optimize=True)
    return stream.getvalue()


def svg(figure: Figure) -> bytes:
    """The figure as SVG without a date, so that the same figure gives the same bytes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    stream = io.BytesIO()
    with mpl.rc_context(LOOK):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def predicted_observed(table: pd.DataFrame, methods: Sequence[str], target: str) -> Figure:
    """Predicted against observed, one panel a method, one colour a region, ln(1 + value) axes.

    table   rows of one part: method, region, observed, predicted (dS/m)
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    regions = sorted(set(table["region"].astype(str)))
    top = float(log_ece(max(table["observed"].max(), table["predicted"].max(), 1.0))) * 1.03
    with mpl.rc_context(LOOK):
        rows, across = _layout(len(methods))
        figure = Figure(figsize=(10.0, (9.2 / max(across, 3)) * rows + 0.6), layout="constrained")
        grid = figure.subplots(rows, across, sharex=True, sharey=True, squeeze=False)
        for axes in grid.ravel()[len(methods) :]:
            axes.set_visible(False)
        for axes, method in zip(grid.ravel(), methods, strict=False):
            _scatter(axes, table[table["method"] == method], regions)
            _log_axes(axes, top)
            axes.set_title(_short(label(method)))
        figure.supxlabel(f"observed {target}, dS/m", fontsize=9)
        figure.supylabel(f"predicted {target}, dS/m", fontsize=9)
        _region_legend(figure, regions)
    return figure


def _short(words: str, most: int = 36) -> str:
    """So that a long name cannot push the axes out of the figure."""
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _layout(panels: int) -> tuple[int, int]:
    """Rows and columns of panels: up to four in a row, then rows as even as they go."""
    rows = -(-panels // 4)
    return rows, -(-panels // rows)


def _scatter(axes: Axes, table: pd.DataFrame, regions: Sequence[str]) -> None:
    size = 14 if len(table) < 600 else 5
    for i, region in enumerate(regions):
        here = table[table["region"].astype(str) == region]
        x, y = log_ece(here["observed"]), log_ece(here["predicted"].clip(lower=0))
        axes.scatter(x, y, s=size, alpha=0.6, linewidths=0, color=_colour(i), marker=marker(i))


def _log_axes(axes: Axes, top: float) -> None:
    every = 1 if top < log_ece(40) else 2
    ticks = [tick for tick in _TICKS_DS_M[::every] if log_ece(tick) <= top]
    axes.plot([0, top], [0, top], color="#444444", linewidth=0.9)
    axes.set_xlim(-0.05 * top, top)
    axes.set_ylim(-0.05 * top, top)
    axes.set_xticks(log_ece(ticks), [str(tick) for tick in ticks])
    axes.set_yticks(log_ece(ticks), [str(tick) for tick in ticks])
    axes.grid(color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_aspect("equal")


def _region_legend(figure: Figure, regions: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles: list[Any] = [Line2D([], [], color="#444444", linewidth=0.9, label="1:1")]
    handles += [
        Line2D([], [], linestyle="", marker=marker(i), color=_colour(i), label=_short(region, 20))
        for i, region in enumerate(regions)
        if region not in ("", "nan", "None") and i < 2 * len(PALETTE)
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=min(6, len(handles)), fontsize=8)


def _colour(index: int) -> str:
    return PALETTE[index % len(PALETTE)]


def marker(index: int) -> str:
    return "os^Dv<>P"[(index // len(PALETTE) + index) % 8]


def rmse_bars(results: Mapping[str, Sequence[Mapping[str, Any]]], titles: Mapping[str, str]) -> Figure:
    """RMSE on the log scale, one panel a part, one bar a method; the smallest in a strong colour."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    longest = max(len(rows) for rows in results.values())
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(10.0, 0.36 * longest + 1.1), layout="constrained")
        panels = figure.subplots(1, len(results), squeeze=False)[0]
        for axes, (part, rows) in zip(panels, results.items(), strict=True):
            values = [np.nan if row["ln"]["rmse"] is None else float(row["ln"]["rmse"]) for row in rows]
            smallest = np.nanmin(values) if np.isfinite(values).any() else np.nan
            colours = [PALETTE[0] if value == smallest else "#b9c6cf" for value in values]
            bars = axes.barh(range(len(rows)), np.nan_to_num(values), color=colours, height=0.72)
            axes.bar_label(
                bars, [f"{v:.3f}" if np.isfinite(v) else "none" for v in values], padding=3, fontsize=8
            )
            axes.set_yticks(range(len(rows)), [_short(label(row["method"])) for row in rows])
            axes.invert_yaxis()
            axes.set_xlim(0, 1.16 * np.nanmax([*values, 1e-9]))
            axes.set_title(_short(titles[part], 50))
            axes.set_xlabel("RMSE on ln(1 + value), smaller is better")
    return figure


def training_curves(history: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Loss by epoch, one panel a stage; None if no stage has a curve."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    stages = [stage for stage in history if stage.get("epoch")]
    if not stages:
        return None
    with mpl.rc_context(LOOK):
        rows, across = _layout(len(stages))
        figure = Figure(figsize=(10.0, 2.5 * rows + 0.2), layout="constrained")
        grid = figure.subplots(rows, across, squeeze=False)
        for axes in grid.ravel()[len(stages) :]:
            axes.set_visible(False)
        for axes, stage in zip(grid.ravel(), stages, strict=False):
            _curve(axes, stage)
        grid[0, 0].legend(fontsize=8)
    return figure


def _curve(axes: Axes, stage: Mapping[str, Any]) -> None:
    lines = []
    for key, colour, style in (("train", PALETTE[0], "-"), ("validation", PALETTE[1], "--")):
        values = np.array([np.nan if v is None else v for v in stage.get(key) or []], float)
        if len(values):
            axes.plot(stage["epoch"][: len(values)], values, style, color=colour, linewidth=1.4, label=key)
            lines.append(values[np.isfinite(values)])
    known = np.concatenate([*lines, np.empty(0)])
    if len(known) and known.min() > 0 and known.max() > 20 * known.min():
        from matplotlib.ticker import NullFormatter

        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    if stage.get("best_epoch"):
        axes.axvline(stage["best_epoch"], color="#999999", linewidth=0.9, linestyle=":", label="kept epoch")
    axes.set_title(_short(str(stage.get("stage", ""))))
    axes.set_ylabel(fill(_short(str(stage.get("loss", "loss")), 60), 28), fontsize=8)
    axes.set_xlabel("epoch", fontsize=8)
