"""The images of a Sentinel-2 product: which file holds which band at which resolution."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from deepsalt.errors import ProductError
from deepsalt.readers.band_files import header_of
from deepsalt.readers.raster import RasterInfo
from deepsalt.readers.sentinel2_xml import Sentinel2Metadata

#: Metres of a pixel that images are delivered with.
RESOLUTIONS = (10, 20, 60)
#: An image; what stands before the band names tile and time. GeoTIFF is how cloud archives repack them.
_IMAGE = re.compile(
    r"^(?P<prefix>.*?)_?(?P<band>B\d\d|B8A|SCL)_(?P<resolution>10|20|60)m(\.(jp2|tiff?))?$", re.IGNORECASE
)
#: Pixels may differ by this share from the size in the name of their file.
_SIZE_ERROR = 1e-3

#: Files of a product: (band or "SCL", metres) -> file.
Images = Mapping[tuple[str, int], Path]


def file_code(band: str) -> str:
    """How file names write a band: "B02" for "B2", "B8A" as it is."""
    return f"B{int(band[1:]):02d}" if band[1:].isdigit() else band


def images_in(meta: Sentinel2Metadata) -> Images:
    """Bands and classification below the folder of the metadata, checked to belong to the product."""
    found: dict[tuple[str, int], Path] = {}
    folder = meta.path.parent
    own = {match["prefix"] for match in map(_IMAGE.match, meta.images) if match}
    for file in sorted(folder.rglob("*")):
        match = _IMAGE.match(file.name)
        if not match or not file.suffix:
            continue
        if own and match["prefix"] and match["prefix"] not in own:
            raise ProductError(
                f"{meta.path.name} describes {meta.name}, to which {file.name} does not belong",
                where=str(folder),
                fix="Download the product again: its parts do not belong together.",
            )
        key = (match["band"].upper(), int(match["resolution"]))
        if key in found:
            raise ProductError(
                f"{found[key].name} and {file.name} are the same band",
                where=str(folder),
                fix="Give a product of one tile, each band once.",
            )
        found[key] = file
    return found


def grid_of(images: Images, resolution: int, meta: Sentinel2Metadata) -> RasterInfo:
    """The header of an image of the resolution asked for: its grid is that of the scene."""
    here = [file for (band, metres), file in images.items() if metres == resolution and band != "SCL"]
    if here:
        header = header_of(here[0])
        _check_pixels(header, resolution)
        return header
    others = sorted({metres for band, metres in images if band != "SCL"})
    raise ProductError(
        f"no band is there at {resolution} m" if others else "no image of a band is there (..._B02_10m.jp2)",
        where=str(meta.path.parent),
        fix=f"Use resolution={others[0]}." if others else "Copy or download the whole product again.",
    )


def nearest(band: str, images: Images, resolution: int) -> Path | None:
    """The band's image of the resolution; else the next finer one; else the next coarser one."""
    finer = sorted((metres for metres in RESOLUTIONS if metres <= resolution), reverse=True)
    coarser = [metres for metres in RESOLUTIONS if metres > resolution]
    return next((images[band, metres] for metres in (*finer, *coarser) if (band, metres) in images), None)


def _check_pixels(header: RasterInfo, resolution: int) -> None:
    """Raise ProductError for pixels of another size than the name of the file says."""
    width = abs(header.transform[0])
    if header.crs and abs(width - resolution) > _SIZE_ERROR * resolution:
        raise ProductError(
            f"pixels are {width:g} m wide, the name says {resolution} m",
            where=str(header.path),
            fix="Download the product again: its parts do not belong together.",
        )
