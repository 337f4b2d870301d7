"""Tuning a student to one scene, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepsalt.models import BridgeArchitecture, BridgeStudent, Tuning
from deepsalt.models.plane import plane_through
from deepsalt.models.tuning import (
    as_plain,
    corrected,
    correction_by,
    from_plain,
    line_towards,
    mean_log,
    tilted,
)


def student(lands: int = 1) -> BridgeStudent:
    torch.manual_seed(0)
    shape = BridgeArchitecture(bands=6, channels=4, directions=3, hidden=(8,), members=2, lands=lands)
    made = BridgeStudent(shape)
    made.channels.copy_(torch.rand(6, 4))
    made.directions.copy_(torch.randn(4, 3))
    made.ceiling.fill_(10.0)
    return made.eval()


def pixels(n: int = 400) -> torch.Tensor:
    return 0.1 + 0.3 * torch.rand(n, 6, generator=torch.Generator().manual_seed(1))


def test_the_default_tuning_changes_nothing() -> None:
    made = student()
    assert torch.equal(made.tuned(Tuning()).predict(pixels()), made.predict(pixels()))


def test_tuned_pixels_have_the_mean_of_the_land() -> None:
    made = student()
    made.references[0] = torch.tensor([-1.0, -1.5, -0.5, -2.0])
    gain = made.gain_for(pixels(), 0)
    seen = (pixels() @ made.channels) * gain
    torch.testing.assert_close(mean_log(seen), made.references[0], atol=1e-5, rtol=0)


def test_a_tuned_scene_does_not_care_how_bright_its_calibration_is() -> None:
    """The same land through a sensor that is 20 % too bright gives the same answers."""
    made = student()
    made.references[0] = mean_log(pixels() @ made.channels)
    made.labels[0] = torch.tensor([1.0, 0.8, 60.0])
    plain, bright = (made.tuning_for(seen, 0) for seen in (pixels(), 1.2 * pixels()))
    torch.testing.assert_close(
        made.tuned(bright).predict(1.2 * pixels()), made.tuned(plain).predict(pixels()), atol=1e-4, rtol=1e-4
    )


def test_no_answer_passes_what_the_labels_of_the_land_allow() -> None:
    """2.5 standard deviations above their mean, on ln(1+ECe); 16 dS/m can be said of any land."""
    made = student()
    made.references[0] = mean_log(pixels() @ made.channels)
    bright = torch.cat([pixels(), 4.0 * pixels(5)])
    for mean, deviation, highest in ((2.0, 1.2, 5.0), (0.5, 0.2, float(np.log(17.0)))):
        made.labels[0] = torch.tensor([mean, deviation, 60.0])
        found = made.tuning_for(pixels(), 0)
        assert found.highest == pytest.approx(highest)
        free = made.tuned(replace(found, highest=None)).predict(bright)
        told = made.tuned(replace(found, highest=float(free.median()))).predict(bright)
        torch.testing.assert_close(told, free.clamp(max=float(free.median())))
    assert float(made.tuned(Tuning(highest=99.0)).ceiling) == 10.0, "nor what the student allows anywhere"


def test_a_line_moves_the_mean_by_the_share_that_samples_are_believed() -> None:
    answers = torch.tensor([0.0, 1.0, 2.0])
    deviation = float(answers.std(correction=0)) / 0.75  # the expected spread already: no scale
    scale, offset = line_towards(answers, mean=3.0, deviation=deviation, samples=40.0)
    assert scale == pytest.approx(1.0)
    assert offset == pytest.approx(0.5 * (3.0 - 1.0))  # 40 samples are believed by half
    scale, offset = line_towards(answers, 3.0, deviation, samples=1e9)
    assert float((scale * answers + offset).mean()) == pytest.approx(3.0)


def test_a_line_never_divides_by_a_spread_that_is_not_there() -> None:
    assert line_towards(torch.ones(5), 2.0, 0.5, 40.0) == pytest.approx((1.0, 0.5))
    assert line_towards(torch.tensor([0.0, 2.0]), 1.0, 0.0, 40.0) == pytest.approx((1.0, 0.0))


def test_a_correction_turns_about_the_level_of_the_scene() -> None:
    answers = torch.tensor([1.0, 2.0, 6.0])
    tuning = Tuning(scale=0.5, offset=0.5)
    tuned = 0.5 * answers + 0.5
    found = corrected(tuning, float(tuned.mean()), stretch=0.4, shift=-0.3)
    now = found.scale * answers + found.offset
    assert float(now.mean()) == pytest.approx(float(tuned.mean()) - 0.3)
    assert float(now.std()) == pytest.approx(1.4 * float(tuned.std()))
    capped = replace(tuning, highest=3.0)
    assert corrected(capped, 1.0, 0.4, -0.3).highest == pytest.approx(3.0 + 0.4 * 2.0 - 0.3)
    assert corrected(capped, 1.0, -0.4, -0.3).highest == 3.0, "points take nothing from what may be said"
    assert found.highest is None
    same = corrected(tuning, 7.0, 0.0, 0.0)
    assert (same.scale, same.offset) == (0.5, 0.5)


def test_one_point_moves_the_level_by_the_share_it_is_believed() -> None:
    stretch, shift = correction_by(torch.zeros(1), torch.tensor([2.0]), ["a"]).tolist()
    assert stretch == 0.0  # at the level itself a point says nothing of the slope
    assert shift == pytest.approx(2.0 * 0.09 / (0.09 + 0.09 + 0.36))


def test_many_points_are_believed_and_those_of_one_field_less() -> None:
    excess = torch.linspace(-1, 1, 400)
    errors = 0.5 * excess + 0.25
    apart, together = (
        correction_by(excess, errors, fields) for fields in (np.arange(400).astype(str), ["a"] * 400)
    )
    torch.testing.assert_close(apart, torch.tensor([0.5, 0.25]), atol=0.03, rtol=0)
    assert float(together[1]) == pytest.approx(0.125, abs=0.01)  # one field: half of its error is its own
    assert torch.equal(correction_by(excess, torch.zeros(400), ["a"] * 400), torch.zeros(2))


def test_a_scene_met_later_is_corrected_by_the_points_of_its_land() -> None:
    made = student()
    made.references[0] = mean_log(pixels() @ made.channels)
    made.labels[0] = torch.tensor([3.0, 0.8, 60.0])
    plain = made.tuning_for(pixels(), 0)
    made.corrections[0] = torch.tensor([0.0, 0.5])
    found = made.tuning_for(pixels(), 0)
    assert (found.scale, found.offset) == (plain.scale, pytest.approx(plain.offset + 0.5))


def test_a_land_answers_with_networks_of_its_own() -> None:
    made = student(lands=2)
    made.specialists[1].load_state_dict(made.members.state_dict())
    general = made.predict(pixels())
    assert torch.equal(made.tuned(Tuning(land=1)).predict(pixels()), general)
    assert not torch.equal(made.tuned(Tuning(land=0)).predict(pixels()), general)


def test_a_card_gives_the_tuning_back_or_is_refused() -> None:
    shape = student(lands=2).architecture
    tuning = Tuning(1, torch.tensor([1.0, 0.9, 1.1, 1.2]), torch.rand(2, 4), 0.8, -0.1, 3.5)
    back = from_plain(as_plain(tuning), shape)
    assert (back.land, back.scale, back.offset, back.highest) == (1, 0.8, -0.1, 3.5)
    before = {key: value for key, value in as_plain(tuning).items() if key != "highest"}
    assert from_plain(before, shape).highest is None
    assert torch.equal(back.gain, tuning.gain)
    assert torch.equal(back.plane, tuning.plane)
    damaged = (
        {"land": 2},
        {"gain": [1.0]},
        {"gain": [float("nan")] * 4},
        {"plane": [[1.0] * 4]},
        {"plane": [[1.0] * 3] * 2},
        {"scale": float("inf")},
        {"highest": -1.0},
        {"highest": float("nan")},
    )
    for wrong in damaged:
        with pytest.raises(ValueError, match=r"land|gain|plane|scale"):
            from_plain({**as_plain(tuning), **wrong}, shape)


def test_a_scene_is_read_by_the_plane_through_its_answers() -> None:
    """Least squares by another road, member by member; the line comes after."""
    made = student()
    made.references[0] = mean_log(pixels() @ made.channels)
    made.labels[0] = torch.tensor([1.0, 0.8, 60.0])
    found = made.tuning_for(pixels(), 0)
    networks = made.tuned(Tuning(0, found.gain))
    inputs = networks.inputs(pixels())
    sides = torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1)
    expected = torch.linalg.lstsq(sides, networks.members(inputs)[0].T).solution.T
    answers = (sides @ expected.T).mean(dim=1) * found.scale + found.offset
    read = made.tuned(found).predict(pixels())
    torch.testing.assert_close(read, answers.clamp(0, 10), atol=0.01, rtol=0)
    assert made.tuning_for(pixels(), 0, planar=False).plane is None
    assert made.tuning_for(pixels(20), 0).plane is None  # too few pixels for three directions


def test_a_plane_does_not_go_with_plants() -> None:
    """Networks take what plants hide for fresh ground; where plants are read, the plane lets go of them."""
    torch.manual_seed(3)
    salt, cover = torch.randn(4000), torch.randn(4000)
    inputs = torch.stack([salt, cover], dim=1)
    answers = (salt - 0.5 * cover)[None]
    read = 20 * cover[:, None]
    plain, kept = (plane_through(inputs, answers, None, one)[0] for one in (None, read))
    torch.testing.assert_close(plain[:2], torch.tensor([1.0, -0.5]), atol=5e-3, rtol=0)
    assert float(kept[1] / kept[0]) == pytest.approx(-0.25, abs=0.02)  # a weight of 1 halves it
    assert float((inputs @ kept[:2]).std()) == pytest.approx(float(answers.std()), abs=0.01)
    for nothing in (torch.zeros(4000, 2), 1e-3 * cover[:, None]):  # what error alone would make vary
        torch.testing.assert_close(plane_through(inputs, answers, None, nothing)[0], plain, atol=1e-4, rtol=0)


def test_a_scene_of_any_land_is_read_without_its_plants() -> None:
    made = student()
    made.plants.copy_(torch.tensor([[3.0, 0.0], [0.0, 5.0], [-2.0, 1.0]]))
    made.references[0] = mean_log(pixels() @ made.channels)
    made.labels[0] = torch.tensor([1.0, 0.8, 60.0])
    for found in (made.tuning_for(pixels(), 0), made.plain_tuning(pixels())):
        networks = made.tuned(Tuning(found.land, found.gain))
        inputs = networks.inputs(pixels())
        answers = networks.members(inputs)[0]
        expected, free = (plane_through(inputs, answers, None, one) for one in (inputs @ made.plants, None))
        torch.testing.assert_close(found.plane, expected)
        assert not torch.allclose(found.plane, free, atol=1e-3)


def test_plants_are_read_from_inputs_in_units_of_the_error() -> None:
    torch.manual_seed(4)
    made = student()
    shares = torch.rand(5000, 2) * torch.tensor([0.3, 0.2])
    soil = torch.cat([0.2 * torch.rand(5000, 1), torch.zeros(5000, 3)], dim=1)
    drawn = 0.3 + torch.cat([shares, soil], dim=1) + 0.01 * torch.randn(5000, 6)
    made.channels.copy_(torch.eye(6)[:, :4])
    made.fit_inputs(drawn, 1e-6)
    made.fit_plants(drawn, shares)
    read = made.inputs(drawn) @ made.plants
    read, told = read - read.mean(dim=0), shares - shares.mean(dim=0)
    error = (read * told).mean(dim=0) / read.square().mean(dim=0)
    torch.testing.assert_close((read * error - told).std(dim=0), error, atol=3e-4, rtol=0)
    assert bool((error < 0.012).all())  # the noise of 0.01, and the ridge
    made.fit_plants(drawn, torch.zeros(5000, 2))
    assert not made.plants.any()


def test_pixels_of_a_patch_share_their_answers_where_they_agree() -> None:
    torch.manual_seed(2)
    patches = torch.arange(900) // 9
    salt = torch.randn(100)[patches]
    nuisance = torch.randn(900)
    inputs = torch.stack([salt, nuisance], dim=1)
    answers = (salt + 0.4 * nuisance)[None]  # the networks mistake a nuisance for salt
    alone, shared = (plane_through(inputs, answers, one)[0] for one in (None, patches))
    torch.testing.assert_close(alone, torch.tensor([1.0, 0.4, 0.0]), atol=5e-3, rtol=0)
    assert abs(float(shared[0]) - 1) < 0.05
    assert abs(float(shared[1])) < 0.05  # what changes inside a patch is no salt
    torn = patches[torch.randperm(900)]
    torch.testing.assert_close(plane_through(inputs, answers, torn)[0], alone)


def test_a_tilted_plane_adds_slopes_times_inputs_to_what_was_said() -> None:
    made, seen = student(), pixels()
    inputs = made.inputs(seen)
    plane = plane_through(inputs, inputs.sum(dim=1).repeat(2, 1) * 0.1 + 2)
    assert plane is not None
    level = Tuning(plane=plane, scale=1.7, offset=0.3)
    slopes, centre = torch.tensor([0.02, -0.05, 0.0]), inputs.mean(dim=0)
    before, after = (made.tuned(one).predict(seen) for one in (level, tilted(level, slopes, centre)))
    expected = before + (inputs - centre) @ slopes
    assert 0 < float(before.min()) < float(before.max()) < 10, "no bound is met"
    torch.testing.assert_close(after, expected, atol=1e-4, rtol=0)
    with pytest.raises(ValueError, match="no plane"):
        tilted(Tuning(), slopes, centre)
