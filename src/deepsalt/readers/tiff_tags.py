"""What the tags of a GeoTIFF say of its bands: wavelength, width, whether they are bad."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from deepsalt.errors import ProductError
from deepsalt.readers.cube_bands import CubeBands
from deepsalt.readers.raster import RasterInfo
from deepsalt.spectra import Sensor
from deepsalt.spectra.axis import RANGE_NM

_DESCRIBED = re.compile(r"(\d+(?:\.\d+)?)\s*(nanometers?|nm|micrometers?|um|µm)\b", re.IGNORECASE)
_NM_PER = {"n": 1.0, "m": 1000.0, "u": 1000.0, "µ": 1000.0, "μ": 1000.0}


def bands_of_tags(header: RasterInfo, notes: list[str]) -> CubeBands | None:
    """Bands by the tags `wavelength`, `wavelength_units`, `fwhm` and `bbl`, or by their descriptions.

    None where no band tells its wavelength. Raises ProductError where some do and some do not, or a unit is
    not known.
    """
    centres = np.array([_centre_nm(header, band) for band in range(header.bands)])
    missing = np.flatnonzero(np.isnan(centres))
    if len(missing) == header.bands:
        return None
    if len(missing):
        raise without_wavelength(header, f"{len(missing)} of {header.bands} bands have no", int(missing[0]))
    factors = [_factor(header.band_tags[band].get("wavelength_units", "nm")) for band in range(header.bands)]
    widths = np.array(
        [_fwhm_nm(tags, factor) for tags, factor in zip(header.band_tags, factors, strict=True)]
    )
    marked = [tags.get("bbl", "").strip() for tags in header.band_tags]
    good = np.array([text not in ("0", "0.0") for text in marked]) if any(marked) else None
    if good is not None and not good.all():
        notes.append(f"{int((~good).sum())} bands are marked bad by the file (bbl)")
    return CubeBands(centres, widths if (widths > 0).all() else None, good)


def without_wavelength(header: RasterInfo, many: str = "no band has a", first: int = 0) -> ProductError:
    """The error for bands that tell no wavelength.

    many   how many, as the beginning of a sentence
    first  the first of them, from 0
    """
    return ProductError(
        f"{many} wavelength (looked at band tags, descriptions and files beside it; first: band {first + 1})",
        where=str(header.path),
        fix=f"Say sensor=NAME if its bands are all there ({', '.join(Sensor.known())}), "
        "wavelengths=FILE with a list of them, "
        "or write the tags wavelength and wavelength_units to each band.",
    )


def _centre_nm(header: RasterInfo, band: int) -> float:
    """Centre of a band from its tags, or from its description; NaN where neither tells it."""
    tags = header.band_tags[band]
    micrometres = _float(tags.get("imagery:central_wavelength_um", ""))
    if not np.isnan(micrometres):
        return micrometres * 1000.0
    value = _float(tags.get("wavelength", ""))
    if not np.isnan(value):
        return value * _unit_of_tag(tags.get("wavelength_units", ""), value, header, band)
    described = _DESCRIBED.search(header.descriptions[band])
    return float(described[1]) * _factor(described[2]) if described else float("nan")


def _unit_of_tag(unit: str, value: float, header: RasterInfo, band: int) -> float:
    if unit.strip()[:1].lower() in _NM_PER:
        return _factor(unit)
    if not unit.strip() and RANGE_NM[0] <= value <= RANGE_NM[1]:
        return 1.0
    raise ProductError(
        f"wavelength {value:g} of band {band + 1} has the unit {unit!r}",
        where=str(header.path),
        fix="Write wavelength_units as 'Nanometers' or 'Micrometers'.",
    )


def _factor(unit: str) -> float:
    return _NM_PER.get(unit.strip()[:1].lower(), 1.0)


def _fwhm_nm(tags: Mapping[str, str], factor: float) -> float:
    """FWHM of a band in nm, 0 where it is not told."""
    micrometres = _float(tags.get("imagery:fwhm_um", ""))
    if not np.isnan(micrometres):
        return micrometres * 1000.0
    return float(np.nan_to_num(_float(tags.get("fwhm", "")))) * factor


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
