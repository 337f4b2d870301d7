"""The local learner: near samples decide, and none is answered from beyond them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import LinearRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from deepsalt.estimators.local import LocalPLSRegressor, local_pls


@parametrize_with_checks([LocalPLSRegressor(neighbours=30, components=3)])
def test_scikit_learn_manners(estimator, check) -> None:
    check(estimator)


def two_soils(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(row, 30) spectra of two kinds of soil; the same band rises with salt in one and falls in the other."""
    rng = np.random.default_rng(seed)
    kind, salt = rng.integers(2, size=rows), rng.uniform(0, 1, rows)
    place = np.arange(30)
    band, shape = np.exp(-(((place - 20) / 3) ** 2)), np.exp(-(((place - 7) / 3) ** 2))
    slope = np.where(kind == 1, 1.0, -1.0)
    values = 6.0 * kind[:, None] * shape + (slope * salt)[:, None] * band + rng.normal(0, 0.02, (rows, 30))
    return values, salt


def test_local_models_learn_where_a_single_line_cannot() -> None:
    train, fresh = two_soils(200, 0), two_soils(100, 1)
    line = LinearRegression().fit(*train)
    near = LocalPLSRegressor(neighbours=40, components=3).fit(*train)
    assert line.score(*fresh) < 0.3
    assert near.score(*fresh) > 0.75


def test_a_local_model_is_partial_least_squares_on_its_neighbours() -> None:
    rng = np.random.default_rng(2)
    near, asked = rng.normal(size=(4, 25, 6)), rng.normal(size=(4, 6)) * 0.2
    labels = near[:, :, 0] - near[:, :, 3] ** 2 + rng.normal(0, 0.1, (4, 25))
    for components in (1, 3, 6):
        found = local_pls(near, labels, asked, components)
        for number in range(4):
            judge = PLSRegression(components, scale=False).fit(near[number], labels[number])
            expected = np.clip(judge.predict(asked[[number]]), labels[number].min(), labels[number].max())
            assert found[number] == pytest.approx(float(np.ravel(expected)[0]), rel=1e-6)


def test_an_answer_stays_within_the_labels_of_its_neighbours() -> None:
    values, salt = two_soils(200, 0)
    fitted = LocalPLSRegressor(neighbours=20, components=5).fit(values, salt)
    wild = fitted.predict(values[:50] * 40 - 3)
    assert wild.min() >= salt.min()
    assert wild.max() <= salt.max()
    near = fitted._nearest(fitted._scores(values[:50]))
    answers = fitted.predict(values[:50])
    assert (answers >= salt[near].min(axis=1)).all()
    assert (answers <= salt[near].max(axis=1)).all()


def test_the_nearest_are_those_of_a_plain_search() -> None:
    values, salt = two_soils(60, 3)
    fitted = LocalPLSRegressor(neighbours=7).fit(values, salt)
    scores = fitted.scores_[:, : len(fitted.alike_)] * fitted.alike_
    for row, near in enumerate(fitted._nearest(fitted.scores_)):
        apart = np.linalg.norm(scores - scores[row], axis=1)
        assert set(near) == set(np.argsort(apart)[:7])


def test_an_answer_does_not_depend_on_the_other_rows() -> None:
    values, _ = fresh = two_soils(150, 5)
    fitted = LocalPLSRegressor(neighbours=30, components=4).fit(*two_soils(100, 4))
    few = np.array([140, 3, 77])
    assert fitted.predict(fresh[0])[few] == pytest.approx(fitted.predict(values[few]), rel=1e-9)


def test_more_features_than_rows_and_spectra_that_do_not_vary() -> None:
    wide = np.random.default_rng(0).normal(size=(12, 40))
    label = wide[:, 0]
    assert LocalPLSRegressor(neighbours=12, components=11).fit(wide, label).score(wide, label) > 0.99
    flat = LocalPLSRegressor().fit(np.ones((5, 3)), np.arange(5.0)).predict(np.ones((2, 3)))
    assert flat == pytest.approx([2.0, 2.0])
