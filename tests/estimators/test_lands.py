"""Which samples lie under which scene, from places alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deepsalt.estimators.lands import Land, land_of, survey
from deepsalt.spectra import Axis, Spectra

AXIS = Axis(np.array([500.0, 600.0]), "nm")


def table(latitude: np.ndarray, **columns: object) -> Spectra:
    samples = pd.DataFrame({"latitude": latitude, "longitude": 10.0 + latitude / 7, **columns})
    return Spectra.of_table(np.full((len(samples), 2), 0.3), AXIS, "reflectance", samples=samples)


def scene(name: str, south: float, n: int = 60) -> Spectra:
    return table(np.linspace(south, south + 1, n), scene=name)


LIBRARY = table(np.concatenate([np.linspace(0.1, 0.9, 30), np.linspace(5.1, 5.9, 25), [40.0]]))
KNOWN = np.ones(len(LIBRARY), bool)


def test_each_scene_finds_the_samples_that_lie_under_it() -> None:
    both = [scene("a", 0.0), scene("b", 5.0), scene("far", 20.0)]
    loose = table(
        np.concatenate([one.samples["latitude"] for one in both]),
        scene=np.concatenate([one.samples["scene"] for one in both]),
    )
    found = survey(LIBRARY.samples, KNOWN, KNOWN, None, loose)
    assert found.scenes == ("a", "b", "far")
    assert list(found.ground.scene_land) == [0, 1, -1]
    assert [int(rows.sum()) for rows in found.ground.samples] == [30, 25]
    assert [land.samples for land in found.lands] == [30, 25]
    assert [land.points for land in found.lands] == [0, 0]
    assert land_of(found.lands, scene("b again", 5.0)) == 1
    assert land_of(found.lands, scene("half", 5.5)) is None


def test_a_land_counts_its_ground_points() -> None:
    found = survey(LIBRARY.samples, KNOWN, KNOWN, scene("a", 0.0, 5), scene("a", 0.0))
    assert found.lands[0].points == 5
    assert list(found.ground.sat_land) == [0] * 5


def test_a_land_needs_samples_that_can_be_drawn() -> None:
    loose = scene("a", 0.0)
    drawable = np.arange(len(LIBRARY)) < 10
    assert [land.samples for land in survey(LIBRARY.samples, KNOWN, drawable, None, loose).lands] == [30]
    drawable[0] = False
    assert survey(LIBRARY.samples, KNOWN, drawable, None, loose).lands == ()


def test_two_dates_of_one_land_share_it() -> None:
    loose = table(np.tile(np.linspace(0, 1, 60), 2), scene=np.repeat(["june", "july"], 60).astype(str))
    found = survey(LIBRARY.samples, KNOWN, KNOWN, None, loose)
    assert len(found.lands) == 1
    assert list(found.ground.scene_land) == [0, 0]


@pytest.mark.parametrize(
    ("loose", "known"),
    [
        (scene("a", 0.0, 40), KNOWN),  # too few pixels
        (scene("a", 0.0), np.arange(len(LIBRARY)) < 19),  # too few samples with EC
        (table(np.linspace(0, 1, 60)), KNOWN),  # pixels of no scene
    ],
)
def test_too_little_is_no_land(loose: Spectra, known: np.ndarray) -> None:
    found = survey(LIBRARY.samples, known, KNOWN, None, loose)
    assert found.lands == ()
    assert (found.ground.scene_land == -1).all()


def test_a_scene_shows_the_samples_of_the_surface() -> None:
    """All of them where those that begin there are too few; one of unknown depth counts as if it did."""
    depth = np.where(np.arange(len(LIBRARY)) % 5 == 0, 5.0, 0.0)
    depth[1] = np.nan
    depth[30:36] = 20.0  # of the second land's 25 samples 19 are left
    deep = table(LIBRARY.samples["latitude"].to_numpy(), depth_top_cm=depth)
    both = table(
        np.r_[np.linspace(0, 1, 60), np.linspace(5, 6, 60)], scene=np.repeat(["a", "b"], 60).astype(str)
    )
    ground = survey(deep.samples, KNOWN, KNOWN, None, both).ground
    assert [int(rows.sum()) for rows in ground.samples] == [30, 25]
    assert np.array_equal(ground.seen[0], ground.samples[0] & ~(depth > 0))
    assert int(ground.seen[0].sum()) == 24
    assert np.array_equal(ground.seen[1], ground.samples[1])
    plain = survey(LIBRARY.samples, KNOWN, KNOWN, None, both).ground
    assert np.array_equal(plain.seen, plain.samples)


def test_a_library_without_places_knows_no_land() -> None:
    plain = Spectra.of_table(np.full((30, 2), 0.3), AXIS, "reflectance")
    assert survey(plain.samples, np.ones(30, bool), np.ones(30, bool), None, scene("a", 0.0)).lands == ()


def test_a_card_gives_the_land_back() -> None:
    land = Land(0.0, 1.0, 10.0, 11.0, 30, points=7)
    assert Land.from_plain(land.as_plain()) == land
    with pytest.raises(KeyError):
        Land.from_plain({"south": 1.0})
