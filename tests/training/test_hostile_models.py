"""A model file from a stranger: whatever its card says ends in a ModelFileError with a reason."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.training.forged import change_card, outcome, parts, refused, same
from tests.training.small_models import KINDS, inputs, nodes, write_all, write_deepsalt

from deepsalt.estimators import load_regressor
from deepsalt.estimators.model_card import model_card
from deepsalt.report.card import card_markdown
from deepsalt.training import read_card

MANY = settings(max_examples=500, suppress_health_check=list(HealthCheck), database=None)
SOME = settings(max_examples=150, suppress_health_check=list(HealthCheck), database=None)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_all(tmp_path_factory.mktemp("models"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_deepsalt(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_opens_as_itself_and_tells_its_card(paths: dict[str, Path], kind: str) -> None:
    found = KINDS[kind][1](paths[kind])
    assert found.simulated
    assert found.fingerprint == read_card(paths[kind])["fingerprint"]
    assert card_markdown(model_card(found.card_, paths[kind])).startswith("---\nlibrary_name")
    for other in set(KINDS) - {kind}:
        assert refused(paths[kind], KINDS[other][1])


@pytest.mark.parametrize("kind", KINDS)
@MANY
@given(data=st.data())
def test_a_mutated_file_is_refused_or_says_the_same(paths: dict[str, Path], kind: str, data: Any) -> None:
    """2,000 flips, cuts, insertions and repetitions: not one opens with other weights or another card."""
    content = paths[kind].read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    what = data.draw(st.sampled_from(["flip", "cut", "insert", "drop", "repeat"]))
    length = data.draw(st.integers(1, 40))
    changed = {
        "flip": content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :],
        "cut": content[:at],
        "insert": content[:at] + data.draw(st.binary(min_size=1, max_size=40)) + content[at:],
        "drop": content[:at] + content[at + length :],
        "repeat": content[: at + length] + content[at:],
    }[what]
    place = paths[kind].with_suffix(".mutated")
    place.write_bytes(changed)
    if outcome(place, KINDS[kind][1]) is not None:
        assert same(place, paths[kind])


HOSTILE = [
    None, True, -1, 0, 10**6, 1e308, -1e308, 10**400, "", "/etc/passwd", "../../x", "\x1b[2Jx", "\ud800",
    "x" * 10_000,
        [], {}, [[]], [None] * 50, [0.0] * 20_000, {"a": {"b": [1]}}, ["\u202e"], [[[[[[[[[[1]]]]]]]]]],
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@SOME
@given(data=st.data())
def test_a_card_with_anything_anywhere_is_refused_or_harmless(
    paths: dict[str, Path], kind: str, data: Any
) -> None:
    """As by a stranger who signs his card as documented: the digests fit."""
    place = paths[kind].with_suffix(".forged")
    place.write_bytes(paths[kind].read_bytes())
    header, _ = parts(place)
    at = data.draw(st.sampled_from(sorted(nodes(json.loads(header["__metadata__"]["deepsalt"])), key=str)))
    value = data.draw(st.sampled_from([*HOSTILE, "gone"]))

    def change(card: dict[str, Any]) -> None:
        inner: Any = card
        for key in at[:-1]:
            inner = inner[key]
        if value == "gone":
            del inner[at[-1]]
        else:
            inner[at[-1]] = deepcopy(value)

    change_card(place, change)
    outcome(place, KINDS[kind][1])
    told = outcome(place, lambda path: card_markdown(model_card(read_card(path), path)))
    assert all(line.isprintable() for line in (told or "").split("\n"))


@pytest.mark.parametrize(
    "change",
    [
        {"members": 10**9},
        {"bands": 10**9},
        {"lands": 256},
        {"hidden": [16_384] * 16},
        {"hidden": [4] * 1_000_000},
        {"hidden": "4"},
        {"kind": "paper"},
        {"kind": ["deepsalt"]},
        {"kind": "x" * 100_000},
        {"dropout": 1e400},
        {"channels": 5},
    ],
    ids=lambda change: str(change)[:40],
)
def test_an_architecture_that_asks_for_too_much_or_for_other_weights(path: Path, change: Any) -> None:
    change["dropout"] = min(change.get("dropout", 0.0), 1e308)
    change_card(path, lambda card: card["architecture"].update(change))
    refused(path, load_regressor)


@pytest.mark.parametrize("requires", [["telepathy"], ["scenes", "\x1b[2J"], "scenes", [1], None, {}])
def test_a_model_that_needs_what_this_version_lacks(path: Path, requires: Any) -> None:
    change_card(path, lambda card: card.update(requires=requires))
    told = refused(path)
    if requires == ["telepathy"]:
        assert "needs 'telepathy', which this version does not know" in told


@pytest.mark.parametrize("key", ["inputs", "channels", "lands", "scenes", "preset", "architecture", "format"])
def test_a_card_that_lacks_what_it_must_say(path: Path, key: str) -> None:
    change_card(path, lambda card: card.pop(key))
    assert key in refused(path, load_regressor) or key == "architecture"


def test_keys_of_a_later_version_are_kept(path: Path) -> None:
    from deepsalt.training import tell_about

    change_card(path, lambda card: (card.update(colour="red"), card["about"].update(mood="good")))
    before = read_card(path)
    tell_about(path, {**before["about"], "trained": "2026-02-01"})
    after = read_card(path)
    assert (after["colour"], after["about"]["mood"], after["about"]["trained"]) == (
        "red",
        "good",
        "2026-02-01",
    )
    assert after["fingerprint"] == before["fingerprint"]
    assert load_regressor(path).card_["colour"] == "red"


_FAR = {"answer": [1.0], "residual": [1e9]}


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("deepsalt", {"errors": []}, "errors"),
        ("deepsalt", {"errors": {"fields": {**_FAR, "group": ["a"]}, "pointed": []}}, "errors"),
        ("deepsalt", {"lands": [{"south": 1e9}]}, "scenes"),
        ("deepsalt", {"seed": "three"}, "preset and seed"),
        ("deepsalt", {"sites": [{"latitude": [1.0], "longitude": [[1.0]], "label": [1.0]}]}, "places"),
        ("paper", {"inputs": inputs(covariates=("a", "b"))}, "names 2 covariates, the weights read 1"),
        ("teacher", {"inputs": {**inputs(), "centres": [500.0], "fwhm": None}}, "bands are not those"),
        ("laboratory", {"domains": [["visnir", {**inputs(), "quantity": "colour"}]]}, "which bands"),
        ("laboratory", {"properties": [{}]}, "properties"),
    ],
)  # fmt: skip
def test_a_card_that_does_not_fit_is_refused_with_its_reason(
    paths: dict[str, Path], kind: str, change: dict[str, Any], reason: str
) -> None:
    place = paths[kind].with_suffix(".unfit")
    place.write_bytes(paths[kind].read_bytes())
    change_card(place, lambda card: card.update(change))
    assert reason in refused(place, KINDS[kind][1])
