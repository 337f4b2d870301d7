"""The model file: one .safetensors file whose header holds the JSON card. No pickle anywhere.

A file may come from a stranger. What can be refused is refused from the header alone, before any
weight is read or any network is built; see `deepsalt.training.header`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load, save_file
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
from deepsalt.training.header import (
    AGAIN,
    CARD_FORMAT,
    CARD_KEY,
    MOST_HEADER,
    MOST_WEIGHTS,
    TOLD,
    card_text,
    digest_of,
    open_file,
    read_header,
    said,
)

Model = LabModel | PaperModel | BridgeStudent | LabNet


def save_model(path: str | Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write tensors and card as one file; the same content gives the same bytes.

    card  JSON-able; its section "architecture" says what the tensors belong to, "about" what a reader must
          know, and its list "requires" what a program must know to answer as the model does
    Raises ModelFileError for a card that is not JSON or whose architecture does not fit the tensors,
    OutputError when the file cannot be written.
    """
    where = str(path)
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    _check_shapes({name: tuple(tensor.shape) for name, tensor in plain.items()}, card, where)
    _check_finite(plain, where)
    whole = {**card, "format": CARD_FORMAT, "fingerprint": fingerprint_of(plain, card)}
    text = card_text({**whole, "digest": digest_of(whole, where)}, where)
    _check_size(plain, text, where)
    with written_whole(path) as aside:
        try:
            save_file(plain, aside, metadata={CARD_KEY: text})
        except safetensors.SafetensorError as error:
            raise OutputError(
                f"could not be written ({error})",
                where=where,
                fix="Free some space or choose another folder.",
            ) from error
        aside.chmod(0o644)  # the library writes for the owner alone; a model is meant to be handed on


def load_model(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (on the CPU) and card of a model file.

    Raises ModelFileError, naming the reason, for a file that is missing, is no regular file or no
    safetensors file, is truncated, has a header of more than 8 MiB or weights of more than 256 MiB, has no
    deepsalt card, has a card of another format or one that asks for a feature this version lacks, holds
    other tensors than its architecture needs, holds NaN or infinite weights, or has changed since it was
    written.
    """
    tensors, card, _ = _loaded(path)
    return tensors, card


def model_to_file(path: str | Path, model: Model, card: Mapping[str, Any]) -> None:
    """Write a trained model; the card's section "architecture" is filled in from the model."""
    save_model(path, model.state_dict(), {**card, "architecture": to_card(model.architecture)})


def model_from_file(path: str | Path) -> tuple[Model, dict[str, Any]]:
    """The model of a file, in inference mode on the CPU, and its card. Raises as `load_model` does."""
    tensors, card, model = _loaded(path)
    model.load_state_dict(tensors, assign=True)
    return model.eval(), card


def tell_about(path: str | Path, about: Mapping[str, Any]) -> None:
    """Replace the section "about" of a model file; all else, and so its fingerprint, stays.

    The file is written aside and renamed: there is always a whole one. Raises as `load_model` and
    `save_model` do.
    """
    tensors, card = load_model(path)
    save_model(path, tensors, {**card, "about": dict(about)})


def fingerprint_of(tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> str:
    """Digest of all that an answer depends on, 16 hex digits: weights, and the card but for what it tells.

    Two files with one fingerprint answer alike, whatever they say of their data, metrics, date or author.
    """
    answering = {key: value for key, value in card.items() if key not in TOLD}
    digest = hashlib.sha256(card_text(answering, "card").encode("ascii"))
    for name in sorted(tensors):
        digest.update(f"{name} {tuple(tensors[name].shape)}\n".encode())
        digest.update(tensors[name].detach().cpu().reshape(-1).numpy().data)
    return digest.hexdigest()[:16]


def _loaded(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any], Model]:
    """Weights, card, and the network they belong to, which has none yet."""
    where = str(path)
    with open_file(path) as stream:
        header = read_header(stream, where)
        model = _check_shapes(header.shapes, header.card, where)
        stream.seek(0)
        content = stream.read(header.size)
    try:
        tensors = load(content)
    except (safetensors.SafetensorError, ValueError) as error:
        raise ModelFileError(f"no usable safetensors file ({error})", where=where, fix=AGAIN) from error
    _check_finite(tensors, where)
    found, told = fingerprint_of(tensors, header.card), header.card.get("fingerprint")
    if told != found:
        raise ModelFileError(
            f"damaged: fingerprint {found}, the card says {said(told)}", where=where, fix=AGAIN
        )
    return tensors, header.card, model


def _build(architecture: Architecture) -> Model:
    if isinstance(architecture, LabArchitecture):
        return LabModel(architecture)
    if isinstance(architecture, BridgeArchitecture):
        return BridgeStudent(architecture)
    if isinstance(architecture, LabNetArchitecture):
        return LabNet(architecture)
    return PaperModel(architecture)


def _check_shapes(found: Mapping[str, tuple[int, ...]], card: Mapping[str, Any], where: str) -> Model:
    """Compare with the architecture; returns its network, built without memory for weights."""
    try:
        with torch.device("meta"):
            model = _build(from_card(card.get("architecture")))
    except DeepSaltError as error:
        raise ModelFileError(error.found, where=where, fix=error.fix) from error
    except (ValueError, RuntimeError, ArithmeticError) as error:
        raise ModelFileError(f"its architecture cannot be built ({error})", where=where) from error
    needed = _shapes(model)
    for name in sorted(needed.keys() | found.keys()):
        if needed.get(name) != found.get(name):
            raise ModelFileError(
                f"tensor {said(name)} has shape {found.get(name, 'none')}, "
                f"its architecture needs {needed.get(name, 'none')}",
                where=where,
                fix=AGAIN,
            )
    return model


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def _check_finite(tensors: Mapping[str, Tensor], where: str) -> None:
    for name in sorted(tensors):
        if not bool(torch.isfinite(tensors[name]).all()):
            raise ModelFileError(
                f"tensor '{name}' holds NaN or infinite weights", where=where, fix="Train the model again."
            )


def _check_size(tensors: Mapping[str, Tensor], text: str, where: str) -> None:
    """What is written must be what will be read."""
    if len(json.dumps(text)) > MOST_HEADER // 2:
        raise ModelFileError(
            f"the card is larger than {MOST_HEADER >> 21} MiB", where=where, fix="Leave tables out of it."
        )
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if size > MOST_WEIGHTS:
        raise ModelFileError(
            f"{size} bytes of weights, more than {MOST_WEIGHTS >> 20} MiB",
            where=where,
            fix="Train a smaller network.",
        )
