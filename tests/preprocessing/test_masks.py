"""Masks: vegetation after the product's own reasons."""

from __future__ import annotations

import numpy as np
import pytest

from deepsalt.preprocessing.masks import ndvi, surface_mask
from deepsalt.spectra import Axis, MaskReason, Spectra

AXIS = Axis(np.array([550.0, 660, 850]), "nm")


def image() -> Spectra:
    """Bare soil, a green plant, no data, and dark water with a negative red."""
    return Spectra.of_image([[[0.2, 0.25, 0.3], [0.1, 0.05, 0.5]], [[np.nan] * 3, [0.01, -0.02, 0.01]]], AXIS)


def test_ndvi_by_hand() -> None:
    found = ndvi(image())
    assert found[0] == pytest.approx([0.05 / 0.55, 0.45 / 0.55])
    assert np.isnan(found[1]).all()


def test_vegetation_is_masked_and_earlier_reasons_stay() -> None:
    quality = np.array(
        [[MaskReason.VALID, MaskReason.VALID], [MaskReason.BACKGROUND, MaskReason.WATER]], np.uint8
    )
    found = surface_mask(image(), quality)
    assert found.tolist() == [
        [MaskReason.VALID, MaskReason.VEGETATION],
        [MaskReason.BACKGROUND, MaskReason.WATER],
    ]
    cloudy = np.full((2, 2), MaskReason.CLOUD, np.uint8)
    assert (surface_mask(image(), cloudy) == MaskReason.CLOUD).all()


def test_without_red_or_infrared_nothing_is_called_green() -> None:
    swir = Spectra.of_image(np.full((1, 1, 1), 0.3), Axis(np.array([2200.0]), "nm"))
    assert surface_mask(swir, np.zeros((1, 1), np.uint8)).tolist() == [[MaskReason.VALID]]
