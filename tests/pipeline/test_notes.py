"""What a report must say of a teacher: which model it is, and whether it learned anything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.estimators.test_lab import QUICK, soils

from deepsalt.estimators import LabRegressor
from deepsalt.pipeline.notes import notes_on


def test_a_teacher_that_learned_nothing_is_told_and_one_that_did_is_not() -> None:
    stuck = LabRegressor(replace(QUICK, learning_rate=1e-9)).fit(soils()["mir"])
    assert [note for note in notes_on(stuck.checks_) if note.startswith("The teacher learned nothing")]
    learned = LabRegressor(QUICK).fit(soils()["mir"])
    assert notes_on(learned.checks_) == ["The teacher is: network (the gate is off)."]


@pytest.mark.parametrize("kept", ["network", "support vectors"])
def test_the_gate_is_told_with_the_error_of_every_candidate(kept: str) -> None:
    rmse = {"network": 0.25, "support vectors": 0.125}
    (note,) = notes_on({"gate": {"asked": True, "kept": kept, "rmse": rmse}})
    assert note.startswith(f"The teacher is: {kept}, ")
    assert "network 0.250, support vectors 0.125" in note
