"""deepsalt: soil salinity maps from hyperspectral satellites, taught by laboratory spectra.

    import deepsalt as ds
    library = ds.read("kssl_mir.csv", ec="ec1:2")
    scene = ds.read("ENMAP01-____L2A-.../")

Public names are imported when they are first used, so that `import deepsalt` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepsalt.errors import DeepSaltError
    from deepsalt.estimators import DeepSaltRegressor, LabRegressor, PaperRegressor, load_regressor
    from deepsalt.preprocessing.composites import composite
    from deepsalt.preprocessing.masks import SurfaceRules
    from deepsalt.readers import read
    from deepsalt.simulate import simulate_world
    from deepsalt.spectra import Axis, Scene, Sensor, Spectra

__version__ = "0.1.0"

__all__ = [
    "Axis",
    "DeepSaltError",
    "DeepSaltRegressor",
    "LabRegressor",
    "PaperRegressor",
    "Scene",
    "Sensor",
    "Spectra",
    "SurfaceRules",
    "__version__",
    "composite",
    "load_regressor",
    "read",
    "simulate_world",
]

_HOME = {
    "DeepSaltError": "errors",
    "SurfaceRules": "preprocessing.masks",
    "composite": "preprocessing.composites",
    "DeepSaltRegressor": "estimators",
    "PaperRegressor": "estimators",
    "load_regressor": "estimators",
    "LabRegressor": "estimators",
    "read": "readers",
    "simulate_world": "simulate",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'deepsalt' has no attribute {name!r}")
    return getattr(import_module(f"deepsalt.{_HOME.get(name, 'spectra')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
