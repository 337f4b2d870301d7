"""deepsalt: soil salinity maps from hyperspectral satellites, taught by laboratory spectra.

    import deepsalt as ds
    library = ds.read("kssl_mir.csv", ec_method="EC1:2")
    scene = ds.read("ENMAP01-____L2A-.../")

Public names are imported when they are first used, so that `import deepsalt` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "Axis": "deepsalt.spectra",
    "DeepSaltError": "deepsalt.errors",
    "DeepSaltRegressor": "deepsalt.estimators",
    "Scene": "deepsalt.spectra",
    "Sensor": "deepsalt.spectra",
    "Spectra": "deepsalt.spectra",
    "read": "deepsalt.readers",
    "simulate_world": "deepsalt.simulate",
}

__all__ = ["__version__", *sorted(_PUBLIC)]

if TYPE_CHECKING:
    from deepsalt.errors import DeepSaltError
    from deepsalt.estimators import DeepSaltRegressor
    from deepsalt.readers import read
    from deepsalt.simulate import simulate_world
    from deepsalt.spectra import Axis, Scene, Sensor, Spectra


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'deepsalt' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
