"""HDF5 files (PRISMA .he5, EMIT .nc) by h5py: opened for one read and closed again, errors in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deepsalt.errors import ProductError

_MAGIC = b"\x89HDF\r\n\x1a\n"


def is_hdf5(path: Path) -> bool:
    """Whether a file begins as HDF5 does."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


@contextmanager
def opened(path: Path, doing: str = "open it") -> Iterator[Any]:
    """An h5py file for the length of the block.

    What HDF5 says of a file that is cut off or damaged becomes a ProductError, and so does the name of a
    group, data set or attribute that is looked up and not there.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, ValueError) as error:
        raise ProductError(
            f"could not {doing} ({error})", where=str(path), fix="Copy or download the file again."
        ) from error
    except KeyError as error:
        raise ProductError(
            f"could not {doing}: {str(error).strip(chr(34))}",
            where=str(path),
            fix="Download it again; if it stays like this, it is not the product it seems to be.",
        ) from error


def text_of(value: Any) -> str:
    """An attribute as text: bytes, a string, or an array of one of them."""
    import numpy as np

    first = np.asarray(value).ravel()
    if not first.size:
        return ""
    one = first[0]
    return one.decode("utf-8", "replace").strip("\x00 ") if isinstance(one, bytes) else str(one).strip()
