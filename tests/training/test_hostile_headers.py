"""A model file from a stranger: headers and weights that lie, what is no file, and the worst of all."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.training.forged import change_card, parts, refused, rewrite, same, signed, write
from tests.training.small_models import write_deepsalt, write_paper

from deepsalt.errors import ModelFileError
from deepsalt.training import load_model
from deepsalt.training.header import MOST_HEADER


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_deepsalt(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("length", [0, 1, 7, MOST_HEADER + 1, 1 << 32, 1 << 63, (1 << 64) - 1])
def test_a_header_that_lies_about_its_length(tmp_path: Path, length: int) -> None:
    told = refused(write(tmp_path / "m.safetensors", b'{"a": 1}', length=length))
    assert "header" in told or "safetensors" in told or "card" in told


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a":' * 100_000, "no usable JSON"),
        (b'{"a": ' + b"[" * 100_000, "no usable JSON"),
        (b"{" + b" " * (7 << 20), "no usable JSON"),
        (b'{"a": [' + b",".join([b"[]"] * 300_000) + b"]}", "more than 200000 lists"),
        (b'{"a": 1, "a": 2}', "stands there twice"),
        (b'{"a": "\xff\xfe"}', "no usable JSON"),
        ('{"a": 1}'.encode("utf-16-le"), "no usable JSON"),
        (b'{"a": NaN}', "no number"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "no usable JSON"),
        (b'{"__metadata__": []}', "without a deepsalt card"),
        (b'{"__metadata__": {"deepsalt": 3}}', "without a deepsalt card"),
        (b'{"__metadata__": {"deepsalt": "[]"}}', "card is no JSON object"),
        (b'{"__metadata__": {"deepsalt": "{\\"format\\": 2, \\"format\\": 2}"}}', "stands there twice"),
    ],
)
def test_a_header_that_is_no_honest_json(tmp_path: Path, text: bytes, reason: str) -> None:
    assert reason in refused(write(tmp_path / "m.safetensors", text))


@pytest.mark.parametrize(
    "change",
    [
        {"data_offsets": [0, 1 << 62]},
        {"data_offsets": [4, 20]},
        {"data_offsets": [16, 0]},
        {"data_offsets": [-16, 0]},
        {"data_offsets": [0, 16, 32]},
        {"data_offsets": [0, 0]},
        {"data_offsets": "0-16"},
        {"shape": [5]},
        {"shape": [0]},
        {"shape": [-4]},
        {"shape": [2**32, 2**32]},
        {"shape": [2**20] * 8},
        {"shape": [1] * 500},
        {"shape": [4.0]},
        {"shape": [True] * 4},
        {"shape": None},
        {"dtype": "F64"},
        {"dtype": "U8"},
        {"dtype": "O"},
        {"dtype": {}},
    ],
    ids=str,
)
def test_weights_that_cannot_lie_there(path: Path, change: dict[str, Any]) -> None:
    rewrite(path, lambda header: header["gain"].update(change))
    assert any(word in refused(path) for word in ("tensor", "shape or offset", "truncated"))


def test_weights_that_overlap_or_leave_a_gap(path: Path) -> None:
    def onto(header: dict[str, Any]) -> None:
        header["gain"]["data_offsets"] = header["centre"]["data_offsets"]

    rewrite(path, onto)
    assert "cannot lie at bytes" in refused(path)
    write_deepsalt(path)

    def gap(header: dict[str, Any]) -> None:
        last = max((one for name, one in header.items() if name != "__metadata__"), key=_end)
        last["data_offsets"] = [place + 8 for place in last["data_offsets"]]

    rewrite(path, gap)
    path.write_bytes(path.read_bytes() + b"\0" * 8)
    assert "cannot lie at bytes" in refused(path)


def _end(entry: dict[str, Any]) -> int:
    return int(entry["data_offsets"][1])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers(path: Path, value: float) -> None:
    header, weights = parts(path)
    at = header["labels"]["data_offsets"][0]
    changed = weights[:at] + struct.pack("<f", value) + weights[at + 4 :]
    card = signed(json.loads(header["__metadata__"]["deepsalt"]), header, changed)
    header["__metadata__"]["deepsalt"] = json.dumps(card)
    write(path, json.dumps(header).encode(), changed)
    assert "'labels' holds NaN or infinite weights" in refused(path)


def test_a_flipped_bit_of_a_weight_is_told(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert "damaged: fingerprint" in refused(path)


def test_a_changed_word_of_the_card_is_told(path: Path) -> None:
    change_card(path, lambda card: card["about"].update(simulated=False), honest=False)
    assert "the card is not as it was written" in refused(path)


@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "socket", "loop", "link to a fifo", "nul"])
def test_what_is_no_regular_file_is_refused_without_waiting(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "model.safetensors"
    if kind == "folder":
        place.mkdir()
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "device":
        place = Path("/dev/zero")
    elif kind == "socket":
        import socket

        with socket.socket(socket.AF_UNIX) as one:
            monkeypatch.chdir(tmp_path)  # a socket's path must be short
            one.bind(place.name)
    elif kind == "loop":
        place.symlink_to(place)
    elif kind == "link to a fifo":
        os.mkfifo(tmp_path / "fifo")
        place.symlink_to(tmp_path / "fifo")
    else:
        with pytest.raises(ModelFileError, match="cannot be read"):
            load_model(str(place) + "\0")
        return
    assert "cannot be read" in refused(place)


def test_a_link_to_a_model_is_a_model(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link.safetensors").symlink_to(path)
    assert same(tmp_path / "link.safetensors", path)


def test_more_weights_than_a_laptop_can_hold_are_refused_unread(path: Path) -> None:
    sparse(path, 257 << 20)
    assert "more than 256 MiB" in refused(path)


#: Opens each file and says how long that took (s of this process) and how far memory rose (MB).
WATCHED = """
import json, sys, time
from deepsalt.errors import ModelFileError
from deepsalt.estimators import load_regressor

def highest():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

told = {}
load_regressor(sys.argv[1])
for path in sys.argv[2:]:
    open("/proc/self/clear_refs", "w").write("5")
    before, start = highest(), time.process_time()
    try:
        load_regressor(path)
        reason = "opened"
    except ModelFileError as error:
        reason = str(error)
    told[path] = [time.process_time() - start, highest() - before, reason]
print(json.dumps(told))
"""
_LANDS = {"lands": 256, "hidden": [4] * 16}
_TOKENS = {"width": 8, "heads": 2, "layers": 64, "feedforward": 8, "dropout": 0.0}


def listed(unit: bytes, many: int) -> bytes:
    return b'{"a":[' + b",".join([unit] * many) + b"]}"


def many_tensors(count: int) -> bytes:
    entry = '"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    return ("{" + ",".join(entry % number for number in range(count)) + "}").encode()


def with_card(path: Path, write_kind: Callable[[Path], None], change: Any) -> Path:
    write_kind(path)
    change_card(path, change)
    return path


def sparse(path: Path, size: int) -> Path:
    write_deepsalt(path)
    with path.open("r+b") as stream:
        stream.truncate(size)
    return path


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is watched on Linux alone")
def test_the_worst_files_take_little_time_and_memory(path: Path, tmp_path: Path) -> None:
    at = {name: tmp_path / f"{name}.safetensors" for name in "abcdefghijkl"}
    worst = [
        write(at["a"], listed(b"[]", 2_790_000)),
        write(at["b"], listed(b"{}", 199_000)),
        write(at["c"], listed(b"1e5", 2_000_000)),
        write(at["d"], b'{"a":' * 1_300_000),
        write(at["e"], many_tensors(66_000)),
        with_card(at["f"], write_deepsalt, lambda card: card.update(training=[{}] * 150_000)),
        with_card(at["g"], write_deepsalt, lambda card: card.update(scenes=["a"] * 800_000)),
        with_card(at["h"], write_deepsalt, lambda card: card["inputs"].update(centres=[500.0] * 800_000)),
        with_card(at["i"], write_deepsalt, lambda card: card["architecture"].update(_LANDS)),
        with_card(at["j"], write_paper, lambda card: card["architecture"].update(student=_TOKENS)),
        sparse(at["k"], 1 << 40),
        sparse(at["l"], 250 << 20),
    ]
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", WATCHED, str(path), *map(str, worst)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    for name, (seconds, megabytes, reason) in json.loads(done.stdout).items():
        assert name in reason or reason == "opened"
        assert megabytes < 250, (name, megabytes, reason)
        assert seconds < 3, (name, seconds, reason)  # below 1 where this was written
