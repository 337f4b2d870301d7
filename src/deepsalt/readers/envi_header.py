"""ENVI headers: text of `key = value` lines, read without trusting any of them.

An own parser, because the library `spectral` reads in the locale's encoding, warns of upper case, hides what
failed, and takes the header's word for the number of values before it looks at the file. It judges ours in
the tests. Format: "ENVI Header Files" (NV5 Geospatial).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.product_files import File, content_of, size_of

LIBRARY = "envi spectral library"

_FIELD = re.compile(r"^[ \t]*([^={};\n][^={}\n]*?)[ \t]*=[ \t]*(\{[^{}]*\}|[^{\n]*)", re.MULTILINE)
_MOST_BYTES = 64 << 20
_TYPES = {
    "1": "u1",
    "2": "i2",
    "3": "i4",
    "4": "f4",
    "5": "f8",
    "12": "u2",
    "13": "u4",
    "14": "i8",
    "15": "u8",
}


@dataclass(frozen=True)
class EnviHeader:
    """The fields of a header: keys in lower case, lists as they stand there with their braces."""

    path: File
    fields: Mapping[str, str]

    @property
    def where(self) -> str:
        return str(self.path)

    def text(self, key: str) -> str:
        """A field without its braces; "" where there is none."""
        return self.fields.get(key, "").strip().strip("{}").strip()

    def count(self, key: str, *, least: int = 1, default: int | None = None) -> int:
        """A whole number. Raises ProductError where it is missing (without a default) or too small."""
        text = self.text(key)
        if not text and default is not None:
            return default
        if not re.fullmatch(r"\d{1,15}", text) or int(text) < least:
            found = f"{key} = {text}" if text else f"no field {key!r}"
            raise ProductError(
                f"the header has {found}",
                where=self.where,
                fix=f"Give it a whole number from {least} on.",
            )
        return int(text)

    def number(self, key: str) -> float | None:
        """A number, None where the field is missing."""
        text = self.text(key)
        return None if not text else float(self._numbers(key, [text])[0])

    def numbers(self, key: str, count: int) -> NDArray[np.float64] | None:
        """(count,) numbers, None where the field is missing. Raises ProductError for another count."""
        parts = self.names(key, count)
        return None if parts is None else self._numbers(key, parts)

    def names(self, key: str, count: int) -> list[str] | None:
        """`count` texts between commas, None where the field is missing. Raises ProductError for another."""
        if not self.text(key):
            return None
        parts = [part.strip() for part in self.text(key).split(",")]
        if len(parts) == count + 1 and not parts[-1]:  # a comma after the last one is common
            parts.pop()
        if len(parts) != count:
            raise ProductError(
                f"the header has {len(parts)} entries of {key!r} for {count}",
                where=self.where,
                fix="Correct the list, or the numbers of samples and lines.",
            )
        return parts

    def dtype(self) -> np.dtype:
        """The type of the stored values, with its byte order."""
        code = self.text("data type")
        if code not in _TYPES:
            raise ProductError(
                f"the header has data type {code!r}" if code else "the header has no field 'data type'",
                where=self.where,
                fix=f"Known are {', '.join(_TYPES)}; 4 is float32, 2 is int16.",
            )
        order = self.text("byte order")
        if order not in ("0", "1") and code != "1":
            raise ProductError(
                f"the header has byte order {order!r}" if order else "the header has no field 'byte order'",
                where=self.where,
                fix="Say byte order = 0 (Intel and most files) or 1 (network).",
            )
        return np.dtype((">" if order == "1" else "<") + _TYPES[code])

    def _numbers(self, key: str, parts: list[str]) -> NDArray[np.float64]:
        try:
            return np.array([float(part) for part in parts])
        except ValueError as error:
            raise ProductError(
                f"the header's field {key!r} holds what is no number ({error})", where=self.where
            ) from error


def is_header(path: Path) -> bool:
    """Whether a file begins as ENVI headers do."""
    with path.open("rb") as stream:
        return stream.read(4) == b"ENVI"


def header_beside(path: Path) -> Path | None:
    """The header of a file: x.img has x.img.hdr or x.hdr; None where neither is there."""
    names = (f"{path.name}.hdr", f"{path.name}.HDR", f"{path.stem}.hdr", f"{path.stem}.HDR")
    beside = (path.with_name(name) for name in names if name != path.name)
    return next((file for file in beside if file.is_file()), None)


def header_and_values(
    path: Path, what: str, endings: Sequence[str], missing: Callable[[Path], UsageError]
) -> tuple[Path, Path]:
    """The header and the file of values, whichever of them is given.

    what     what they are together, for the message: "image" or "library"
    endings  of files of values, in lower case; each is looked for in upper case too
    missing  the error for a header with no such file beside it

    Raises UsageError where the other file of the pair is not there.
    """
    if not is_header(path):
        header = header_beside(path)
        if header is None:
            raise UsageError(
                f"the {what} has no header beside it",
                where=str(path),
                fix=f"Copy {path.stem}.hdr into the same folder.",
            )
        return header, path
    stem = path.name.removesuffix(path.suffix)
    names = [f"{stem}{case}" for ending in endings for case in (ending, ending.upper())]
    values = (path.with_name(name) for name in names if name != path.name)
    found = next((file for file in values if file.is_file()), None)
    if found is None:
        raise missing(path)
    return path, found


def read_header(path: File) -> EnviHeader:
    """The fields of a header.

    Raises ProductError for what is no header, is not text, is far too long, or has a list without its end.
    """
    where = str(path)
    if (size := size_of(path)) > _MOST_BYTES:
        raise ProductError(f"no ENVI header: it has {size} bytes", where=where)
    raw = content_of(path)
    if not raw.startswith(b"ENVI"):
        raise ProductError(f"no ENVI header: it begins with {raw[:8]!r}", where=where)
    if b"\x00" in raw:
        raise ProductError("the header holds binary data", where=where, fix="Copy it again.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # names of samples in the encoding of old systems; keys are ASCII
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("{") != text.count("}"):
        raise ProductError(
            "a list of the header has no end: its braces do not match", where=where, fix="Copy it again."
        )
    fields: dict[str, str] = {}
    for key, value in _FIELD.findall(text):
        name = " ".join(key.lower().split())
        if name in fields and fields[name] != value:
            raise ProductError(f"the header has two fields {name!r}", where=where, fix="Delete one of them.")
        fields[name] = value
    return EnviHeader(path, fields)
