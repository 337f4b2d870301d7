"""What a perfect instrument would see of the land under a clear sky: the truth of a product's reflectance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.instrument import gaussian_response
from deepsalt.simulate.landscape import Landscape
from deepsalt.simulate.laws import laws_of
from deepsalt.simulate.settings import WorldSettings
from deepsalt.simulate.view import View, land_view
from deepsalt.spectra import Sensor

_CHUNK_PIXELS = 4096


def true_reflectance(
    land: Landscape, settings: WorldSettings, sensor: Sensor, view: View | None = None
) -> NDArray[np.float32]:
    """(y, x, band) reflectance of the ground in the sensor's nominal bands, averaged over each pixel.

    view  which pixels; default the cells of the land

    No cloud, no noise, no error of calibration; NaN on open water, whose brightness is drawn anew for
    each image, and where a pixel reaches beyond the land.
    """
    pixels = view or land_view(land.region, land.shape)
    response = gaussian_response(sensor.axis.values, sensor.axis.widths)
    laws = laws_of(settings)
    count = land.shape[0] * land.shape[1]
    seen = np.empty((count, len(sensor)), np.float32)
    for first in range(0, count, _CHUNK_PIXELS):
        part = slice(first, first + _CHUNK_PIXELS)
        seen[part] = laws.ground(land.soil.take(part), land.surface.take(part)) @ response
    if pixels.weights is not None:
        seen = np.asarray(pixels.weights @ seen, np.float32)
    image = seen.reshape(*pixels.shape, len(sensor))
    image[(pixels.averaged(land.water) > 0) | ~pixels.whole] = np.nan
    return image
