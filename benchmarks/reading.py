"""`deepsalt.read` for those who know what a path holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import deepsalt
from deepsalt.spectra import Scene, Spectra


def read_spectra(path: str | Path, **how: Any) -> Spectra:
    """A table of spectra; `how` as `deepsalt.read` takes it."""
    found = deepsalt.read(path, **how)
    assert isinstance(found, Spectra), f"{path} is no table of spectra"
    return found


def read_scene(path: str | Path) -> Scene:
    found = deepsalt.read(path)
    assert isinstance(found, Scene), f"{path} is no scene"
    return found
