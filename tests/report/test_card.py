"""The model card: what it says, on the screen, in Markdown and in the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.training.forged import change_card
from tests.training.small_models import write_deepsalt, write_laboratory

from deepsalt.errors import ModelFileError
from deepsalt.estimators.limits import limits_of
from deepsalt.estimators.model_card import About, ModelCard, model_card, printable
from deepsalt.report import write_report
from deepsalt.report.card import card_markdown, card_page, card_parts
from deepsalt.training import read_card


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_deepsalt(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def card_of(path: Path) -> ModelCard:
    return model_card(read_card(path), path)


def part(card: ModelCard, title: str) -> dict[str, tuple[str, ...]]:
    """The facts or records of one part of the page, by their first column."""
    found = next(one for one in card_parts(card) if one.title == title)
    return {name: tuple(rest) for name, *rest in (*found.facts, *found.records)}


def test_it_says_what_the_model_is(path: Path) -> None:
    card = card_of(path)
    told = part(card, "What it is")
    assert told["answers"] == ("ECe in dS/m, learned on ln(1 + ECe)",)
    assert told["bands"] == ("reflectance, 6 bands, 500.0-2200.0 nm",)
    assert told["trained"] == ("2026-01-31",)
    assert told["licence of the model"] == ("not stated",)
    assert told["needs of its reader"] == ("scenes, places",)
    assert told["fingerprint"][0].startswith(read_card(path)["fingerprint"])


def test_it_says_what_was_learned_from_a_column_each(path: Path) -> None:
    told = part(card_of(path), "Learned from")
    assert told["samples"] == ("120, 90 of them with EC",) * 2
    assert told["EC measured as"][0] == "EC1:2 (60), ECe (30)"
    assert told["error of conversion to ECe"][0] == "12% (median standard error)"
    assert told["dS/m"][0] == "0.100 to 44.00, median 2.500"
    assert told["places"][0] == "10.00 to 10.50 N, 20.00 to 20.50 E"
    assert told["licence"] == ("not stated", "CC-BY-4.0")


def test_it_says_how_well_with_intervals_and_coverage(path: Path) -> None:
    told = part(card_of(path), "How well it does")
    assert told["Grouped random test (n = 30)"] == (
        "0.500 (0.400 to 0.625)", "0.700", "3.250", "2.000", "−0.500", "70%", "88%"
    )  # fmt: skip


def test_it_says_that_places_of_samples_are_in_the_file(path: Path) -> None:
    knows = card_of(path).knows
    assert "places and ECe of 2 laboratory samples: whoever has the file has them" in knows
    assert "its errors at 3 points of 3 held-out fields" in knows


@pytest.mark.parametrize(
    ("change", "word", "there"),
    [
        ({"simulated": True}, "real land", True),
        ({"simulated": False}, "real land", False),
        ({"leaks": True}, "by its metrics", True),
        ({"of_pixels": False}, "root zone", False),
        ({"of_pixels": False}, "satellite pixels", True),
        ({"of_pixels": True}, "halite", True),
        ({"label": "EC1:5"}, "it answers EC1:5", True),
        ({"label": "ECe"}, "must not be compared", False),
        ({"errors": False}, "no intervals", True),
        ({"errors": True}, "no intervals", False),
        ({"places": True}, "far from its samples", True),
        ({}, "law or credit", True),
    ],
)
def test_limits_follow_from_what_it_is(change: dict[str, Any], word: str, there: bool) -> None:
    plain = {"of_pixels": True, "label": "ECe", "simulated": False, "leaks": False, "errors": True}
    told = limits_of(**{**plain, "places": False, **change})
    assert any(word in sentence for sentence in told) is there
    assert all(sentence.startswith("Not ") for sentence in told)


def test_what_the_estimator_says_of_its_applicability_is_shown(path: Path) -> None:
    change_card(path, lambda card: card.update(applicability={"share inside": 0.95, "measure": "distance"}))
    assert part(card_of(path), "Where it may be believed")["share inside"] == ("0.95",)


def test_a_laboratory_model_says_so(tmp_path: Path) -> None:
    write_laboratory(tmp_path / "m.safetensors")
    card = card_of(tmp_path / "m.safetensors")
    assert card.sensor == "laboratory"
    assert card.bands == ("visnir reflectance, 6 bands, 500.0-2200.0 nm",)
    assert any("Not for satellite pixels" in limit for limit in card.limits)


def test_markdown_shows_names_as_they_are_and_hubs_read_its_head(path: Path) -> None:
    name = "<script>x</script> [a](http://b) | `c` \n# d"
    change_card(path, lambda card: card["about"].update(name=name, licence='x"\nevil: 1'))
    text = card_markdown(card_of(path))
    head = text.split("---\n")[1]
    assert 'license: "x\\"evil: 1"' in head
    assert '"simulated"' in head
    assert "<script>" not in text.replace("\\<", "")
    assert "# \\<script\\>x\\</script\\> \\[a\\]\\(http://b\\) \\| \\`c\\` \\# d" in text
    assert not card_page(card_of(path)).startswith("---")


def test_a_terminal_is_not_steered(path: Path) -> None:
    assert printable("a\x1b]0;x\x07b\u202ec\ud800") == "a]0;xbc"
    assert len(printable("x" * 10_000)) == 2_000
    change_card(path, lambda card: card["about"].update(author="\x1b[31mred"))
    assert card_of(path).about.author == "[31mred"


@pytest.mark.parametrize(
    "about", [3, {"parts": [{}]}, {"libraries": [{"name": "a"}]}, {"simulated": "perhaps"}, {"leaks": [1]}]
)
def test_a_card_that_says_nonsense_of_its_data_is_refused(path: Path, about: Any) -> None:
    change_card(path, lambda card: card.update(about=about))
    with pytest.raises(ModelFileError, match="does not say what the model is"):
        card_of(path)


def test_what_nobody_stated_is_told_as_not_stated() -> None:
    empty = About()
    assert {empty.author, empty.contact, empty.licence, empty.satellite, empty.trained} == {"not stated"}


def test_the_report_has_the_card_of_the_run(run: Path) -> None:
    assert 'id="card"' not in write_report(run).read_text("utf-8")
    write_deepsalt(run / "model.safetensors")
    change_card(run / "model.safetensors", lambda card: card["about"].update(author="<b>me</b>"))
    page = write_report(run).read_text("utf-8")
    assert page.count('id="card"') == 1
    assert "places and ECe of 2 laboratory samples" in page
    assert "&lt;b&gt;me&lt;/b&gt;" in page
