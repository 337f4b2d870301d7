"""The draws: what each nuisance must do to a spectrum, whatever its strength."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepsalt.augment import BridgeSettings, PhysicsBridge, curves
from deepsalt.errors import ConfigError
from deepsalt.preprocessing.resample import resampling_matrix
from deepsalt.spectra import Axis, Sensor

LAB = Axis(np.arange(350.0, 2501.0, 10.0), "nm", np.full(216, 10.0))
SENSOR = Sensor.load("enmap")
BANDS = SENSOR.axis.take(np.asarray(SENSOR.good))
#: Nothing is drawn: the bridge is the sensor's response alone.
NOTHING = {
    "wet_power": 1e9, "crust_most": 0.0, "gypsum_share": 0.0, "green_most": 0.0, "dry_most": 0.0,
    "gain_sd": 0.0, "smooth_gain_sd": 0.0, "band_gain_sd": 0.0, "veil_sd": 0.0, "vapour_sd": 0.0,
    "noise_factor": 0.0,
}  # fmt: skip


def bridge(**changes: float) -> PhysicsBridge:
    response, covered = resampling_matrix(LAB, BANDS)
    assert covered.all()
    chosen = BridgeSettings(**{**NOTHING, **changes})  # type: ignore[arg-type]
    return PhysicsBridge.of(LAB.values, BANDS.values, response, None, chosen)


def drawn(soil: torch.Tensor, log_ece: float = 0.0, seed: int = 0, **changes: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return bridge(**changes).draw(soil, torch.full((len(soil),), log_ece), generator).pixels


def flat(level: float, n: int = 64) -> torch.Tensor:
    return torch.full((n, len(LAB)), level)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.02, 0.95))
def test_without_nuisance_a_flat_soil_stays_flat(level: float) -> None:
    torch.testing.assert_close(drawn(flat(level)), torch.full((64, len(BANDS)), level), atol=1e-5, rtol=0)


def test_water_darkens_and_deepens_its_own_bands() -> None:
    soil = flat(0.4)
    wet = drawn(soil, wet_power=1.0)
    assert (wet <= 0.4 + 1e-6).all()
    near = {nm: int(np.abs(BANDS.values - nm).argmin()) for nm in (650, 1650, 2000, 2210)}
    mean = wet.mean(dim=0)
    assert mean[near[2000]] < mean[near[2210]] < mean[near[1650]] < mean[near[650]]


def test_crust_brightens_the_salty_and_leaves_the_fresh() -> None:
    soil = flat(0.2, 512)
    fresh, salty = (drawn(soil, np.log1p(ece), crust_most=0.9)[:, :60].mean() for ece in (0.5, 60.0))
    assert abs(float(fresh) - 0.2) < 0.005
    assert float(salty) > 0.3


def test_gypsum_shows_at_its_bands_whatever_the_label() -> None:
    soil = flat(0.5, 256)
    for log_ece in (0.0, 3.0):
        seen = drawn(soil, log_ece, gypsum_share=1.0).mean(dim=0)
        at = {nm: float(seen[int(np.abs(BANDS.values - nm).argmin())]) for nm in (850, 1735, 2217)}
        assert at[850] == pytest.approx(0.5, abs=0.01)
        assert at[1735] < 0.49
        assert at[2217] < 0.49


@pytest.mark.parametrize(("which", "most"), [(0, "green_most"), (1, "dry_most")])
def test_plants_hide_the_soil_by_the_share_that_is_told(which: int, most: str) -> None:
    """Over a white soil a pixel darkens at 670 nm by what either plant lacks there."""
    made = bridge(**{most: 0.4})
    generator = torch.Generator().manual_seed(0)
    pixels, plants = made.draw(flat(1.0, 2000), torch.zeros(2000), generator)
    assert not plants[:, 1 - which].any()
    assert 0.35 < float(plants[:, which].max()) <= 0.4
    red = pixels[:, int(np.abs(BANDS.values - 670).argmin())]
    assert float(torch.corrcoef(torch.stack([1 - red, plants[:, which]]))[0, 1]) > 0.95
    assert bool(((1 - red)[plants[:, which] < 1e-4] < 1e-3).all())


def test_the_same_generator_gives_the_same_pixels_and_another_gives_others() -> None:
    soil = torch.rand(8, len(LAB)) * 0.5 + 0.1
    full = {entry.name: getattr(BridgeSettings(), entry.name) for entry in fields(BridgeSettings)}
    first, again, other = (drawn(soil, 1.0, seed, **full) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"film_cm": (0.2, 0.1)}, "film_cm"),
        ({"gain_sd": -1.0}, "gain_sd"),
        ({"green_most": 0.9}, "bare ground"),
    ],
)
def test_ranges_that_cannot_be_are_refused(change: dict, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        BridgeSettings(**change)


def test_water_absorbs_as_published() -> None:
    """Hale & Querry (1973): the figures of their table that others quote."""
    known = {700: 0.006, 1200: 1.04, 1400: 12.4, 1600: 6.72, 1800: 8.03, 2000: 69.1, 2200: 16.5}
    np.testing.assert_allclose(curves.line(curves.WATER, list(known)), list(known.values()))


def test_within_a_scene_only_its_own_sky_is_narrower() -> None:
    wide, narrow = BridgeSettings(left_in_scene=0.5), BridgeSettings(left_in_scene=0.5).within_scene()
    changed = {one.name for one in fields(wide) if getattr(wide, one.name) != getattr(narrow, one.name)}
    assert changed == {"smooth_gain_sd", "band_gain_sd", "veil_sd", "vapour_sd"}
    assert narrow.veil_sd == pytest.approx(wide.veil_sd / 2)
