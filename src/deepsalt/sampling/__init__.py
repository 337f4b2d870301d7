"""Satellite spectra as tables: the pixels of scenes at ground points, and pixels without a label."""

from deepsalt.sampling.pixels import (
    PATCH,
    Covariates,
    add_covariates,
    glimpsed_pixels,
    locate,
    patch_numbers,
    place,
    random_pixels,
    stack,
    usable_axis,
)
from deepsalt.sampling.points import at_points
from deepsalt.sampling.rules import PointRules

__all__ = [
    "PATCH",
    "Covariates",
    "PointRules",
    "add_covariates",
    "at_points",
    "glimpsed_pixels",
    "locate",
    "patch_numbers",
    "place",
    "random_pixels",
    "stack",
    "usable_axis",
]
