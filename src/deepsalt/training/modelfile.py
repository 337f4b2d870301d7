"""The model file: one .safetensors file whose header holds the JSON card. No pickle anywhere.

A file may come from a stranger. What can be refused is refused from the header alone, before any
weight is read or any network is built.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from deepsalt.errors import DeepSaltError, ModelFileError, OutputError
from deepsalt.files import written_whole
from deepsalt.models.architecture import (
    Architecture,
    BridgeArchitecture,
    LabArchitecture,
    LabNetArchitecture,
    from_card,
    to_card,
)
from deepsalt.models.bridge import BridgeStudent
from deepsalt.models.lab import LabModel
from deepsalt.models.lab_net import LabNet
from deepsalt.models.paper import PaperModel

#: Version of the card's layout. A file with a newer one is refused.
CARD_FORMAT = 1
_CARD_KEY = "deepsalt"
_MAX_HEADER = 16 << 20
_AGAIN = "Fetch or write the file again."

Model = LabModel | PaperModel | BridgeStudent | LabNet
Header = dict[str, Any]


def save_model(path: str | Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write tensors and card as one file; the same content gives the same bytes.

    card  JSON-able; its section "architecture" says what the tensors belong to
    Raises ModelFileError for a card that is not JSON or whose architecture does not fit the tensors,
    OutputError when the file cannot be written.
    """
    whole = {**card, "format": CARD_FORMAT}
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    _check_shapes({name: tuple(tensor.shape) for name, tensor in plain.items()}, whole, str(path))
    _check_finite(plain, str(path))
    text = _card_text(whole, str(path))
    if len(text) > _MAX_HEADER // 2:
        raise ModelFileError("the card is larger than 8 MiB", where=str(path), fix="Leave tables out of it.")
    with written_whole(path) as aside:
        try:
            save_file(plain, aside, metadata={_CARD_KEY: text})
        except safetensors.SafetensorError as error:
            raise OutputError(
                f"could not be written ({error})",
                where=str(path),
                fix="Free some space or choose another folder.",
            ) from error
        aside.chmod(0o644)  # the library writes for the owner alone; a model is meant to be handed on


def load_model(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (on the CPU) and card of a model file.

    Raises ModelFileError, naming the reason, for a file that is missing, is no safetensors file, is
    truncated, has a header of more than 16 MiB, has no deepsalt card, has a card of a newer format,
    holds other tensors than its architecture needs, or holds NaN or infinite weights.
    """
    where = str(path)
    header, data_bytes = _read_header(Path(path), where)
    card = _card(header, where)
    shapes = {name: _entry_shape(entry, data_bytes, where) for name, entry in header.items()}
    _check_shapes(shapes, card, where)
    try:
        tensors = load_file(path, device="cpu")
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ModelFileError(f"no usable safetensors file ({error})", where=where, fix=_AGAIN) from error
    _check_finite(tensors, where)
    return tensors, card


def model_to_file(path: str | Path, model: Model, card: Mapping[str, Any]) -> None:
    """Write a trained model; the card's section "architecture" is filled in from the model."""
    save_model(path, model.state_dict(), {**card, "architecture": to_card(model.architecture)})


def model_from_file(path: str | Path) -> tuple[Model, dict[str, Any]]:
    """The model of a file, in inference mode on the CPU, and its card. Raises as `load_model` does."""
    tensors, card = load_model(path)
    with torch.device("meta"):  # no random weights that would be thrown away
        model = _build(from_card(card["architecture"]))
    model.load_state_dict(tensors, assign=True)
    return model.eval(), card


def _build(architecture: Architecture) -> Model:
    if isinstance(architecture, LabArchitecture):
        return LabModel(architecture)
    if isinstance(architecture, BridgeArchitecture):
        return BridgeStudent(architecture)
    if isinstance(architecture, LabNetArchitecture):
        return LabNet(architecture)
    return PaperModel(architecture)


def _read_header(path: Path, where: str) -> tuple[Header, int]:
    """The header as JSON and the number of bytes after it."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if length == 0 or stream.read(1) != b"{":
                raise ModelFileError(
                    "not a safetensors file", where=where, fix="Give a model written by deepsalt."
                )
            if length > _MAX_HEADER:
                raise ModelFileError(
                    f"header of {length} bytes, more than 16 MiB: not a deepsalt model", where=where
                )
            text = b"{" + stream.read(length - 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelFileError(
            f"cannot be read: {reason}", where=where, fix="Check the path of the model file."
        ) from error
    if len(text) < length:
        raise ModelFileError(
            f"truncated: {size} bytes, the header alone needs {8 + length}", where=where, fix=_AGAIN
        )
    return _json(text, "header", where), size - 8 - length


def _json(text: str | bytes, name: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"the {name} is no usable JSON ({error})", where=where, fix=_AGAIN) from error
    if not isinstance(value, dict):
        raise ModelFileError(f"the {name} is no JSON object", where=where, fix=_AGAIN)
    return value


def _card(header: Header, where: str) -> dict[str, Any]:
    """Take the card out of the header and check its format."""
    metadata = header.pop("__metadata__", None)
    text = metadata.get(_CARD_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ModelFileError(
            "a safetensors file without a deepsalt card", where=where, fix="Give a model written by deepsalt."
        )
    card = _json(text, "card", where)
    version = card.get("format")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ModelFileError(f"the card's format is {version!r}", where=where, fix=_AGAIN)
    if version > CARD_FORMAT:
        raise ModelFileError(
            f"card format {version}, this version reads up to {CARD_FORMAT}",
            where=where,
            fix="Use a newer deepsalt.",
        )
    return card


def _entry_shape(entry: object, data_bytes: int, where: str) -> tuple[int, ...]:
    """Shape of one tensor, once its bytes are known to be there and to be float32."""
    if not isinstance(entry, dict) or entry.get("dtype") != "F32":
        raise ModelFileError("a tensor that is not float32", where=where, fix=_AGAIN)
    shape, offsets = entry.get("shape"), entry.get("data_offsets")
    if not _whole_numbers(shape) or not _whole_numbers(offsets) or len(offsets) != 2:
        raise ModelFileError("the header has an unusable shape or offset", where=where, fix=_AGAIN)
    if offsets[1] > data_bytes:
        raise ModelFileError(
            f"truncated: {data_bytes} bytes of weights, {offsets[1]} are needed", where=where, fix=_AGAIN
        )
    return tuple(shape)


def _whole_numbers(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in value
    )


def _check_shapes(found: Mapping[str, tuple[int, ...]], card: Mapping[str, Any], where: str) -> None:
    """Compare with the architecture, built without memory for its weights."""
    try:
        with torch.device("meta"):
            needed = _shapes(_build(from_card(card.get("architecture"))))
    except DeepSaltError as error:
        raise ModelFileError(error.found, where=where, fix=error.fix) from error
    except (ValueError, RuntimeError) as error:
        raise ModelFileError(f"its architecture cannot be built ({error})", where=where) from error
    for name in sorted(needed.keys() | found.keys()):
        if needed.get(name) != found.get(name):
            raise ModelFileError(
                f"tensor '{name[:80]}' has shape {found.get(name, 'none')}, "
                f"its architecture needs {needed.get(name, 'none')}",
                where=where,
                fix=_AGAIN,
            )


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def _check_finite(tensors: Mapping[str, Tensor], where: str) -> None:
    for name in sorted(tensors):
        if not bool(torch.isfinite(tensors[name]).all()):
            raise ModelFileError(
                f"tensor '{name}' holds NaN or infinite weights", where=where, fix="Train the model again."
            )


def _card_text(card: Mapping[str, Any], where: str) -> str:
    try:
        return json.dumps(card, sort_keys=True, allow_nan=False, ensure_ascii=True)
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"the card is no usable JSON ({error})", where=where) from error
