"""The card of a model file: what a stranger must know before using the model."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from reprlib import repr as short
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import DeepSaltError, ModelFileError
from deepsalt.estimators.predictor import BandInputs
from deepsalt.spectra import Axis

_QUANTITIES = ("reflectance", "absorbance")
#: What reading plain values of any kind may raise.
_FAULTS = (
    ArithmeticError,
    AttributeError,
    DeepSaltError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
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
    with usable("which bands the model reads", path):
        section = card["inputs"]
        fwhm = section["fwhm"]
        axis = Axis(
            numbers(section["centres"]), section["unit"], None if fwhm is None else numbers(section["fwhm"])
        )
        quantity, covariates = section["quantity"], section["covariates"]
        if quantity not in _QUANTITIES:
            raise ValueError(f"quantity {short(quantity)}")
        return BandInputs(axis, word(section["sensor"]), quantity, tuple(word(name) for name in covariates))


@contextmanager
def usable(what: str, path: str | Path) -> Iterator[None]:
    """Whatever goes wrong inside is the fault of the card: ModelFileError says what it does not tell."""
    try:
        yield
    except ModelFileError:
        raise
    except _FAULTS as error:
        why = f"no {error}" if isinstance(error, KeyError) else str(error)[:200]
        raise ModelFileError(
            f"the card does not say {what} ({why})",
            where=str(path),
            fix="Fetch the file again, or write it again with this version.",
        ) from error


def numbers(content: object) -> NDArray[np.float64]:
    """(n,) finite numbers of a card. Raises ValueError or TypeError for anything else."""
    found = np.array(content)
    if found.ndim != 1 or found.dtype.kind not in "iuf" or not np.isfinite(found).all():
        raise ValueError("a list of numbers is meant")
    return found.astype(np.float64)


def word(content: object) -> str:
    """A name of a card. Raises TypeError for anything else."""
    if not isinstance(content, str):
        raise TypeError(f"{short(content)} is no text")
    return content


def seed_from(card: Mapping[str, Any]) -> int:
    """The seed of a card, 0 where none is told. Raises TypeError for anything else."""
    seed = card.get("seed", 0)
    if not isinstance(seed, int):
        raise TypeError(f"seed {short(seed)}")
    return seed
