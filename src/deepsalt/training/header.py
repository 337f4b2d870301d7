"""The header of a model file: names, shapes and places of the weights, and the JSON card.

Everything that can be refused without a single weight is refused here, with no more memory than the header
is long, whatever the header claims. No torch is needed: a card can be read in a moment.
"""

from __future__ import annotations

import hashlib
import json
import os
import reprlib
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

from deepsalt.errors import ModelFileError

#: Version of the card's layout; a file of another one is refused. 1 had no digests and was never released.
CARD_FORMAT = 2
#: What a model may ask of its reader, in the card's list `requires`: without it, answers would be others.
FEATURES = frozenset({"scenes", "places"})
#: Parts of a card that no answer depends on.
TOLD = frozenset({"about", "digest", "fingerprint", "format", "requires", "training", "versions"})

CARD_KEY = "deepsalt"
MOST_HEADER = 8 << 20
#: Far above any model of ours, far below what a laptop cannot hold twice.
MOST_WEIGHTS = 256 << 20
_MOST_TENSORS, _MOST_SIDES = 20_000, 8
_MOST_BRACKETS = 200_000  # an empty list takes seven times the memory of its two characters
AGAIN = "Fetch or write the file again."


@dataclass(frozen=True)
class Header:
    """What stands before the weights.

    card    the JSON card
    shapes  of the weights, by name; all are float32
    size    bytes of the whole file, as the header and the file system agree
    """

    card: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    size: int


def read_card(path: str | Path) -> dict[str, Any]:
    """The card of a model file; its weights are not looked at. Raises ModelFileError as `load_model` does."""
    with open_file(path) as stream:
        return read_header(stream, str(path)).card


def open_file(path: str | Path) -> BinaryIO:
    """A model file, open for reading. Raises ModelFileError for what is no regular file, without waiting."""
    where = str(path)
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelFileError(
            f"cannot be read: {reason}", where=where, fix="Check the path of the model file."
        ) from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise ModelFileError(
            "cannot be read: no regular file", where=where, fix="Check the path of the model file."
        )
    return os.fdopen(number, "rb")


def read_header(stream: BinaryIO, where: str) -> Header:
    """The header of an open file, checked against the file's size."""
    size = os.fstat(stream.fileno()).st_size
    text = _header_text(stream, size, where)
    entries = parsed(text, "header", where)
    card = _card(entries, where)
    shapes = _shapes(entries, size - 8 - len(text), where)
    return Header(card, shapes, size)


def said(value: object) -> str:
    """A value of a stranger's file in a message: short, on one line, without control characters."""
    return ascii(value[:60]) if isinstance(value, str) else reprlib.repr(value)


def card_text(card: Mapping[str, Any], where: str) -> str:
    """The card as JSON, the same text for the same content."""
    try:
        return json.dumps(card, sort_keys=True, allow_nan=False, ensure_ascii=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(f"the card is no usable JSON ({error})", where=where) from error


def digest_of(card: Mapping[str, Any], where: str) -> str:
    """Digest of all a card holds beside its own digest: SHA-256, 16 hex digits."""
    text = card_text({key: value for key, value in card.items() if key != "digest"}, where)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def parsed(text: str | bytes, name: str, where: str) -> dict[str, Any]:
    """Strict JSON: UTF-8, one object, no key twice, numbers only."""
    try:
        plain = text.decode("utf-8") if isinstance(text, bytes) else text
        if plain.count("[") + plain.count("{") > _MOST_BRACKETS:
            raise ValueError(f"more than {_MOST_BRACKETS} lists and objects")
        value = json.loads(plain, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"the {name} is no usable JSON ({error})", where=where, fix=AGAIN) from error
    if not isinstance(value, dict):
        raise ModelFileError(f"the {name} is no JSON object", where=where, fix=AGAIN)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {said(key)} stands there twice")
        found[key] = value
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _header_text(stream: BinaryIO, size: int, where: str) -> bytes:
    start = stream.read(8)
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if length == 0 or stream.read(1) != b"{":
        raise ModelFileError("not a safetensors file", where=where, fix="Give a model written by deepsalt.")
    if length > MOST_HEADER:
        raise ModelFileError(
            f"header of {length} bytes, more than {MOST_HEADER >> 20} MiB: not a deepsalt model",
            where=where,
            fix="Give a model written by deepsalt.",
        )
    text = b"{" + stream.read(length - 1)
    if len(text) < length:
        raise ModelFileError(
            f"truncated: {size} bytes, the header alone needs {8 + length}", where=where, fix=AGAIN
        )
    return text


def _card(entries: dict[str, Any], where: str) -> dict[str, Any]:
    """Take the card out of the header; check that it is whole and that this version can honour it."""
    metadata = entries.pop("__metadata__", None)
    text = metadata.get(CARD_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ModelFileError(
            "a safetensors file without a deepsalt card", where=where, fix="Give a model written by deepsalt."
        )
    card = parsed(text, "card", where)
    _check_format(card, where)
    if card.get("digest") != digest_of(card, where):
        raise ModelFileError("damaged: the card is not as it was written", where=where, fix=AGAIN)
    return card


def _check_format(card: Mapping[str, Any], where: str) -> None:
    version, requires = card.get("format"), card.get("requires", [])
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ModelFileError(f"the card's format is {said(version)}", where=where, fix=AGAIN)
    if version != CARD_FORMAT:
        raise ModelFileError(
            f"card format {said(version)}, this version reads format {CARD_FORMAT}",
            where=where,
            fix="Use a newer deepsalt." if version > CARD_FORMAT else "Train the model again.",
        )
    if not isinstance(requires, list) or not all(isinstance(name, str) for name in requires):
        raise ModelFileError(f"the card's 'requires' is {said(requires)}", where=where, fix=AGAIN)
    for name in requires:
        if name not in FEATURES:
            raise ModelFileError(
                f"the model needs {said(name)}, which this version does not know",
                where=where,
                fix="Use a newer deepsalt; without it the answers would be wrong.",
            )


def _shapes(entries: Mapping[str, Any], data_bytes: int, where: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the weights, known to be float32 and to fill the file without gap or overlap."""
    if data_bytes > MOST_WEIGHTS:
        raise ModelFileError(
            f"{data_bytes} bytes of weights, more than {MOST_WEIGHTS >> 20} MiB: not a deepsalt model",
            where=where,
        )
    if len(entries) > _MOST_TENSORS:
        raise ModelFileError(f"{len(entries)} tensors, more than {_MOST_TENSORS}", where=where)
    places = {name: _place(name, entry, where) for name, entry in entries.items()}
    end = 0
    for name, (shape, first, last) in sorted(places.items(), key=lambda item: item[1][1:]):
        if last > data_bytes:
            raise ModelFileError(
                f"truncated: {data_bytes} bytes of weights, {said(last)} are needed", where=where, fix=AGAIN
            )
        if first != end or last - first != 4 * prod(shape):
            raise ModelFileError(
                f"tensor {said(name)} of shape {said(list(shape))} cannot lie at bytes {first} to {last}",
                where=where,
                fix=AGAIN,
            )
        end = last
    if end != data_bytes:
        raise ModelFileError(f"{data_bytes - end} bytes after the end of the weights", where=where, fix=AGAIN)
    return {name: shape for name, (shape, _, _) in places.items()}


def _place(name: str, entry: object, where: str) -> tuple[tuple[int, ...], int, int]:
    """Shape of one tensor, and its first byte and the one behind its last."""
    if not isinstance(entry, dict) or entry.get("dtype") != "F32":
        raise ModelFileError(f"tensor {said(name)} is not float32", where=where, fix=AGAIN)
    shape, offsets = entry.get("shape"), entry.get("data_offsets")
    if not _whole_numbers(shape) or not _whole_numbers(offsets) or len(offsets) != 2:
        raise ModelFileError("the header has an unusable shape or offset", where=where, fix=AGAIN)
    if len(shape) > _MOST_SIDES or max(shape, default=0) > MOST_WEIGHTS or offsets[1] < offsets[0]:
        raise ModelFileError("the header has an unusable shape or offset", where=where, fix=AGAIN)
    return tuple(shape), offsets[0], offsets[1]


def _whole_numbers(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in value
    )
