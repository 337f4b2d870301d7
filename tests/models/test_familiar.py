"""What a student knows of its training pixels, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from deepsalt.models import BridgeArchitecture, BridgeStudent
from deepsalt.models.familiar import Judge, nearest
from deepsalt.training.familiar import _at_right_angles, _widest_first


@pytest.fixture
def student() -> BridgeStudent:
    torch.manual_seed(0)
    shape = BridgeArchitecture(6, 5, 3, (8,), members=2, centres=4, rest=2, points=3)
    made = BridgeStudent(shape).eval()
    made.channels.copy_(torch.rand(6, 5))
    made.gain.copy_(torch.rand(5) + 0.5)
    made.centre.copy_(torch.rand(5))
    orthonormal = torch.linalg.qr(torch.randn(5, 5))[0]
    made.directions.copy_(2.0 * orthonormal[:, :3])
    known = made.familiar
    known.rest.copy_(orthonormal[:, 3:])
    known.importance.copy_(torch.tensor([1.0, 0.5, 0.0]))
    known.centres.copy_(torch.randn(4, 3) * known.importance)
    known.points.copy_(torch.randn(3, 3) * known.importance)
    known.unit.fill_(2.0)
    known.limits.copy_(torch.tensor([0.4, 1.0]))
    return made


SPECTRA = 0.1 + torch.rand(50, 6, generator=torch.Generator().manual_seed(3))


def test_dissimilarity_is_the_weighted_distance_to_the_nearest_centre(student: BridgeStudent) -> None:
    known = student.familiar
    inputs = student.inputs(SPECTRA) * known.importance
    expected = cdist(inputs, known.centres).min(axis=1) / 2.0
    np.testing.assert_allclose(student.strangeness(SPECTRA)[0], expected, rtol=1e-5)
    rows = torch.randn(20, 3)
    np.testing.assert_allclose(
        nearest(rows, known.centres), cdist(rows, known.centres).min(axis=1), rtol=1e-5
    )


def test_the_residual_is_what_the_directions_do_not_read(student: BridgeStudent) -> None:
    seen = (SPECTRA @ student.channels) * student.gain - student.centre
    basis = student.directions / 2.0
    left = seen - seen @ basis @ basis.T
    np.testing.assert_allclose(student.strangeness(SPECTRA)[1], left.square().sum(dim=1), rtol=1e-4)


def test_density_counts_labelled_pixels_within_the_limit(student: BridgeStudent) -> None:
    known = student.familiar
    inputs = student.inputs(SPECTRA) * known.importance
    expected = (cdist(inputs, known.points) <= 0.4 * 2.0).sum(axis=1)
    assert student.density(SPECTRA).tolist() == expected.tolist()
    assert 0 < expected.sum() < expected.size * 3


def test_a_missing_band_has_no_strangeness_and_a_new_student_knows_nothing(student: BridgeStudent) -> None:
    gap = SPECTRA.clone()
    gap[3, 2] = float("nan")
    found = student.strangeness(gap)
    assert torch.isnan(found[0]).nonzero().ravel().tolist() == [3]
    assert torch.isnan(found[1]).nonzero().ravel().tolist() == [3]
    assert student.familiar.learned
    assert not BridgeStudent(student.architecture).familiar.learned


@pytest.mark.parametrize("reach", [0.05, 0.4, 1.0])
@pytest.mark.parametrize("largest", [1e-4, 0.02, 1.0])
def test_judging_finds_what_measuring_finds(student: BridgeStudent, reach: float, largest: float) -> None:
    """Near a hub, near another centre, far from all, and so far that inputs are bounded; with a gap."""
    known = student.familiar
    known.limits.copy_(torch.tensor([reach, largest]))
    known.centres[-1] = torch.tensor([8.0, -4.0, 0.0])
    rows = torch.cat([SPECTRA, 40.0 * SPECTRA, -9.0 * SPECTRA])
    rows[5, 1] = float("nan")
    told = student.told(rows, strange=True).strange
    dissimilarity, residual = student.strangeness(rows)
    assert told is not None
    assert told.tolist() == ((dissimilarity > reach) | (residual > largest)).tolist()
    assert not told[5]


def test_lots_of_many_batches_are_judged_as_one_is(
    student: BridgeStudent, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = torch.cat([scale * SPECTRA for scale in torch.linspace(-3.0, 9.0, 60)])
    once = student.told(rows, strange=True).strange
    assert once is not None
    assert 0.02 < float(once.float().mean()) < 0.98
    monkeypatch.setattr("deepsalt.models.familiar._MOST_WAITING", 300)
    monkeypatch.setattr(student.members, "rows", 128)
    again = student.told(rows, strange=True).strange
    assert again is not None
    assert torch.equal(again, once)


def test_centres_that_most_rows_are_near_come_first() -> None:
    near = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]])
    assert _widest_first(near.bool()).tolist() == [0, 3, 1, 2]


def test_the_rest_is_at_right_angles_and_in_units_of_its_spread() -> None:
    generator = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn(6, 6, generator=generator))[0]
    spread = torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0, 0.1])
    rows = torch.randn(20_000, 6, generator=generator) * spread @ basis.T
    directions = 7.0 * basis[:, :3]
    found = _at_right_angles(directions, rows, 2)
    np.testing.assert_allclose(found.T @ directions, 0.0, atol=1e-4)
    variance = spread[3:].square()
    expected = variance / (variance + variance.mean())
    np.testing.assert_allclose((rows @ found).square().mean(dim=0), expected[:2], rtol=0.05)


def test_what_is_bounded_onto_a_centre_is_near_it(student: BridgeStudent) -> None:
    """Inputs of 20 and -20 count as 8 and -8, which times the importance are the last centre."""
    student.familiar.centres[-1] = torch.tensor([8.0, -4.0, 0.0])
    projected = torch.tensor([[20.0, -20.0, 3.0, 0.0, 0.0], [20.0, 20.0, 3.0, 0.0, 0.0]]).T
    judge = Judge(student.familiar)
    judge.ask(projected)
    assert judge.strange().tolist() == [False, True]
