"""The pixels of one window in memory: all of them as an image, or some as a table."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from deepsalt.spectra.table import Spectra


class Loaded(ABC):
    """One window of a scene, read once.

    A scene that holds numbers as they are stored makes reflectance of what is asked for alone: a mask needs a
    few bands of every pixel, a model all bands of the pixels that the mask leaves.
    """

    @abstractmethod
    def image(self, bands: NDArray[np.bool_] | None = None) -> Spectra:
        """Reflectance (y, x, band) of every pixel; of the bands (band,) that are True, at least one."""

    @abstractmethod
    def pixels(self, flat: NDArray[np.intp]) -> Spectra:
        """Reflectance (sample, band) of some pixels, in the order given; they are counted row by row."""


class LoadedImage(Loaded):
    """A window that was read as reflectance."""

    def __init__(self, spectra: Spectra) -> None:
        self._spectra = spectra

    def image(self, bands: NDArray[np.bool_] | None = None) -> Spectra:
        return self._spectra if bands is None else self._spectra.take_bands(bands)

    def pixels(self, flat: NDArray[np.intp]) -> Spectra:
        return self._spectra.pixels().take(flat)
