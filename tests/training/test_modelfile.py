"""The model file: what goes in comes out, and what a stranger sends is refused with its reason."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.training.forged import change_card, rewrite

from deepsalt.errors import ModelFileError, OutputError
from deepsalt.models import LabModel, PaperModel
from deepsalt.training import PaperResult, load_model, model_from_file, model_to_file, save_model
from deepsalt.training.header import CARD_FORMAT

CARD = {"unit": "dS/m", "sensor": {"name": "EnMAP", "bands": [1, 2]}, "metrics": {"r2": 0.5}}


@pytest.fixture
def model_path(trained: PaperResult, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    model_to_file(path, trained.model, CARD)
    return path


def test_round_trip_gives_the_same_predictions(problem, trained: PaperResult, model_path: Path) -> None:
    model, card = model_from_file(model_path)
    assert isinstance(model, PaperModel)
    assert not model.training
    assert torch.equal(model.predict(problem.test_x), trained.model.predict(problem.test_x))
    lab_x = problem.data.lab_x[:20]
    assert torch.equal(model.teacher_predict(lab_x), trained.model.teacher_predict(lab_x))
    assert {key: card[key] for key in CARD} == CARD
    assert card["format"] == CARD_FORMAT


def test_student_alone_round_trip(problem, student_alone: PaperResult, tmp_path: Path) -> None:
    model_to_file(tmp_path / "s.safetensors", student_alone.model, CARD)
    model, _ = model_from_file(tmp_path / "s.safetensors")
    assert isinstance(model, PaperModel)
    assert model.lab is None
    assert torch.equal(model.predict(problem.test_x), student_alone.model.predict(problem.test_x))


def test_lab_model_round_trip(problem, trained: PaperResult, tmp_path: Path) -> None:
    model_to_file(tmp_path / "lab.safetensors", trained.model.lab, CARD)
    model, _ = model_from_file(tmp_path / "lab.safetensors")
    assert isinstance(model, LabModel)
    assert torch.equal(
        model.predict(problem.data.lab_x[:9]), trained.model.lab.predict(problem.data.lab_x[:9])
    )


def test_same_model_gives_the_same_bytes(trained: PaperResult, model_path: Path, tmp_path: Path) -> None:
    shuffled = dict(reversed(CARD.items()))
    model_to_file(tmp_path / "again.safetensors", trained.model, shuffled)
    assert (tmp_path / "again.safetensors").read_bytes() == model_path.read_bytes()


def test_nothing_half_written_is_left(trained: PaperResult, tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("a file, not a folder")
    with pytest.raises(OutputError):
        model_to_file(tmp_path / "in the way" / "m.safetensors", trained.model, CARD)
    assert [p.name for p in tmp_path.iterdir()] == ["in the way"]


def test_card_that_is_not_json_is_refused(trained: PaperResult, tmp_path: Path) -> None:
    for bad in ({"metric": float("nan")}, {"thing": object()}):
        with pytest.raises(ModelFileError, match="no usable JSON"):
            model_to_file(tmp_path / "m.safetensors", trained.model, bad)
    assert not list(tmp_path.iterdir())


def test_broken_weights_are_not_saved(trained: PaperResult, tmp_path: Path) -> None:
    _, card = saved(trained, tmp_path)
    tensors = {k: v.clone() for k, v in trained.model.state_dict().items()}
    tensors["satellite.centre"][0] = float("inf")
    with pytest.raises(ModelFileError, match=r"satellite\.centre.*NaN or infinite"):
        save_model(tmp_path / "m.safetensors", tensors, card)
    assert not (tmp_path / "m.safetensors").exists()


def saved(trained: PaperResult, tmp_path: Path):
    model_to_file(tmp_path / "ok.safetensors", trained.model, CARD)
    return load_model(tmp_path / "ok.safetensors")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"none\.safetensors: cannot be read: No such file"):
        load_model(tmp_path / "none.safetensors")


def test_folder_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        b"\x00" * 64,
        b"\x10\x00\x00\x00\x00\x00\x00\x00not json at all!",
        b"PK\x03\x04\x00\x00\x00\x00zip",
    ],
)
def test_other_kinds_of_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="not a safetensors file"):
        load_model(path)


def test_header_that_claims_to_be_huge(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 40) + b"{}")
    with pytest.raises(ModelFileError, match="more than 8 MiB"):
        load_model(path)


def test_header_nested_without_end(tmp_path: Path) -> None:
    text = b'{"a":' * 100_000
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(ModelFileError, match="header is no usable JSON"):
        load_model(path)


@pytest.mark.parametrize("share", [0.001, 0.02, 0.5, 0.999])
def test_truncated_file(model_path: Path, share: float) -> None:
    content = model_path.read_bytes()
    model_path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelFileError, match="truncated"):
        load_model(model_path)


def test_bytes_after_the_end(model_path: Path) -> None:
    model_path.write_bytes(model_path.read_bytes() + b"more")
    with pytest.raises(ModelFileError, match="4 bytes after the end"):
        load_model(model_path)


def test_safetensors_file_of_somebody_else(tmp_path: Path) -> None:
    for metadata in (None, {"format": "pt"}):
        save_file({"weight": torch.ones(3)}, tmp_path / "m.safetensors", metadata=metadata)
        with pytest.raises(ModelFileError, match="without a deepsalt card"):
            load_model(tmp_path / "m.safetensors")


@pytest.mark.parametrize(("step", "fix"), [(1, "newer deepsalt"), (-1, "Train the model again")])
def test_card_of_another_format(model_path: Path, step: int, fix: str) -> None:
    change_card(model_path, lambda card: card.update(format=CARD_FORMAT + step))
    with pytest.raises(
        ModelFileError, match=rf"card format {CARD_FORMAT + step}, .* format {CARD_FORMAT}.*{fix}"
    ):
        load_model(model_path)


@pytest.mark.parametrize("version", [None, "1", True, 0, -3])
def test_card_without_a_usable_format(model_path: Path, version: object) -> None:
    change_card(model_path, lambda card: card.update(format=version))
    with pytest.raises(ModelFileError, match="format is"):
        load_model(model_path)


def test_card_that_is_not_an_object(model_path: Path) -> None:
    rewrite(model_path, lambda header: header["__metadata__"].update(deepsalt="[1, 2]"))
    with pytest.raises(ModelFileError, match="card is no JSON object"):
        load_model(model_path)


def test_unknown_architecture(model_path: Path) -> None:
    change_card(model_path, lambda card: card["architecture"].update(kind="os.system"))
    with pytest.raises(ModelFileError, match=r"model\.safetensors: unknown architecture 'os\.system'"):
        load_model(model_path)


def test_card_without_architecture(model_path: Path) -> None:
    change_card(model_path, lambda card: card.pop("architecture"))
    with pytest.raises(ModelFileError, match="no usable section 'architecture'"):
        load_model(model_path)


def test_shapes_that_do_not_match_the_architecture(model_path: Path) -> None:
    change_card(model_path, lambda card: card["architecture"]["satellite"].update(bands=21))
    with pytest.raises(ModelFileError, match=r"satellite\.centre' has shape \(20,\).*needs \(21,\)"):
        load_model(model_path)


def test_architecture_too_large_to_exist_takes_no_memory(model_path: Path) -> None:
    """10,000 x 16,384 x ... weights would be terabytes: refused by comparing shapes, not by building."""
    change_card(model_path, lambda card: card["architecture"]["satellite"].update(hidden=[16_384] * 16))
    with pytest.raises(ModelFileError, match="its architecture needs"):
        load_model(model_path)


def test_halves_that_cannot_share_a_latent(model_path: Path) -> None:
    change_card(model_path, lambda card: card["architecture"]["satellite"].update(latent=32))
    with pytest.raises(ModelFileError, match="latent"):
        load_model(model_path)


def test_latent_that_cannot_be_cut_into_tokens(model_path: Path) -> None:
    change_card(model_path, lambda card: card["architecture"].update(tokens=7))
    with pytest.raises(ModelFileError, match="cannot be cut"):
        load_model(model_path)


def test_missing_and_foreign_tensors(trained: PaperResult, tmp_path: Path) -> None:
    tensors, card = saved(trained, tmp_path)
    text = {"deepsalt": json.dumps(card)}
    save_file({**tensors, "stranger": torch.ones(2)}, tmp_path / "m.safetensors", metadata=text)
    with pytest.raises(ModelFileError, match=r"'stranger' has shape \(2,\).*needs none"):
        load_model(tmp_path / "m.safetensors")
    tensors.pop("satellite.centre")
    save_file(tensors, tmp_path / "m.safetensors", metadata=text)
    with pytest.raises(ModelFileError, match=r"'satellite\.centre' has shape none"):
        load_model(tmp_path / "m.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers(trained: PaperResult, tmp_path: Path, value: float) -> None:
    tensors, card = saved(trained, tmp_path)
    tensors["student.head.out.weight"][0, 0] = value
    save_file(tensors, tmp_path / "m.safetensors", metadata={"deepsalt": json.dumps(card)})
    with pytest.raises(ModelFileError, match=r"student\.head\.out\.weight.*NaN or infinite"):
        load_model(tmp_path / "m.safetensors")


def test_tensors_of_another_type(trained: PaperResult, tmp_path: Path) -> None:
    tensors, card = saved(trained, tmp_path)
    tensors["satellite.centre"] = tensors["satellite.centre"].double()
    save_file(tensors, tmp_path / "m.safetensors", metadata={"deepsalt": json.dumps(card)})
    with pytest.raises(ModelFileError, match="not float32"):
        load_model(tmp_path / "m.safetensors")


@pytest.mark.parametrize("entry", [None, {}, {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}])
def test_unusable_tensor_entries(model_path: Path, entry: object) -> None:
    rewrite(model_path, lambda header: header.update({"satellite.centre": entry}))
    with pytest.raises(ModelFileError):
        load_model(model_path)
