"""A promise on memory: how large the windows may be so that a process stays below it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deepsalt.errors import UsageError
from deepsalt.readers.kept_open import GDAL_CACHE
from deepsalt.spectra import Scene

#: Windows of this many pixels are as quick as larger ones; no promise makes them larger.
USUAL_PIXELS = 65_536
#: Bytes that one pixel and band of a window costs at the highest moment: the window in hand and two read
#: ahead as float32, what is stored of those being read, and copies for the mask and the model. Measured:
#: see docs/archive.md.
_PER_BAND = 32
#: The same while a model looks at a scene to be brought into line with it, which it does in windows of the
#: usual size.
_PER_BAND_TUNING = 20
#: Bytes that one pixel of a scene costs however small the windows: its layers while they are summarised.
_PER_SCENE_PIXEL = 48
#: A process grows by this beyond what it held when it was ready: code loaded late, figures, fragments.
_GROWTH = 128 * 2**20
#: A worker holds this beside what a process without workers does.
_WORKER = 96 * 2**20

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def bytes_in(text: str) -> int:
    """A size as people write it.

    >>> bytes_in("2GB"), bytes_in("512 MiB"), bytes_in("1.5g")
    (2147483648, 536870912, 1610612736)

    Raises UsageError for anything else.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", text, flags=re.IGNORECASE)
    if not found:
        raise UsageError(f"{text!r} is no size", where="--memory", fix="Write it like 2GB or 800MB.")
    return int(float(found[1]) * _UNITS[found[2].upper()])


@dataclass(frozen=True)
class Promise:
    """Most memory that a call may take.

    total      bytes
    workers    processes of this machine that share it with the one that leads them; 0: one does all
    elsewhere  True where it is that of each worker, on machines of their own
    """

    total: int
    workers: int = 0
    elsewhere: bool = False

    def share(self, held: int) -> int:
        """Bytes that one process at work may take beyond what it holds when it is ready.

        held  bytes that this process holds with model and libraries loaded; a worker holds somewhat more
        """
        if self.elsewhere:
            return self.total - held - _WORKER
        if self.workers:
            return (self.total - held - _WORKER) // self.workers - held - _WORKER
        return self.total - held

    def pixels(self, scene: Scene, held: int, tuned: bool = False) -> int:
        """Pixels of a window of this scene with which the promise is kept, `USUAL_PIXELS` at most.

        tuned  whether the model is brought into line with each scene
        Raises UsageError where that, or even one block of the scene, does not fit, with what is needed.
        """
        pixel = _PER_BAND * len(scene.sensor)
        fixed = GDAL_CACHE + _GROWTH + _PER_SCENE_PIXEL * scene.height * scene.width
        least = _largest(scene, 1) * pixel
        if tuned:
            least = max(least, _largest(scene, USUAL_PIXELS) * _PER_BAND_TUNING * len(scene.sensor))
        left = self.share(held) - fixed
        if left < least:
            missing = least - left
            needed = self.total + missing * max(1, self.workers)
            raise UsageError(
                f"{_mib(self.total)} are too little for {scene.height} x {scene.width} pixels of "
                f"{len(scene.sensor)} bands",
                where=f"--memory, scene {scene.name}",
                fix=f"Promise at least {_mib(needed)}{', or use fewer workers' if self.workers else ''}.",
            )
        return _fitting(scene, min(left // pixel, USUAL_PIXELS))


def _mib(size: int) -> str:
    return f"{-(-size // 2**20):,} MiB"


def _fitting(scene: Scene, pixels: int) -> int:
    """The number to ask for: windows are whole blocks, and may come out larger than what was asked for."""
    asked = pixels
    while asked > 1 and _largest(scene, asked) > pixels:
        asked //= 2
    return asked


def _largest(scene: Scene, pixels: int) -> int:
    """Pixels of the largest window when about so many are asked for."""
    return max(window.rows * window.columns for window in scene.windows(pixels))


def held_now() -> int:
    """Bytes that this process holds in memory; where the system does not tell, the most it ever held."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        import resource
        import sys

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


@contextmanager
def gdal_cache() -> Iterator[None]:
    """GDAL keeps this much and no more: by default it takes a twentieth of the machine."""
    import rasterio

    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE):
        yield
