"""What every adaptation in the registry must do, and that each is worth its name on a known shift."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from tests.adaptation.shifted import NM, Shift, Toy, make_toy, unlabelled_only

import deepsalt.adaptation
from deepsalt.adaptation import ADAPTATIONS, adaptation
from deepsalt.errors import UsageError

NAMES = list(ADAPTATIONS)
NEED_LABELS = {"pooled", "finetune"}
NEED_PAIRS = {"epo", "ds", "pds"}


@pytest.fixture(scope="module")
def answers(toy: Toy) -> dict:
    return {name: method.fit(toy.domains, seed=0) for name, method in ADAPTATIONS.items()}


def test_the_registry_holds_the_methods_that_users_know() -> None:
    known = {"lab-only", "pooled", "epo", "ds", "pds", "coral", "subspace", "ot", "mmd", "dann", "daregram"}
    assert {*known, "finetune"} == set(NAMES)
    assert all(adaptation(name).name == name for name in NAMES)
    assert all(method.title and method.source for method in ADAPTATIONS.values())


def test_an_unknown_method_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown adaptation 'magic'.*lab-only.*daregram"):
        adaptation("magic")


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_bounded_and_do_not_depend_on_their_neighbours(name: str, answers, toy: Toy) -> None:
    found = answers[name](toy.fresh_x)
    assert found.shape == toy.fresh_y.shape
    assert (found >= 0).all()
    assert (found <= toy.domains.ceiling).all()
    assert answers[name](toy.fresh_x[::-1])[::-1] == pytest.approx(found, abs=1e-5)
    assert answers[name](toy.fresh_x[3:4]) == pytest.approx(found[3:4], abs=1e-5)
    wild = answers[name](np.full((1, 30), 50.0))
    assert 0 <= wild[0] <= toy.domains.ceiling


@pytest.mark.parametrize("name", NAMES)
def test_what_was_given_is_not_changed_and_the_seed_decides(name: str, answers) -> None:
    again = make_toy()
    before = {f.name: np.array(getattr(again.domains, f.name)) for f in fields(again.domains)}
    answer = ADAPTATIONS[name].fit(again.domains, seed=0)
    assert np.array_equal(answer(again.fresh_x), answers[name](again.fresh_x))
    assert all(np.array_equal(getattr(again.domains, key), value) for key, value in before.items())


@pytest.mark.parametrize("name", ["dann", "finetune"])
def test_another_seed_gives_another_network(name: str, answers, toy: Toy) -> None:
    other = ADAPTATIONS[name].fit(toy.domains, seed=1)
    assert not np.array_equal(other(toy.fresh_x), answers[name](toy.fresh_x))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "lab-only"])
def test_each_beats_the_laboratory_alone_under_gain_and_offset(name: str, answers, toy: Toy) -> None:
    assert toy.rmse(answers["lab-only"]) > 0.4
    assert toy.rmse(answers[name]) < 0.6 * toy.rmse(answers["lab-only"])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NEED_LABELS | {"lab-only"}])
def test_without_labelled_pixels_it_adapts_all_the_same(name: str, answers, toy: Toy) -> None:
    answer = ADAPTATIONS[name].fit(unlabelled_only(toy.domains), seed=0)
    assert toy.rmse(answer) < 0.8 * toy.rmse(answers["lab-only"])


@pytest.mark.parametrize("name", sorted(NEED_LABELS))
def test_what_lives_on_labelled_pixels_says_so(name: str, toy: Toy) -> None:
    with pytest.raises(UsageError, match=rf"{name} needs labelled pixels: at least \d, found 0. Give sites"):
        ADAPTATIONS[name].fit(unlabelled_only(toy.domains), seed=0)


@pytest.mark.parametrize("name", NAMES)
def test_without_pairs_and_labels_a_method_adapts_or_says_what_it_needs(name: str, toy: Toy) -> None:
    d = unlabelled_only(toy.domains)
    bare = replace(d, pair_source=d.pair_source[:0], pair_x=d.pair_x[:0])
    if name in NEED_PAIRS:
        with pytest.raises(UsageError, match=rf"{name} needs pairs of .*found 0.*larger distance"):
            ADAPTATIONS[name].fit(bare, seed=0)
    elif name not in NEED_LABELS:
        assert np.isfinite(ADAPTATIONS[name].fit(bare, seed=0)(toy.fresh_x)).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"lab-only", *NEED_LABELS}])
def test_without_any_pixel_it_says_so(name: str, toy: Toy) -> None:
    d = unlabelled_only(toy.domains)
    empty = replace(d, pair_source=d.pair_source[:0], pair_x=d.pair_x[:0], unlabelled_x=d.unlabelled_x[:0])
    with pytest.raises(UsageError, match=rf"{name} needs (pixels|pairs)"):
        ADAPTATIONS[name].fit(empty, seed=0)


@pytest.mark.parametrize("name", ["epo", "ds", "coral"])
def test_a_direction_that_only_the_field_has_does_no_harm(name: str) -> None:
    moisture = make_toy(Shift(1.0, 0.0, nuisance=-0.05 * np.exp(-(((NM - 1850) / 150) ** 2))), seed=3)
    alone = moisture.rmse(ADAPTATIONS["lab-only"].fit(moisture.domains, seed=0))
    bare = unlabelled_only(moisture.domains)
    assert moisture.rmse(ADAPTATIONS[name].fit(bare, seed=0)) < 0.5 * alone


def test_one_group_of_pairs_is_enough_to_run(toy: Toy) -> None:
    d = unlabelled_only(toy.domains)
    lumped = replace(d, source_groups=np.full(160, "one field"))
    for name in ("epo", "ds", "coral", "subspace"):
        assert np.isfinite(ADAPTATIONS[name].fit(lumped, seed=0)(toy.fresh_x)).all()


def test_torch_waits_for_the_deep_methods() -> None:
    code = "import deepsalt.adaptation, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_adaptations_know_no_simulated_world() -> None:
    for path in Path(deepsalt.adaptation.__file__).parent.glob("*.py"):
        named = {
            node.module
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and node.module
        }
        assert not {name for name in named if "simulate" in name}, path.name
