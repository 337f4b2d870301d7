"""The card of a model file: what a stranger must know before using the model."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from deepsalt.errors import ModelFileError
from deepsalt.estimators.predictor import BandInputs
from deepsalt.spectra import Axis

#: Packages whose version can change a number.
_NUMERIC = ("deepsalt", "numpy", "pandas", "scikit-learn", "torch", "rasterio")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in _NUMERIC:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def inputs_section(inputs: BandInputs) -> dict[str, Any]:
    """BandInputs as plain JSON."""
    return {
        "unit": inputs.axis.unit,
        "centres": [float(value) for value in inputs.axis.values],
        "fwhm": None if inputs.axis.fwhm is None else [float(value) for value in inputs.axis.fwhm],
        "sensor": inputs.sensor,
        "quantity": inputs.quantity,
        "covariates": list(inputs.covariates),
    }


def inputs_from(card: Mapping[str, Any], path: str | Path) -> BandInputs:
    """BandInputs of a card. Raises ModelFileError for a section that is missing or unusable."""
    try:
        section = card["inputs"]
        fwhm = section["fwhm"]
        return BandInputs(
            Axis(
                np.array(section["centres"], float),
                section["unit"],
                None if fwhm is None else np.array(fwhm, float),
            ),
            str(section["sensor"]),
            str(section["quantity"]),
            tuple(str(name) for name in section["covariates"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"the card does not say which bands the model reads ({error})",
            where=str(path),
            fix="Write the file again with this version.",
        ) from error
