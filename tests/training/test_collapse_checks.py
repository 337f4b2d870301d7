"""What counts as a collapse: against what a model that learned nothing would answer."""

from __future__ import annotations

import numpy as np
import pytest

from deepsalt.training.checks import prediction_facts

OBSERVED = np.array([1.8, 2.0, 2.2, 2.4])


def test_a_useful_answer_is_no_collapse_where_the_validation_rows_lie_off_the_training_mean() -> None:
    """Predictions 0.3 too high lose to the rows' own mean, and beat the training mean of 0.5 by far."""
    predicted = OBSERVED + 0.3
    assert prediction_facts(OBSERVED, predicted, 0.5)["collapse"] is None
    assert prediction_facts(OBSERVED, predicted, 0.5)["validation_r2"] < 0
    assert "no better than the mean" in prediction_facts(OBSERVED, predicted)["collapse"]


@pytest.mark.parametrize("constant", [0.5, 2.1])
def test_a_constant_is_a_collapse_whatever_it_is_compared_with(constant: float) -> None:
    assert "hardly vary" in prediction_facts(OBSERVED, np.full(4, constant), 0.5)["collapse"]


def test_an_answer_worse_than_the_training_mean_is_a_collapse() -> None:
    assert "no better than the mean" in prediction_facts(OBSERVED, OBSERVED[::-1] - 2.5, 0.5)["collapse"]
