"""From a TOML file, or plain values, to a checked config."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deepsalt.config.faults import config_error
from deepsalt.config.method import CompareConfig
from deepsalt.config.run import Config
from deepsalt.errors import ConfigError


def load_config(path: str | Path) -> Config:
    """Read and check a config file; relative paths in it are taken from its own folder.

    Raises ConfigError for a file that is not TOML, an unknown key (naming the nearest known one) or
    a value that cannot be used.
    """
    file = Path(path)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            "no such file", where=str(path), fix="Write one with: deepsalt init > config.toml"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot be read as TOML: {error}", where=str(path)) from error
    return _anchored(parse_config(content, where=str(path)), file.resolve().parent)


def parse_config(content: dict[str, Any], where: str = "config") -> Config:
    """A Config from plain values. Raises ConfigError as `load_config` does."""
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise config_error(error, where) from error


def compare_config(base: CompareConfig, changes: Mapping[str, Any]) -> CompareConfig:
    """[compare] with other values. Raises ConfigError for a value that cannot be used."""
    try:
        return CompareConfig.model_validate({**base.model_dump(), **changes})
    except ValidationError as error:
        raise config_error(error, "compare", CompareConfig) from error


def _anchored(config: Config, folder: Path) -> Config:
    """The same config with its relative paths made absolute."""

    def at(path: str) -> str:
        return str(folder / Path(path).expanduser())

    named = {name: getattr(config.library, name) for name in ("path", "metadata", "wavelengths")}
    files = {name: at(path) for name, path in named.items() if path is not None}
    library = config.library.model_copy(update=files)
    satellite = config.satellite
    if satellite is not None:
        satellite = satellite.model_copy(
            update={
                "scenes": [at(path) for path in satellite.scenes],
                "points": at(satellite.points),
                "covariates": [at(path) for path in satellite.covariates],
                "strata": [at(path) for path in satellite.strata],
                "map_units": satellite.map_units and satellite.map_units.anchored(at),
            }
        )
    return config.model_copy(update={"library": library, "satellite": satellite})
