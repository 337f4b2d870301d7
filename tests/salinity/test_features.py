"""The table of known features: in order, named once, each with a source, and no band of salt."""

from __future__ import annotations

import numpy as np

from deepsalt.salinity.features import HALITE, MID_INFRARED, SOLAR, features_on


def test_features_are_in_order_named_once_and_have_a_source() -> None:
    for table, low, high in ((SOLAR, 400, 2500), (MID_INFRARED, 600, 4000)):
        middles = [one.low + one.high for one in table]
        assert middles == sorted(middles)
        assert all(low <= one.low < one.high <= high for one in table)
    names = [one.name for one in (*SOLAR, *MID_INFRARED)]
    assert len(set(names)) == len(names)
    assert all(one.source and one.what for one in (*SOLAR, *MID_INFRARED))
    assert {one.unit for one in SOLAR} == {"nm"}
    assert {one.unit for one in MID_INFRARED} == {"cm-1"}


def test_no_feature_is_said_to_be_that_of_rock_salt() -> None:
    assert not any("halite" in f"{one.name} {one.material}".lower() for one in (*SOLAR, *MID_INFRARED))
    assert "no band of its own" in HALITE


def test_known_positions_lie_in_their_windows() -> None:
    named = {one.name: one for one in (*SOLAR, *MID_INFRARED)}
    for name, at in {
        "gypsum 1446-1538": (1446, 1490, 1538), "gypsum 1750": (1750,), "clay 2200": (2206, 2217),
        "water 1900-1950": (1900, 1940, 1950), "carbonate 2330": (2312, 2335), "cellulose 2100": (2100,),
        "water 970": (970,), "carbonate 876": (876,), "gypsum 1620": (1623, 1630),
    }.items():  # fmt: skip
        assert named[name].holds(at).all(), name
        assert not named[name].holds([at[0] - 300, at[-1] + 300]).any()


def test_only_features_with_a_band_are_given() -> None:
    enmap_like = np.r_[np.arange(420.0, 1390, 8), np.arange(1461.0, 1729, 11), np.arange(1968.0, 2446, 9)]
    names = {one.name for one in features_on(enmap_like, "nm")}
    assert "gypsum 1750" not in names  # no band there
    assert "water 1900-1950" not in names
    assert {"gypsum 1446-1538", "clay 2200"} <= names
    assert names <= {one.name for one in SOLAR}  # 716 nm is not 716 cm-1
