"""What a config may say of where networks train. This module needs no torch."""

from __future__ import annotations

from typing import Literal, get_args

from deepsalt.errors import ConfigError

#: "auto" is a GPU where there is one, else the CPU.
DeviceName = Literal["auto", "cpu", "cuda"]


def check_device(name: str) -> None:
    """Raise ConfigError for a word that is none of these."""
    known = get_args(DeviceName)
    if name not in known:
        raise ConfigError(f"unknown device {name!r}", fix=f"Known: {', '.join(known)}.")
