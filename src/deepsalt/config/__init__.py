"""The config file: TOML, checked whole before any work starts."""

from deepsalt.config.library import LibraryConfig
from deepsalt.config.loading import compare_config, load_config, parse_config
from deepsalt.config.method import DEFAULT_BASELINES, BaselineName, CompareConfig, MethodConfig
from deepsalt.config.run import Config
from deepsalt.config.satellite import SatelliteConfig

__all__ = [
    "DEFAULT_BASELINES",
    "BaselineName",
    "CompareConfig",
    "Config",
    "LibraryConfig",
    "MethodConfig",
    "SatelliteConfig",
    "compare_config",
    "load_config",
    "parse_config",
]
