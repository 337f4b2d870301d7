"""A scene's bare soil: the pixels that no reason masks, with their places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.toys import toy_scene

from deepsalt.preprocessing.bare_soil import bare_soil
from deepsalt.preprocessing.masks import SurfaceRules, surface_mask
from deepsalt.spectra import MaskReason


def test_the_valid_pixels_of_all_windows_are_those_of_the_whole() -> None:
    scene = replace(toy_scene(), block=(2, 10))
    parts = list(bare_soil(scene, pixels=40))
    assert len(parts) == 3
    whole = surface_mask(scene.read(), scene.mask())
    np.testing.assert_array_equal(np.concatenate([part.reasons for part in parts]), whole)
    rows = np.concatenate([part.spectra.samples["row"] for part in parts])
    columns = np.concatenate([part.spectra.samples["column"] for part in parts])
    wanted = np.nonzero(whole == MaskReason.VALID)
    assert (rows.tolist(), columns.tolist()) == (wanted[0].tolist(), wanted[1].tolist())
    values = np.concatenate([part.spectra.values for part in parts])
    np.testing.assert_array_equal(values, scene.read().values[wanted])


def test_the_rules_decide_what_is_bare() -> None:
    scene = toy_scene()
    strict = sum(len(part.spectra) for part in bare_soil(scene, SurfaceRules(max_ndvi=0.01)))
    loose = sum(len(part.spectra) for part in bare_soil(scene, SurfaceRules(max_ndvi=1.0)))
    assert strict < loose == 119  # all but the cloud
