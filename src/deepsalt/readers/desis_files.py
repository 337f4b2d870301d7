"""The parts of a DESIS product, in a folder or in a zip."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from deepsalt.errors import ProductError
from deepsalt.readers.product_files import File, beside, files_of, is_zip, stream_of

_IMAGE = re.compile(r"^(?P<name>.+)-SPECTRAL_IMAGE\.tiff?$", re.IGNORECASE)
_XML = "-metadata.xml"
_HEAD = 4096


@dataclass(frozen=True)
class DesisFiles:
    """The image of a product and the files of the same name beside it; None where one is not there."""

    name: str
    image: File
    metadata: File | None
    header: File | None
    quality: File | None


def looks_like_desis(file: File) -> bool:
    """Whether a file is XML of a DESIS product."""
    if not file.name.lower().endswith(".xml") or (isinstance(file, Path) and not file.is_file()):
        return False
    with stream_of(file) as stream:
        head = stream.read(_HEAD).lower()
    return b"<hsi_doc" in head and b"enmap" not in head


def is_desis(path: Path) -> bool:
    """A folder or zip with a DESIS SPECTRAL_IMAGE, that image itself, or a METADATA.xml of DESIS."""
    if looks_like_desis(path) and path.name.lower().endswith("metadata.xml"):
        return True
    if path.is_file() and not is_zip(path) and not _IMAGE.match(path.name):
        return False
    try:
        files = files_of(path)
        images = [file for file in files if _IMAGE.match(file.name)]
        if any(image.name.upper().startswith("DESIS") for image in images):
            return True
        return bool(images) and any(map(looks_like_desis, files))
    except ProductError:  # a zip that cannot be read
        return False


def find_desis(path: Path, product: str | None = None) -> DesisFiles:
    """The product in a folder or zip, that a METADATA.xml lies beside, or whose image is given.

    product  a part of its name, where several lie together

    Raises ProductError where there is no image, or several are left.
    """
    files = files_of(path)
    images = [file for file in files if _IMAGE.match(file.name)]
    given: list[File] = [image for image in images if image == path]
    asked = (product or _own_name(path)).lower()
    wanted = given or [image for image in images if asked in image.name.lower()]
    if not images:
        raise ProductError(
            "there is no SPECTRAL_IMAGE beside the metadata",
            where=str(path),
            fix="Give the whole product folder.",
        )
    if len(wanted) != 1:
        first = (wanted or images)[0]
        raise ProductError(
            f"{len(wanted)} of {len(images)} spectral images are meant",
            where=str(path),
            fix=f"Choose one, for example product={_name(first)!r}.",
        )
    name = _name(wanted[0])
    own = {file.name.lower(): file for file in beside(wanted[0], files)}
    part = {end: own.get(f"{name}{end}".lower()) for end in (_XML, "-spectral_image.hdr")}
    quality = own.get(f"{name}-ql_quality-2.tif".lower()) or own.get(f"{name}-ql_quality-2.tiff".lower())
    return DesisFiles(name, wanted[0], part[_XML], part["-spectral_image.hdr"], quality)


def _name(image: File) -> str:
    match = _IMAGE.match(image.name)
    return match["name"] if match else image.stem


def _own_name(path: Path) -> str:
    """The product's name that a METADATA.xml bears; "" of anything else."""
    return path.name[: -len(_XML)] if path.name.lower().endswith(_XML) else ""
