"""The parts of an EnMAP product: which files belong to one image, in a folder or in a zip.

Names differ by who delivers them: `.TIF` or `.tiff`, `_COG` behind the part, the metadata in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deepsalt.errors import ProductError
from deepsalt.readers.enmap_xml import looks_like_metadata
from deepsalt.readers.product_files import File, beside, files_of, is_packed, is_zip
from deepsalt.readers.raster import RasterInfo, info

IMAGE = re.compile(r"^(?P<name>.+)-SPECTRAL_IMAGE(_COG)?\.TIFF?$", re.IGNORECASE)
_LAYER = re.compile(r"-QL_(?:QUALITY_)?(?P<layer>[A-Z]+)(_COG)?\.TIFF?$", re.IGNORECASE)
_XML = "metadata.xml"
#: What a product's name says of the acquisition (data take, start, tile), and then of its processing.
_ACQUISITION = re.compile(r"(DT\d{10}_\d{8}T\d{6}Z_\d{3})(?:_(V\d{6}))?", re.IGNORECASE)
#: Layers that `mask` uses; a product without one is still read, and says so in its notes.
LAYERS = ("CLASSES", "CLOUD", "CLOUDSHADOW", "CIRRUS", "HAZE", "SNOW", "TESTFLAGS", "PIXELMASK")


@dataclass(frozen=True)
class EnmapFiles:
    """The image of a product and the files beside it.

    name   product name, as the image has it
    image  the SPECTRAL_IMAGE
    files  everything in the same folder, the image with it
    """

    name: str
    image: File
    files: tuple[File, ...]

    @property
    def metadata(self) -> File | None:
        """The product's own METADATA.XML, or one that bears no product's name; None where there is none."""
        own = [file for file in self.files if file.name.lower() == f"{self.name}-{_XML}".lower()]
        loose = [file for file in self.files if file.name.lower() == _XML]
        return next(iter(own or loose), None)

    @property
    def foreign_metadata(self) -> list[str]:
        """Names of the METADATA.XML of other products in the folder."""
        return [file.name for file in self.files if file.name.lower().endswith(f"-{_XML}")]

    def layers(self, header: RasterInfo, notes: list[str]) -> dict[str, File]:
        """Quality layers that `mask` uses, by the last part of their names; notes tell those missing.

        Raises ProductError for a layer that is damaged or does not lie on the grid of the image.
        """
        found = {}
        for file in self.files:
            match = _LAYER.search(file.name)
            if match and file.name[: match.start()].lower() == self.name.lower():
                found[match["layer"].upper()] = file
        found = {layer: found[layer] for layer in LAYERS if layer in found}
        for layer, file in found.items():
            _check_layer(file, header, header.bands if layer == "PIXELMASK" else 1)
        missing = [layer for layer in LAYERS if layer not in found]
        if missing:
            notes.append(f"quality layers missing, not masked by them: {', '.join(missing)}")
        return found


def is_enmap(path: Path) -> bool:
    """A folder or zip with an EnMAP SPECTRAL_IMAGE, that image itself, or a METADATA.XML of EnMAP.

    Other missions name their images alike: the name of the product or its metadata must say EnMAP.
    """
    if looks_like_metadata(path):
        return True
    if path.is_file() and not is_zip(path) and not IMAGE.match(path.name):
        return False
    try:
        files = files_of(path)
        images = [file for file in files if IMAGE.match(file.name)]
        named = any(image.name.upper().startswith("ENMAP") for image in images)
        return named or (bool(images) and any(map(looks_like_metadata, files)))
    except ProductError:  # a zip that cannot be read
        return False


def find_product(path: Path, product: str | None = None) -> EnmapFiles:
    """The product in a folder or zip, that a METADATA.XML lies beside, or whose image is given.

    product  a part of its name, where several lie together

    Raises ProductError where there is no image, or several are left.
    """
    files = files_of(path)
    images = [file for file in files if IMAGE.match(file.name)]
    given: list[File] = [image for image in images if image == path]
    wanted = given or [
        image for image in images if (product or _own_name(path)).lower() in image.name.lower()
    ]
    if len(wanted) != 1:
        raise _no_choice(path, images, wanted, product)
    image = wanted[0]
    match = IMAGE.match(image.name)
    return EnmapFiles(match["name"] if match else image.stem, image, beside(image, files))


def check_acquisition(parts: EnmapFiles, told: str, metadata: File, notes: list[str]) -> None:
    """Raise ProductError where the metadata name another acquisition than the image; note another processing.

    told  the product's name inside the metadata
    """
    ours, theirs = _ACQUISITION.search(parts.name), _ACQUISITION.search(told)
    if not (ours and theirs):
        return
    if ours[1].upper() != theirs[1].upper():
        raise ProductError(
            f"{metadata.name} is that of {told}, the image is {parts.image.name}",
            where=str(parts.image.parent),
            fix="Put the image's own METADATA.XML beside it: bands and scale follow from it.",
        )
    if ours[2] and theirs[2] and ours[2].upper() != theirs[2].upper():
        notes.append(
            f"{metadata.name} is that of processor {theirs[2]}, the image of {ours[2]}: "
            "the bands without data may be others"
        )


def note_packed(parts: EnmapFiles, notes: list[str]) -> None:
    """Say so where the image is compressed inside a zip, because windows are slow to reach there."""
    if is_packed(parts.image):
        notes.append("the image is compressed within the zip: unpack the zip to read windows faster")


def _own_name(path: Path) -> str:
    """The product's name that a METADATA.XML bears; "" of anything else."""
    return path.name[: -len(_XML) - 1] if path.name.lower().endswith(f"-{_XML}") else ""


def _check_layer(file: File, header: RasterInfo, bands: int) -> None:
    there = info(file)
    if there.size != header.size or there.bands < bands:
        raise ProductError(
            f"{file.name} is {there.bands} x {there.height} x {there.width} (band, row, column), "
            f"the image {header.bands} x {header.height} x {header.width}",
            where=str(file.parent),
            fix="Download the product again: its parts do not belong together.",
        )


def _no_choice(
    path: Path, images: Sequence[File], wanted: Sequence[File], product: str | None
) -> ProductError:
    """What is wrong where not one image is left."""
    if not images:
        return ProductError(
            "there is no SPECTRAL_IMAGE.TIF beside the metadata",
            where=str(path),
            fix="Give the whole product folder.",
        )
    if not wanted:
        return ProductError(
            f"none of {len(images)} spectral images has {product or _own_name(path)!r} in its name",
            where=str(path),
            fix=f"The first is {images[0].name}.",
        )
    kind = "zip" if is_zip(path) else "folder"
    one = IMAGE.sub(r"\g<name>", wanted[0].name)
    return ProductError(
        f"{len(wanted)} spectral images lie in one {kind}",
        where=str(path),
        fix=f"Choose one, for example product={one!r}.",
    )
