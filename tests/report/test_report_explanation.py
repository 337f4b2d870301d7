"""The section about what a model reads, and its figure."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.test_explain import WEIGHTS, Toy, bent, line, spectra, window
from tests.report.conftest import write
from tests.report.test_report_page import Page

from deepsalt.evaluation.explanation import model_explanation, sample_explanation
from deepsalt.pipeline.run import plain
from deepsalt.report import write_report
from deepsalt.report.explanation import check_lines, section, way
from deepsalt.report.explanation_figures import _apart, explanation_figure
from deepsalt.spectra import Axis, Spectra


@pytest.fixture(scope="module")
def document() -> dict:
    asked = spectra(40, group=np.arange(40) // 4)
    found = model_explanation(Toy([bent(np.where(window(700, 750), 0.3, 0.0)), line(WEIGHTS / 50)]), asked)
    return dict(plain({**found, "held_out": True}))


def test_the_page_tells_windows_features_checks_and_warnings(run: Path, document: dict) -> None:
    write(run, "explanation", document)
    page = Page(write_report(run))
    assert "explanation" in page.sections
    assert "700-750 nm" in page.text
    assert "water of crystals, overtone; weak (measured on samples" in page.text
    assert "Networks with their weights in random order: rank correlation" in page.text
    assert "Halite (rock salt) has no band of its own" in page.text
    alts = [image["alt"] or "" for image in page.of("img")]
    assert any(alt.startswith("Mean spectrum with known features") and "700-750 nm" in alt for alt in alts)


def test_windows_are_listed_by_what_their_loss_moves(document: dict) -> None:
    found = section(document)
    assert found.windows[0][0] == "700-750 nm"
    assert found.windows[0][3] == "higher is saltier"
    assert len(found.windows) == 8
    assert "over 40 samples that were not learned from" in found.picture.caption
    assert "that were learned from" in section({**document, "held_out": False}).picture.caption


def test_which_way_is_said_only_where_it_is_clear() -> None:
    ways = [way({"higher_is_saltier": value}) for value in (None, 0.2, -0.2, 0.5, -0.5)]
    assert ways == ["no clear way"] * 3 + ["higher is saltier", "lower is saltier"]


def test_checks_of_a_sample_are_fewer(document: dict) -> None:
    assert len(check_lines(document)) == 3
    one = plain(sample_explanation(Toy([line(WEIGHTS)]), spectra(1, 3), spectra(20)))
    (only,) = check_lines(one)
    assert only.startswith("Attributions add up to the difference from the baseline within")


def bars(axes: object) -> dict[float, float]:
    return {
        round(bar.get_x() + bar.get_width() / 2): bar.get_height()
        for bar in axes.patches
        if bar.get_width() > 9
    }  # type: ignore[attr-defined]


def test_the_figure_shows_the_numbers_of_the_document(document: dict) -> None:
    figure = explanation_figure(document)
    spectrum, shared, hidden = figure.axes
    assert {text.get_text() for text in spectrum.texts} == {one["name"] for one in document["features"]}
    for axes, key in ((shared, "gradients"), (hidden, "hidden")):
        drawn = bars(axes)
        for one in document["windows"]:
            assert drawn[round((one["low"] + one["high"]) / 2)] == pytest.approx(one[key]["importance"])
    drawn_line = spectrum.lines[0].get_ydata()
    np.testing.assert_allclose(drawn_line, document["bands"]["spectrum"], rtol=1e-6)


def test_names_of_features_that_lie_close_are_kept_apart() -> None:
    assert _apart([10.0, 11.0, 20.0, 21.0, 22.0], 4.0) == [10.0, 14.0, 20.0, 24.0, 28.0]


def test_the_figure_of_a_sample_shows_both_spectra_and_signed_effects() -> None:
    one = plain(sample_explanation(Toy([line(WEIGHTS)]), spectra(1, 3), spectra(20)))
    json.dumps(one)
    figure = explanation_figure(one)
    spectrum, shared, _ = figure.axes
    names = [entry.get_text() for entry in spectrum.get_legend().get_texts()]
    assert names == ["this spectrum", "baseline"]
    drawn = bars(shared)
    for found in one["windows"]:
        assert drawn[round((found["low"] + found["high"]) / 2)] == pytest.approx(found["gradients"])
    assert min(drawn.values()) < 0 < max(drawn.values())


def test_the_mid_infrared_runs_from_high_to_low_and_holes_stay_open() -> None:
    centres = np.r_[np.arange(600.0, 1000, 20), np.arange(1600.0, 2000, 20)]
    values = np.random.default_rng(0).uniform(0.5, 1.0, (12, len(centres)))
    asked = Spectra.of_table(values, Axis(centres, "cm-1"), "absorbance")
    weights = np.random.default_rng(1).normal(size=len(centres))
    figure = explanation_figure(plain(model_explanation(Toy([line(weights)]), asked)))
    spectrum, _, hidden = figure.axes
    left, right = hidden.get_xlim()
    assert left > right
    assert hidden.get_xlabel() == "wavenumber, cm-1"
    assert np.isnan(spectrum.lines[0].get_ydata()).sum() == 1
    names = [text.get_text() for text in spectrum.texts]
    assert "carbonate 876" in names
