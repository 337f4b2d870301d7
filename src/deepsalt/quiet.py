"""Warnings of other libraries left out, safely where threads run."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

#: The filters of warnings belong to the process: two threads that change them restore each other's.
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def quiet(category: type[Warning] = Warning, message: str = "") -> Iterator[None]:
    """Inside, warnings of a category whose text begins so (a regular expression) are not told.

    One thread at a time is inside. Keep what is inside short where others wait.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=message, category=category)
        yield
