"""A scene of any sensor as one GeoTIFF cube: the form in which users pass on what they have cut out.

The products themselves are written by `prisma_product`, `emit_product` and `sentinel2_product`. Bands in
increasing wavelength, int16 with a scale, nodata -32768; each band tells its wavelength, FWHM and whether it
is good (bbl). A GeoTIFF has no quality layers, so nodata stands where an EnMAP product would set a flag:
pixels under cloud and cloud shadow in all bands, defective detector elements in theirs. Cirrus, haze and
open water are left in, as nothing in such a file could mark them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.acquisition import NODATA, SCALE, Acquisition
from deepsalt.simulate.tiff import write_tiff

_STRIP_ROWS = 3
_MASKED_BY = ("CLOUD", "CLOUDSHADOW")


def write_cube(taken: Acquisition, folder: Path) -> Path:
    """Write the scene into `folder`, under its own name; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{taken.name}.tif"
    options = {"compress": "deflate", "interleave": "band", "nodata": NODATA, "blockysize": _STRIP_ROWS}
    write_tiff(path, _delivered(taken), taken.grid, options, lambda file: _describe(file, taken))
    return path


def _delivered(taken: Acquisition) -> NDArray[np.int16]:
    """(band, y, x) digital numbers without what a user would have masked."""
    hidden = np.logical_or.reduce([taken.flags[name] > 0 for name in _MASKED_BY])
    return np.where(hidden | (taken.defective == 1), np.int16(NODATA), taken.dn)


def _describe(file: Any, taken: Acquisition) -> None:
    """Tags of the file and of each band."""
    sensor = taken.sensor
    file.update_tags(
        sensor=sensor.name,
        start_time=f"{taken.start:%Y-%m-%dT%H:%M:%S}",
        processing_level="L2A",
        comment="SIMULATED by deepsalt.simulate; nothing here was measured",
    )
    file.scales = (1.0 / SCALE,) * len(sensor)
    bands = zip(sensor.axis.values, sensor.axis.widths, np.asarray(sensor.good), strict=True)
    for number, (centre, fwhm, good) in enumerate(bands, start=1):
        told = {"wavelength": f"{centre:g}", "fwhm": f"{fwhm:g}", "bbl": str(int(good))}
        file.update_tags(number, wavelength_units="Nanometers", **told)
