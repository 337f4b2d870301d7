"""The quicklook of a change: by how much, and what of it is significant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from textwrap import fill, shorten
from typing import TYPE_CHECKING, Any

import numpy as np

from deepsalt.mapping.combine.layers import CHANGE_COLOURS, CHANGE_STEPS, NOT_MAPPED, VERDICTS
from deepsalt.mapping.quicklook import FONT, finish_axes, read_small, scale_bar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NOT_MAPPED_COLOUR = "#ffffff"


def change_figure(folder: Path, facts: Mapping[str, Any]) -> Figure:
    """Change of ln(1+ECe), and beside it the verdicts where there are any; `facts` as in map.json."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    change, extent, unit = read_small(folder / "change.tif")
    tested = "significance" in facts["layers"]
    with mpl.rc_context(FONT):
        height = float(np.clip(4.6 * change.shape[0] / change.shape[1] + 0.9, 3.8, 11))
        figure = Figure(figsize=(12.4 if tested else 7.6, height), layout="constrained")
        axes = figure.subplots(1, 2 if tested else 1, sharex=True, sharey=True, squeeze=False)[0]
        _draw_change(figure, axes[0], change, extent)
        scale_bar(axes[0], extent, unit)
        if tested:
            _draw_verdicts(figure, axes[1], read_small(folder / "significance.tif")[0], extent)
        for number, one in enumerate(axes):
            finish_axes(one, unit, labels=number == 0)
        dates = [str(facts[side]["acquired"] or facts[side]["scene"])[:10] for side in ("before", "after")]
        scene = shorten(str(facts["after"]["scene"]), 90, placeholder="…")
        title = f"Change of ECe of the surface layer, {dates[0]} to {dates[1]}: {scene}"
        figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    return figure


def _draw_change(figure: Figure, axes: Any, change: Any, extent: Any) -> None:
    """In steps, so that "about the same" is one colour."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    norm = BoundaryNorm([-np.inf, *CHANGE_STEPS, np.inf], len(CHANGE_COLOURS))
    axes.set_facecolor(_NOT_MAPPED_COLOUR)
    axes.imshow(
        change, cmap=ListedColormap(CHANGE_COLOURS), norm=norm, extent=extent, interpolation="nearest"
    )
    axes.set_title("After − before, on ln(1+ECe)", loc="left")
    edges = [
        "below −1.5",
        *(f"{a:+g} to {b:+g}" for a, b in pairwise(CHANGE_STEPS)),
    ]
    named = list(zip(CHANGE_COLOURS, [*edges, "above +1.5"], strict=True))
    _legend(figure, named[::-1], "Change of ln(1+ECe)", "outside right upper")


def _draw_verdicts(figure: Figure, axes: Any, verdicts: Any, extent: Any) -> None:
    from matplotlib.colors import ListedColormap

    shown = np.where(verdicts == NOT_MAPPED, np.nan, verdicts.astype(float))
    colours = ListedColormap([colour for _, colour in VERDICTS])
    axes.set_facecolor(_NOT_MAPPED_COLOUR)
    axes.imshow(
        shown, cmap=colours, vmin=-0.5, vmax=len(VERDICTS) - 0.5, extent=extent, interpolation="nearest"
    )
    axes.set_title("More than the maps' errors explain", loc="left")
    named = [(colour, fill(name, 24)) for name, colour in VERDICTS]
    _legend(figure, named, "Significance", "outside right lower")


def _legend(figure: Figure, entries: Sequence[tuple[str, str]], title: str, where: Any) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=colour, edgecolor="#00000055", label=name) for colour, name in entries]
    figure.legend(handles=handles, title=title, loc=where, frameon=False, fontsize=8, alignment="left")
