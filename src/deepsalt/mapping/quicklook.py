"""Pictures of a map: the quicklook, and map, truth and difference side by side."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill, shorten
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.files import written_whole
from deepsalt.mapping.style import REASON_COLOURS, class_range, reason_name, rgba
from deepsalt.readers.raster import open_raster
from deepsalt.salinity.classes import USDA, ClassScheme
from deepsalt.spectra import MaskReason

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: A picture needs no more pixels along its longer side.
_LONGEST = 900
_UNKNOWN = "#e3e3e3"
#: Of ln(1 + map) - ln(1 + truth); 0.2 is about a fifth of 1 + ECe.
_DIFFERENCE_STEPS = (-1.5, -1.0, -0.6, -0.2, 0.2, 0.6, 1.0, 1.5)
FONT: Any = {"font.size": 9, "axes.titlesize": 10, "text.parse_math": False}


def write_quicklook(folder: Path, scheme: ClassScheme, scene: str) -> Path:
    """quicklook.png of the layers `ece` and `mask` in `folder`."""
    figure = map_figure(folder, scheme, scene)
    with written_whole(folder / "quicklook.png") as aside:
        aside.write_bytes(png_bytes(figure, dpi=130))
    return folder / "quicklook.png"


def png_bytes(figure: Figure, dpi: int = 110) -> bytes:
    """The figure as PNG, without the date and the version of the program in it.

    Drawn once, its layout included: `savefig` draws a figure with a layout twice.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dpi)
    stream = io.BytesIO()
    FigureCanvasAgg(figure).print_png(stream, metadata={"Software": None})
    return stream.getvalue()


def map_figure(folder: Path, scheme: ClassScheme, scene: str, title: str = "") -> Figure:
    """ECe by class with the masked pixels in quiet colours, north up, legend beside it."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    ece, extent, unit = read_small(folder / "ece.tif")
    reasons, _, _ = read_small(folder / "mask.tif")
    with mpl.rc_context(FONT):
        aspect = ece.shape[0] / ece.shape[1]
        figure = Figure(figsize=(7.6, float(np.clip(5.6 * aspect, 3.4, 11))), layout="constrained")
        axes = figure.add_subplot()
        axes.imshow(_picture(ece, reasons, scheme), extent=extent, interpolation="nearest")
        finish_axes(axes, unit)
        name = fill(shorten(scene, 110, placeholder="…"), 62)
        axes.set_title(title or f"ECe of the surface layer\n{name}", loc="left")
        scale_bar(axes, extent, unit)
        present = [reason for reason in MaskReason if reason and (reasons == reason).any()]
        _legend(figure, scheme, present)
    return figure


def compare_figure(
    mapped: NDArray[np.floating],
    truth: NDArray[np.floating],
    difference: NDArray[np.floating],
    *,
    extent: Sequence[float] | None = None,
    unit: str = "",
    scheme: ClassScheme = USDA,
) -> Figure:
    """Map, truth and difference side by side.

    mapped, truth   (y, x) ECe, dS/m, NaN = none
    difference      (y, x) ln(1 + map) - ln(1 + truth), NaN where either is missing
    extent          left, right, bottom, top in map units
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    box = tuple(extent) if extent is not None else (0, mapped.shape[1], mapped.shape[0], 0)
    with mpl.rc_context(FONT):
        height = float(np.clip(2.9 * mapped.shape[0] / mapped.shape[1] + 1.0, 2.6, 8))
        figure = Figure(figsize=(11.4, height), layout="constrained")
        left, middle, right = figure.subplots(1, 3, sharex=True, sharey=True)
        for axes, values, title in ((left, mapped, "Map"), (middle, truth, "Truth")):
            axes.imshow(_picture(values, None, scheme), extent=box, interpolation="nearest")
            axes.set_title(title, loc="left")
        image = _draw_difference(right, difference, box)
        right.set_title("Map − truth, on ln(1+ECe)", loc="left")
        for axes in (left, middle, right):
            finish_axes(axes, unit, labels=axes is left, ticks=3)
        figure.colorbar(image, ax=right, shrink=0.85, label="too low      |      too high")
        handles = [
            Patch(facecolor=c.colour, edgecolor="#00000033", label=class_range(c)) for c in scheme.classes
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def read_small(path: Path, band: int = 1) -> tuple[NDArray[Any], tuple[float, float, float, float], str]:
    """A band shrunk to picture size, its extent (left, right, bottom, top) and the unit of its map."""
    with open_raster(path) as dataset:
        shrink = max(1.0, max(dataset.height, dataset.width) / _LONGEST)
        shape = (max(1, round(dataset.height / shrink)), max(1, round(dataset.width / shrink)))
        values = dataset.read(band, out_shape=shape)
        bounds, crs = dataset.bounds, dataset.crs
    unit = "" if crs is None else ("m" if crs.is_projected else "degrees")
    return values, (bounds.left, bounds.right, bounds.bottom, bounds.top), unit


def _picture(
    ece: NDArray[np.floating], reasons: NDArray[np.uint8] | None, scheme: ClassScheme
) -> NDArray[np.uint8]:
    """(y, x, 4) red, green, blue and alpha: the class of ECe, and below it why a pixel has none."""
    classes = np.array([rgba(item.colour) for item in scheme.classes], np.uint8)
    known = np.isfinite(ece)
    picture = np.empty((*ece.shape, 4), np.uint8)
    picture[:] = rgba(_UNKNOWN)
    if reasons is not None:
        picture[:] = np.array([rgba(REASON_COLOURS[reason]) for reason in MaskReason], np.uint8)[reasons]
    picture[known] = classes[scheme.classify(ece[known])]
    return picture


def _draw_difference(axes: Axes, difference: NDArray[np.floating], extent: Sequence[float]) -> Any:
    """In steps, so that "about right" is one colour; orange is too high, purple too low."""
    import matplotlib as mpl
    from matplotlib.colors import BoundaryNorm

    norm = BoundaryNorm(_DIFFERENCE_STEPS, 256, extend="both")
    axes.set_facecolor(_UNKNOWN)
    box: Any = tuple(extent)
    colours = mpl.colormaps["PuOr_r"]
    return axes.imshow(difference, cmap=colours, norm=norm, extent=box, interpolation="nearest")


def finish_axes(axes: Axes, unit: str, labels: bool = True, ticks: int = 4) -> None:
    """Quiet ticks, and the names of the axes by the unit of the map: "m", "degrees" or ""."""
    axes.ticklabel_format(useOffset=False, style="plain")
    axes.locator_params(nbins=ticks)
    axes.tick_params(labelsize=7, color="#888888", length=3)
    for spine in axes.spines.values():
        spine.set_color("#888888")
    if labels:
        names = {"m": ("easting, m", "northing, m"), "degrees": ("longitude", "latitude")}
        x, y = names.get(unit, ("column", "row"))
        axes.set_xlabel(x, fontsize=8)
        axes.set_ylabel(y, fontsize=8)
    for label in axes.get_yticklabels():
        label.set(rotation=90, va="center")


def scale_bar(axes: Axes, extent: Sequence[float], unit: str) -> None:
    """A bar of a round length, about a fifth of the width, in the lower left corner."""
    if unit != "m":
        return
    left, right, bottom, top = extent
    target = (right - left) / 5
    power = 10 ** np.floor(np.log10(target))
    length = float(max(step * power for step in (1, 2, 5) if step * power <= target))
    x, y = left + 0.04 * (right - left), bottom + 0.05 * (top - bottom)
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    for colour, width in (("white", 6), ("black", 2.5)):
        axes.plot([x, x + length], [y, y], color=colour, linewidth=width, solid_capstyle="butt")
    text = axes.text(x + length / 2, y + 0.015 * (top - bottom), label, ha="center", va="bottom", fontsize=8)
    text.set_bbox({"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1})
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)


def _legend(figure: Figure, scheme: ClassScheme, reasons: Sequence[MaskReason]) -> None:
    from matplotlib.patches import Patch

    edge = "#00000055"
    look: Any = {"frameon": False, "fontsize": 8, "alignment": "left"}
    classes = [
        Patch(facecolor=c.colour, edgecolor=edge, label=f"{class_range(c)}\n{c.name}") for c in scheme.classes
    ]
    title = f"ECe, {scheme.name} classes"
    figure.legend(handles=classes, title=title, loc="outside right upper", **look)
    masked = [Patch(facecolor=REASON_COLOURS[r], edgecolor=edge, label=reason_name(r)) for r in reasons]
    if masked:
        figure.legend(handles=masked, title="No value because of", loc="outside right lower", **look)
