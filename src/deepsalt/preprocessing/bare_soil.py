"""A scene reduced to the spectra of its bare soil, window by window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules
from deepsalt.preprocessing.read_ahead import read_ahead
from deepsalt.spectra import MaskReason, Scene, Spectra, Window


class BareSoil(NamedTuple):
    """One window of a scene.

    reasons  (y, x) MaskReason of each pixel: the product's own, then those of the surface rules
    spectra  the valid pixels as a table with their `row` and `column` in the scene
    """

    window: Window
    reasons: NDArray[np.uint8]
    spectra: Spectra


def bare_soil(scene: Scene, rules: SurfaceRules = DEFAULT_RULES, pixels: int = 65_536) -> Iterator[BareSoil]:
    """The bare pixels of a scene, in windows of about `pixels` pixels; each is read once, one ahead.

    Memory is that of a few windows, whatever the size of the scene.
    """
    for part, reasons in read_ahead(scene, rules, scene.windows(pixels)):
        window = part.window
        valid = reasons == MaskReason.VALID
        rows, columns = np.nonzero(valid)
        places = pd.DataFrame({"row": rows + window.row, "column": columns + window.column})
        table = replace(part.loaded.pixels(np.flatnonzero(valid)), samples=places)
        yield BareSoil(window, reasons, table)
