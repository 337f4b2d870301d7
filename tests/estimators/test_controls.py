"""The control that knows the mean of a library, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.estimators.toy_land import pixels, soils

from deepsalt.errors import UsageError
from deepsalt.estimators.controls import LibraryMean
from deepsalt.spectra import Spectra
from deepsalt.units import log_ece


def layered(n: int = 60) -> Spectra:
    """Half of it from the surface, half from half a metre down and ten times as salty."""
    library = soils(n, 0, measured=0.5)["visnir"]
    deep = np.arange(n) % 2 == 1
    ec = np.where(deep, 10.0, 1.0) * library.samples["ec_ds_m"]
    return replace(library, samples=library.samples.assign(ec_ds_m=ec, depth_top_cm=50.0 * deep))


def test_it_says_of_every_pixel_the_mean_logarithm_of_the_surface() -> None:
    library = layered()
    surface = library.samples.query("depth_top_cm == 0")["ec_ds_m"].dropna()
    told = LibraryMean().fit({"visnir": library}).predict(pixels(5, 1))
    assert log_ece(told) == pytest.approx(np.full(5, log_ece(surface).mean()), rel=1e-5)


def test_a_library_that_knows_nothing_of_the_surface_is_refused() -> None:
    library = layered()
    below = library.take((library.samples["depth_top_cm"] > 0).to_numpy())
    with pytest.raises(UsageError, match="no sample of the library's surface has EC"):
        LibraryMean().fit({"visnir": below})
