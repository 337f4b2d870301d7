"""Model files as a stranger could send them: any header, with digests that fit if he took the trouble."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from deepsalt.errors import ModelFileError
from deepsalt.training import load_model

Change = Callable[[dict[str, Any]], object]


def parts(path: Path) -> tuple[dict[str, Any], bytes]:
    """The header as JSON, and the weights."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def rewrite(path: Path, change: Change) -> None:
    """Change the header's JSON in place, weights untouched."""
    header, weights = parts(path)
    change(header)
    write(path, json.dumps(header).encode(), weights)


def write(path: Path, header: bytes, weights: bytes = b"", length: int | None = None) -> Path:
    """A file of a header and weights; `length` is what it claims of its header."""
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + weights)
    return path


def change_card(path: Path, change: Change, *, honest: bool = True) -> None:
    """Change the card in place; honest: with the digests that belong to it."""

    def in_header(header: dict[str, Any]) -> None:
        card = json.loads(header["__metadata__"]["deepsalt"])
        change(card)
        text = json.dumps(signed(card, header, parts(path)[1]) if honest else card)
        header["__metadata__"]["deepsalt"] = text

    rewrite(path, in_header)


def signed(card: dict[str, Any], header: dict[str, Any], weights: bytes) -> dict[str, Any]:
    """The card with the fingerprint of weights and answers, and the digest of itself, as documented."""
    told = {"about", "digest", "fingerprint", "format", "requires", "training", "versions"}
    digest = hashlib.sha256(_text({key: value for key, value in card.items() if key not in told}))
    for name in sorted(key for key in header if key != "__metadata__"):
        digest.update(f"{name} {tuple(header[name]['shape'])}\n".encode())
        digest.update(weights[slice(*header[name]["data_offsets"])])
    found = {**card, "fingerprint": digest.hexdigest()[:16]}
    found.pop("digest", None)
    return {**found, "digest": hashlib.sha256(_text(found)).hexdigest()[:16]}


def _text(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()


def refused(path: Path, open_file: Any = load_model) -> str:
    """The one line that opening must end in: where, and why."""
    with pytest.raises(ModelFileError) as caught:
        open_file(path)
    told = str(caught.value)
    assert str(path) in told
    assert told.isprintable()
    assert len(told) < 600
    return told


def outcome(path: Path, open_file: Any) -> Any:
    """What opening gives, or None where it is refused as it must be; any other error comes out."""
    try:
        return open_file(path)
    except ModelFileError as error:
        told = str(error)
    if not told.isprintable() or len(told) > 600:
        raise AssertionError(f"a message that is none: {told!a}")
    return None


def same(one: Path, other: Path) -> bool:
    """Whether two files hold the same weights and say the same."""
    (mine, card), (theirs, told) = load_model(one), load_model(other)
    return card == told and all(torch.equal(mine[name], theirs[name]) for name in mine | theirs)
