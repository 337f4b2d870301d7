"""Rasters that stay open between reads, while someone asks for it.

A scene is read by many windows, and opening the ten files of a product takes longer than a small window of
them. A dataset is lent to one reader at a time: GDAL's are not safe in two threads at once, but in one after
another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

#: What GDAL may keep of open rasters, bytes, unless the environment says otherwise: blocks of a few windows.
#: By default it takes a twentieth of the machine, and fresh memory costs more time than that saves.
GDAL_CACHE = 64 << 20
#: Datasets that lie open at a time: a composite of many dates would use up what a process may open.
_MOST_IDLE = 64


class _Lending:
    """Open datasets by name, while at least one user is there; all are closed when the last one leaves."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._idle: list[tuple[str, Any]] = []  # the longest idle first
        self._cache_before = 0

    def enter(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._cache_before = _cache_limited(GDAL_CACHE)

    def leave(self) -> None:
        from rasterio.env import set_gdal_config

        with self._lock:
            self._users -= 1
            if self._users:
                return
            left, self._idle = self._idle, []
            set_gdal_config("GDAL_CACHEMAX", self._cache_before)
        for _, dataset in left:
            dataset.close()

    def take(self, name: str) -> Any | None:
        with self._lock:
            for place, (known, dataset) in enumerate(self._idle):
                if known == name:
                    del self._idle[place]
                    return dataset
        return None

    def give(self, name: str, dataset: Any) -> None:
        """Keep a dataset that its reader is done with; close one where it is too many, or nobody is there."""
        with self._lock:
            self._idle.append((name, dataset))
            spare = self._idle.pop(0)[1] if not self._users or len(self._idle) > _MOST_IDLE else None
        if spare is not None:
            spare.close()


_LENDING = _Lending()


@contextmanager
def kept_open() -> Iterator[None]:
    """Inside, `lent` datasets stay open for the next reader, in any thread; afterwards all are closed."""
    _LENDING.enter()
    try:
        yield
    finally:
        _LENDING.leave()


@contextmanager
def lent(name: str, opening: Callable[[], Any]) -> Iterator[Any]:
    """A dataset for the length of the block: one that lies open, or the one that `opening` gives.

    One that failed its reader is closed.
    """
    idle = _LENDING.take(name)
    dataset = opening() if idle is None else idle
    try:
        yield dataset
    except BaseException:
        dataset.close()
        raise
    _LENDING.give(name, dataset)


def _cache_limited(limit: int) -> int:
    """Lower GDAL's cache of blocks to a limit, unless the environment sets it; returns what it was."""
    from rasterio.env import get_gdal_config, set_gdal_config

    before = int(get_gdal_config("GDAL_CACHEMAX"))
    if before > limit and "GDAL_CACHEMAX" not in os.environ:
        set_gdal_config("GDAL_CACHEMAX", limit)
    return before
