"""The MASK file of an EMIT granule: flags by name, and the bands that were interpolated in each pixel.

`mask` holds flags 0/1 and a few quantities, float32, -9999 where the radiance is missing. The names of its
bands stand in sensor_band_parameters/mask_bands. Version 002 has three more than version 001.

`band_mask` marks the wavelengths that were interpolated (bad detector elements, saturation): 285 bits in 36
bytes. UNVERIFIED on real bytes: the first band is taken to be the highest bit of the first byte, as
`numpy.unpackbits` reads by default and as the archive's own tools unpack it. Unsigned bytes have the fill
value 241, which is -9999 modulo 256: a pixel whose bytes are all 241 tells nothing.

Sources: output_conversion.py and make_emit_masks.py of the EMIT science data system (names, thresholds,
fill); EMIT L2A Mask User Guide V002, table 1-3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.emit_part import MASK
from deepsalt.readers.hdf5 import opened
from deepsalt.spectra import MaskReason

#: Fill value of unsigned bytes: -9999 modulo 256.
BYTE_FILL = 241
#: The producer's aggregate flag counts a pixel with more aerosol than this at 550 nm.
AEROSOL_ABOVE = 0.5
#: A pixel with more than this share of its good bands interpolated is defective.
_DEFECTIVE_SHARE = 0.10

_AEROSOL = "aod550"
#: What each flag means here. The dilated cloud is the producer's buffer for cloud shadow.
_FLAGS = {
    "cloud flag": MaskReason.CLOUD,
    "spectf cloud flag": MaskReason.CLOUD,
    "dilated cloud flag": MaskReason.CLOUD_SHADOW,
    "cirrus flag": MaskReason.CIRRUS,
    "water flag": MaskReason.WATER,
    "spacecraft flag": MaskReason.DEFECTIVE,
}
#: The buffer holds the cloud and the cirrus themselves, so that both go before it.
_ORDER = (
    MaskReason.CLOUD,
    MaskReason.CIRRUS,
    MaskReason.CLOUD_SHADOW,
    MaskReason.HAZE,
    MaskReason.WATER,
    MaskReason.DEFECTIVE,
)
#: Those that every version has.
_EXPECTED = ("cloud flag", "dilated cloud flag", "cirrus flag", "water flag", "spacecraft flag", _AEROSOL)
#: Known and not used: sums of the others, and quantities.
_UNUSED = ("aggregate flag", "h2o", "spectf cloud probability", "spectf buffer distance")


@dataclass(frozen=True)
class MaskLayers:
    """Where the MASK file keeps what.

    positions  index of each band of `mask` by its name, in plain lower case
    packed     whether there is a `band_mask` of the right size
    notes      what is missing or unknown
    """

    path: Path
    positions: Mapping[str, int]
    packed: bool
    notes: tuple[str, ...]

    def reasons(
        self, mask: NDArray[np.floating], aerosol_above: float
    ) -> dict[MaskReason, NDArray[np.bool_]]:
        """(y, x) where each reason holds, first things first, from the bands of `mask` (y, x, band)."""
        holds = {reason: np.zeros(mask.shape[:2], bool) for reason in _ORDER}
        for name, at in self.positions.items():
            if name in _FLAGS:
                holds[_FLAGS[name]] |= mask[..., at] == 1
        if _AEROSOL in self.positions:
            holds[MaskReason.HAZE] |= mask[..., self.positions[_AEROSOL]] > aerosol_above
        return holds


def mask_layers(path: Path, bands: int) -> MaskLayers:
    """What a MASK file offers; `bands` are those of the reflectance. Only metadata are read.

    Raises ProductError where the names and the bands of `mask` differ in number.
    """
    with opened(path) as file:
        count = file[MASK].shape[2]
        names = _names(file)
        packed = file["band_mask"].shape if "band_mask" in file else None
        swath = file[MASK].shape[:2]
    if names and len(names) != count:
        raise ProductError(
            f"mask has {count} bands, mask_bands names {len(names)}",
            where=str(path),
            fix="Download the granule again, all its parts together.",
        )
    positions = {_plain(name): at for at, name in enumerate(names)}
    notes = _notes(names, positions)
    fits = packed is not None and packed == (*swath, -(-bands // 8))
    if not fits:
        why = f"is of {packed}" if packed else "is missing"
        notes.append(f"band_mask {why}: interpolated bands are not counted")
    return MaskLayers(path, positions, fits, tuple(notes))


def too_many_interpolated(packed: NDArray[np.integer], good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(y, x) True where more than a tenth of the good bands is marked.

    packed  (y, x, byte) `band_mask`
    good    (band,) bands that count
    """
    stored = packed.astype(np.uint8)
    bits = np.unpackbits(stored, axis=-1, count=len(good))
    told = (stored != BYTE_FILL).any(axis=-1)
    too_many: NDArray[np.bool_] = bits[..., good].sum(axis=-1) > _DEFECTIVE_SHARE * good.sum()
    return too_many & told


def _names(file: Any) -> list[str]:
    place = "sensor_band_parameters/mask_bands"
    if place not in file:
        return []
    return [
        name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in file[place][:]
    ]


def _plain(name: str) -> str:
    """A name in lower case without unit and hyphens.

    >>> _plain("H2O (g cm-2)"), _plain("SpecTf-Cloud Flag")
    ('h2o', 'spectf cloud flag')
    """
    return " ".join(re.sub(r"[^a-z0-9]+", " ", re.sub(r"\(.*\)", "", name.lower())).split())


def _notes(names: list[str], positions: Mapping[str, int]) -> list[str]:
    if not names:
        return ["the bands of the MASK file have no names: not masked by them"]
    notes = []
    missing = [name for name in _EXPECTED if name not in positions]
    if missing:
        notes.append(f"mask bands missing, not masked by them: {', '.join(missing)}")
    unknown = [name for name in names if _plain(name) not in (*_EXPECTED, *_FLAGS, *_UNUSED)]
    if unknown:
        notes.append(f"mask bands that are not known, not used: {', '.join(unknown)}")
    return notes
