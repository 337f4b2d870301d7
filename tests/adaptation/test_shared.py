"""The parts all methods share: what is held out, the regressor, and the choice of settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsalt.adaptation.base import Domains, bounded
from deepsalt.adaptation.shared import choose, copies, pls_path, regressor
from deepsalt.errors import BandError, UsageError


def test_partial_least_squares_is_that_of_scikit_learn() -> None:
    from sklearn.cross_decomposition import PLSRegression

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 12)) * np.arange(1, 13), rng.normal(size=50)
    offset, path = pls_path(x, y, 6)
    for count in (1, 3, 6):
        expected = PLSRegression(count).fit(x, y).predict(x).ravel()
        assert x @ path[:, count - 1] + offset[count - 1] == pytest.approx(expected, abs=1e-8)


def test_partial_least_squares_stops_when_nothing_is_left() -> None:
    x = np.outer(np.arange(6.0), [1.0, 2.0, 0.0])
    offset, path = pls_path(x, x[:, 0] * 3 + 1, 3)
    assert path.shape == (3, 1)
    assert x @ path[:, 0] + offset[0] == pytest.approx(x[:, 0] * 3 + 1)
    level, flat = pls_path(x, np.full(6, 2.0), 3)
    assert (flat == 0).all()
    assert level == pytest.approx([2.0])


def test_few_labelled_pixels_outweigh_nothing_and_are_not_outweighed(toy) -> None:
    assert copies(160, 36) == 4
    shifted = replace(toy.domains, target_y=toy.domains.target_y * 0 + 3.0)
    at_pixels = regressor(shifted, 0)(toy.fresh_x).mean()
    assert at_pixels == pytest.approx(3.0, abs=0.5)


def test_holding_out_takes_the_pixel_in_both_its_roles(toy) -> None:
    d = toy.domains
    both = replace(d, target_x=np.vstack([d.pair_x[:1], d.target_x[1:]]))
    part = both.without(both.pair_groups[:1])
    assert len(part.source_y) == 158
    assert len(part.target_y) == 35
    assert part.source_x[part.pair_source] == pytest.approx(
        d.source_x[d.pair_source[np.isin(d.pair_groups, d.pair_groups[:1], invert=True)]]
    )
    without_field = both.without(np.array(["field 0"]))
    assert len(without_field.pair_source) == 39
    assert len(without_field.target_y) == 33


def test_a_setting_is_chosen_on_groups_that_were_not_learned_from(toy) -> None:
    seen: list[set[str]] = []

    def build(part: Domains, setting: float):
        seen.append({*part.source_groups, *part.target_groups})
        return lambda x: np.full(len(x), setting)

    truth = float(np.r_[toy.domains.target_y, toy.domains.pair_y].mean())
    assert choose((0.0, truth, 4.0), toy.domains, 0, build, otherwise=0.0) == truth
    everything = {*toy.domains.pair_groups, *toy.domains.target_groups}
    assert len(seen) == 12
    assert set().union(*(everything - groups for groups in seen)) == everything


def test_without_known_pixels_the_stated_setting_is_taken(toy) -> None:
    d = toy.domains.without(toy.domains.target_groups)
    bare = replace(d, pair_source=d.pair_source[:0], pair_x=d.pair_x[:0])
    never = choose((1, 2), bare, 0, lambda part, setting: pytest.fail("nothing to judge by"), otherwise=2)
    assert never == 2


def test_answers_are_bounded_by_the_labels_seen(toy) -> None:
    answer = bounded(lambda x: x[:, 0] * 1e6, toy.domains)
    assert answer(np.array([[-1.0], [1.0]])) == pytest.approx(
        [0.0, 1.25 * max(toy.domains.source_y.max(), toy.domains.target_y.max())]
    )


def test_arrays_that_do_not_fit_together_are_named(toy) -> None:
    with pytest.raises(UsageError, match=r"target_x has shape \(36, 29\), \(36, 30\) was expected"):
        replace(toy.domains, target_x=toy.domains.target_x[:, 1:])
    with pytest.raises(UsageError, match="outside of the 160"):
        replace(toy.domains, pair_source=toy.domains.pair_source + 160)
    holed = toy.domains.unlabelled_x.copy()
    holed[4, 2] = np.nan
    with pytest.raises(BandError, match=r"1 of 240 spectra in unlabelled_x .*row 5.*Drop"):
        replace(toy.domains, unlabelled_x=holed)
