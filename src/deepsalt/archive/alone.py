"""One call at a time writes to a folder of maps."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepsalt.errors import OutputError


@contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Hold the folder, which is made if need be; the system lets go of it when this process ends, however.

    Raises OutputError if another process holds it. Where the file system or platform has no such locks
    (Windows, some network disks), nothing is held.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder cannot be made ({error.strerror})", where=str(out), fix="Choose another --out."
        ) from error
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
                raise OutputError(
                    "another run is writing maps there",
                    where=str(out),
                    fix="Wait for it, or choose another folder with --out.",
                ) from error
        yield
    finally:
        os.close(handle)
