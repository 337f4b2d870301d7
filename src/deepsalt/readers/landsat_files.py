"""The files of a Landsat product: which file holds which band or quality layer, and its metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from deepsalt.errors import ProductError
from deepsalt.readers.landsat_mtl import GAIN, OFFSET, LandsatMetadata, looks_like_mtl, read_mtl

_LAYER = re.compile(
    r"^(?P<product>L[COTEM]\d\d_(?P<level>L2S[PR])_\d{6}_(?P<date>\d{8})_.+)"
    r"_(?P<layer>SR_B\d|QA_PIXEL|QA_RADSAT|SR_QA_AEROSOL)\.TIFF?$",
    re.IGNORECASE,
)
#: Files of a folder that are looked at to recognise it, at most.
_LOOKED_AT = 200


def looks_like_product(folder: Path) -> bool:
    """Whether a folder holds an MTL file, or images under the names of level-2 products."""
    files = islice(folder.iterdir(), _LOOKED_AT) if folder.is_dir() else ()
    return any(looks_like_mtl(file) or _LAYER.match(file.name) for file in files)


def metadata_of(path: Path, notes: list[str]) -> LandsatMetadata:
    """Metadata of an MTL file, or of the one product in a folder; ProductError for several, or none."""
    return read_mtl(path) if path.is_file() else _in_folder(path, notes)


def _in_folder(folder: Path, notes: list[str]) -> LandsatMetadata:
    # One product may have its metadata three times over: as text, XML and JSON.
    mtl = {file.stem: file for file in sorted(folder.iterdir()) if looks_like_mtl(file)}
    names = {match["product"] for match in map(_LAYER.match, _names(folder)) if match}
    if len(mtl) > 1 or (not mtl and len(names) > 1):
        raise ProductError(
            f"{max(len(mtl), len(names))} products lie in one folder",
            where=str(folder),
            fix="Give the MTL file of one of them.",
        )
    return read_mtl(next(iter(mtl.values()))) if mtl else _assumed(folder, notes)


def _names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def _assumed(folder: Path, notes: list[str]) -> LandsatMetadata:
    """Metadata of a product without an MTL file: from its names and the one scale of Collection 2."""
    match = next(filter(None, map(_LAYER.match, _names(folder))), None)
    if match is None:
        raise ProductError(
            "there is neither an MTL file nor an image of a level-2 product",
            where=str(folder),
            fix="Give the folder of the product.",
        )
    notes.append(
        f"no MTL file: the scale of Collection 2 ({GAIN:g} * stored {OFFSET:+g}) is assumed, "
        "and the date is that of the name"
    )
    bands = [f"B{number}" for number in range(1, 8)]
    try:
        acquired = datetime.strptime(match["date"], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        acquired = None
    return LandsatMetadata(
        path=folder,
        name=match["product"],
        spacecraft=f"LANDSAT_{int(match['product'][2:4])}",
        level=match["level"].upper(),
        acquired=acquired,
        gains=dict.fromkeys(bands, GAIN),
        offsets=dict.fromkeys(bands, OFFSET),
    )


def layers_in(folder: Path, meta: LandsatMetadata) -> dict[str, Path]:
    """Bands ("SR_B2") and quality layers of the product; those of other products are left alone."""
    matches = [(match, folder / match.string) for match in map(_LAYER.match, _names(folder)) if match]
    own = {m["layer"].upper(): file for m, file in matches if m["product"].upper() == meta.name.upper()}
    if matches and not own:
        raise ProductError(
            f"{meta.path.name} describes {meta.name}, the images are of {matches[0][0]['product']}",
            where=str(folder),
            fix="Download the product again: its parts do not belong together.",
        )
    return own


def first_band(found: Mapping[str, Path], meta: LandsatMetadata) -> Path:
    """The first band that is there: its grid is that of the scene. Raises ProductError if none is."""
    bands = sorted(layer for layer in found if layer.startswith("SR_B"))
    if not bands:
        raise ProductError(
            "no surface reflectance is there (..._SR_B2.TIF)",
            where=str(meta.path),
            fix="Copy or download the whole product again.",
        )
    return found[bands[0]]
