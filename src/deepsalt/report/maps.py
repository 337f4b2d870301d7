"""One section of the page for each map: pictures, areas, masked shares, agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepsalt.mapping.combine.maps import scheme_of
from deepsalt.mapping.quicklook import compare_figure, map_figure, read_small
from deepsalt.mapping.style import REASON_COLOURS, class_range, reason_name
from deepsalt.report.content import MapFolder
from deepsalt.report.figures import png
from deepsalt.report.words import number, share
from deepsalt.spectra import MaskReason
from deepsalt.units import log_ece


@dataclass(frozen=True)
class Picture:
    """A figure on the page: image bytes, their type, the text for those who cannot see it, a caption."""

    data: bytes
    kind: str
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Row:
    """A bar of a table of areas: `width` is its length in per cent."""

    name: str
    detail: str
    colour: str
    amount: str
    share: str
    width: float


@dataclass(frozen=True)
class MapSection:
    """What the page shows of one map; `pictures` is empty where they would make the page too big."""

    scene: str
    model: str
    folder: str
    facts: tuple[tuple[str, str], ...]
    classes: tuple[Row, ...]
    masked: tuple[Row, ...]
    truth: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    pictures: tuple[Picture, ...]


def section(found: MapFolder, with_pictures: bool) -> MapSection:
    """Everything shown of one map."""
    summary = found.summary
    return MapSection(
        scene=str(summary["scene"]),
        model=str(summary["model"]),
        folder=f"maps/{found.folder.name}",
        facts=_facts(summary),
        classes=_classes(summary),
        masked=_masked(summary),
        truth=_truth(summary.get("truth")),
        notes=tuple(str(note) for note in summary.get("notes", [])),
        pictures=_pictures(found) if with_pictures else (),
    )


def _facts(summary: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    ece, unit = summary["ece"], summary.get("unit", "dS/m")
    return (
        ("Mapped pixels", f"{number(summary['valid'])} of {number(summary['pixels'])}"),
        ("Mapped share", share(summary["valid"], summary["pixels"])),
        ("Median ECe", f"{number(ece['median'], 2)} {unit}"),
        ("5 % to 95 %", f"{number(ece['p5'], 2)} to {number(ece['p95'], 2)} {unit}"),
    )


def _classes(summary: Mapping[str, Any]) -> tuple[Row, ...]:
    classes = summary["classes"]
    most = max((c["pixels"] for c in classes), default=0) or 1
    ranges = [class_range(item) for item in scheme_of(summary).classes]
    return tuple(
        Row(
            name=c["name"],
            detail=text,
            colour=c["colour"],
            amount=_area(c),
            share=share(c["pixels"], summary["valid"]),
            width=100 * c["pixels"] / most,
        )
        for c, text in zip(classes, ranges, strict=True)
    )


def _area(item: Mapping[str, Any]) -> str:
    """Hectares of a class; its pixels where the map has no place on the ground."""
    hectares = item["hectares"]
    if hectares is None:
        return f"{number(item['pixels'])} pixels"
    return f"{number(hectares, 2) if hectares < 100 else number(round(hectares))} ha"


def _masked(summary: Mapping[str, Any]) -> tuple[Row, ...]:
    reasons = summary["reasons"]
    most = max(reasons.values(), default=0) or 1
    return tuple(
        Row(
            name=reason_name(MaskReason[name.upper()]),
            detail="",
            colour=REASON_COLOURS[MaskReason[name.upper()]],
            amount=f"{number(count)} pixels",
            share=share(count, summary["pixels"]),
            width=100 * count / most,
        )
        for name, count in reasons.items()
    )


def _truth(truth: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    if truth is None:
        return ()
    return (
        ("Pixels compared", number(truth["n"])),
        ("Correlation on ln(1+ECe)", number(truth["pearson_ln"])),
        ("Rank correlation", number(truth["spearman"])),
        ("RMSE on ln(1+ECe)", number(truth["rmse_ln"])),
        ("R² on ln(1+ECe)", number(truth["r2_ln"])),
    )


def _pictures(found: MapFolder) -> tuple[Picture, ...]:
    folder, summary = found.folder, found.summary
    scheme, scene = scheme_of(summary), summary["scene"]
    shown: list[Picture] = []
    if "truth" in summary.get("layers", {}):
        mapped, extent, unit = read_small(folder / "ece.tif")
        true, _, _ = read_small(folder / summary["layers"]["truth"])
        true = np.where(np.isnan(mapped), np.nan, true)
        difference = log_ece(mapped) - log_ece(true)
        figure = compare_figure(mapped, true, difference, extent=extent, unit=unit, scheme=scheme)
        shown.append(
            Picture(
                png(figure),
                "image/png",
                f"Three maps of {scene} side by side: mapped ECe, true ECe, and their difference",
                "Map, truth where the map has a value, and difference on ln(1+ECe): "
                "orange is mapped too high, purple too low.",
            )
        )
    title = "ECe of the surface layer"
    shown.append(
        Picture(
            png(map_figure(folder, scheme, str(summary["scene"]), title=title)),
            "image/png",
            f"Map of {scene}: ECe by class, with masked pixels in quiet colours",
            "The map with its masked pixels. North is up.",
        )
    )
    return tuple(shown)
