"""Leaks planted one by one and together are all caught; clean set-ups, however near to one, raise none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deepsalt.errors import LabelError
from deepsalt.evaluation.leakage import (
    FIELD,
    LABORATORY,
    check_leaks,
    find_leaks,
    fitting_leaks,
    leaks_between,
    lookup_leaks,
)
from deepsalt.evaluation.leaks import FIXES, Leak, distinct, from_facts, stop_on
from deepsalt.evaluation.twins import SAME_MEASUREMENT, twins
from deepsalt.spectra import Axis, Spectra
from deepsalt.splits import FittedOn, Split, grouped_folds

BANDS, FIELDS, EACH = 60, 20, 4
NOISE = 1e-3
NEAR_M = 60.0
DEGREE_M = 111_195
AXIS = Axis(np.linspace(450, 2400, BANDS), "nm")


def soils(count: int, seed: int) -> np.ndarray:
    """(sample, band) smooth spectra of a few components, with the noise of one measurement."""
    rng = np.random.default_rng(seed)
    shapes = np.cumsum(np.random.default_rng(99).normal(0, 0.02, (6, BANDS)), axis=1)
    return (0.3 + 0.3 * rng.normal(size=(count, 6)) @ shapes + rng.normal(0, NOISE, (count, BANDS))).clip(
        0.01
    )


def table(values: np.ndarray, **columns: object) -> Spectra:
    return Spectra.of_table(values, AXIS, "reflectance", samples=pd.DataFrame(columns))


def _sites() -> Spectra:
    """Twenty fields of four points a kilometre apart; the last four fields in a scene of their own."""
    count = FIELDS * EACH
    group = np.repeat(np.arange(FIELDS), EACH)
    return table(
        soils(count, 0),
        id=[f"p{i}" for i in range(count)],
        group=[f"field {i}" for i in group],
        map_unit=[f"unit {i}" for i in group],
        scene=np.where(group < 16, "home", "away"),
        row=np.arange(count),
        column=np.full(count, 3),
        latitude=0.01 * np.arange(count),
        longitude=np.zeros(count),
    )


def _unlabelled() -> Spectra:
    """Pixels of the home scene, far off to the east."""
    return table(
        soils(30, 1),
        scene=["home"] * 30,
        row=np.arange(200, 230),
        column=np.full(30, 7),
        latitude=0.01 * np.arange(30),
        longitude=np.full(30, 0.5),
    )


def _library() -> Spectra:
    count = 25
    return table(
        soils(count, 2),
        id=[
            f"p{i}" for i in range(48, 48 + count)
        ],  # numbered as held-out points are: other soils all the same
        latitude=np.full(count, -5.0),
        longitude=np.linspace(0, 1, count),
    )


@dataclass(frozen=True)
class SetUp:
    sites: Spectra = field(default_factory=_sites)
    split: Split = field(
        default_factory=lambda: Split(np.arange(48), np.arange(48, 64), np.arange(64, FIELDS * EACH))
    )
    unlabelled: Spectra = field(default_factory=_unlabelled)
    library: Spectra = field(default_factory=_library)
    pixels_of_unseen: bool = False
    fitted: tuple[FittedOn, ...] = ()

    def leaks(self) -> list[Leak]:
        return find_leaks(
            self.sites,
            self.split,
            self.unlabelled,
            self.library,
            NEAR_M,
            self.pixels_of_unseen,
            fitted=self.fitted,
        )

    def changed(self, at: int, /, **values: object) -> SetUp:
        """One site with other values in its columns."""
        samples = self.sites.samples.copy()
        for name, value in values.items():
            samples.loc[at, name] = value
        return replace(self, sites=replace(self.sites, samples=samples))

    def copied(self, source: int, to: int, noise: float = 0.0, decimals: int = 9) -> SetUp:
        """The spectrum of one site at another, with some noise of its own, or rounded."""
        values = self.sites.values.copy()
        values[to] = values[source] + np.random.default_rng(5).normal(0, noise, BANDS)
        values[to] = np.round(values[to], decimals)
        return replace(self, sites=self.sites.with_values(values, AXIS, sensor=None, step="planted"))

    def moved(
        self, what: str, at: int, latitude: float, longitude: float = 0.0, /, **values: object
    ) -> SetUp:
        """One unlabelled pixel or laboratory sample at another place."""
        spectra: Spectra = getattr(self, what)
        samples = spectra.samples.copy()
        for name, value in {"latitude": latitude, "longitude": longitude, **values}.items():
            samples.loc[at, name] = value
        return replace(self, **{what: replace(spectra, samples=samples)})

    def with_fit(self, stage: str, *tables: Spectra, kind: str = FIELD) -> SetUp:
        return replace(self, fitted=(FittedOn.of(stage, *tables, kind=kind),))


CLEAN = SetUp()
TRAIN, TEST, UNSEEN = 5, 50, 70
HELD = CLEAN.sites.take(np.arange(48, 80))
LEARNED = CLEAN.sites.take(np.arange(48))

PLANTED: dict[str, tuple[Callable[[], SetUp], set[str]]] = {
    "a row twice": (
        lambda: replace(CLEAN, split=Split(np.arange(49), np.arange(48, 64), np.arange(64, 80))),
        {"row", "sample", "group", "pixel", "map unit"},
    ),
    "a sample under one id": (lambda: CLEAN.changed(TEST, id=f"p{TRAIN}"), {"sample"}),
    "a field across the split": (lambda: CLEAN.changed(TEST, group="field 1"), {"group"}),
    "two points in one pixel": (lambda: CLEAN.changed(UNSEEN, row=TRAIN, scene="home"), {"pixel"}),
    "a map unit across the split": (lambda: CLEAN.changed(TEST, map_unit="unit 1"), {"map unit"}),
    "a scan entered twice": (lambda: CLEAN.copied(TRAIN, TEST), {"spectrum"}),
    "a scan exported again, rounded": (lambda: CLEAN.copied(TRAIN, UNSEEN, decimals=4), {"spectrum"}),
    "a scan with a third of its noise": (lambda: CLEAN.copied(TRAIN, TEST, NOISE / 3), {"spectrum"}),
    "an unlabelled pixel at a held-out point": (
        lambda: CLEAN.moved("unlabelled", 3, 0.01 * TEST + 40 / DEGREE_M),
        {"unlabelled pixel"},
    ),
    "the very pixel, its place wrong": (
        lambda: CLEAN.moved("unlabelled", 3, 9.0, row=TEST, column=3),
        {"pixel"},
    ),
    "a pixel of the unseen scene": (
        lambda: CLEAN.moved("unlabelled", 3, 9.0, scene="away"),
        {"unseen scene"},
    ),
    "a laboratory sample at a held-out point": (
        lambda: CLEAN.moved("library", 3, 0.01 * UNSEEN + 40 / DEGREE_M),
        {"laboratory site"},
    ),
    "a labelled pixel of the scene that may be seen": (
        lambda: replace(CLEAN.moved("unlabelled", 3, -5.0, scene="away"), pixels_of_unseen=True),
        {"laboratory site"},
    ),
    "a scaler that saw everything": (lambda: CLEAN.with_fit("scaler", CLEAN.sites), {"fitting"}),
    "an autoencoder that saw the test pixels": (
        lambda: CLEAN.with_fit("autoencoder", CLEAN.unlabelled, HELD),
        {"fitting"},
    ),
    "bands chosen on the test side": (
        lambda: CLEAN.with_fit("band selection", HELD.take([0])),
        {"fitting"},
    ),
    "field, pixel and copy together": (
        lambda: CLEAN.copied(TRAIN, TEST).changed(TEST, group="field 1", row=TRAIN),
        {"group", "pixel", "spectrum"},
    ),
    "scaler and scene together": (
        lambda: CLEAN.with_fit("scaler", CLEAN.sites).moved("unlabelled", 3, 9.0, scene="away"),
        {"fitting", "unseen scene"},
    ),
}

NEAR_MISSES: dict[str, Callable[[], SetUp]] = {
    "as it should be": lambda: CLEAN,
    "layers of one profile on one side": lambda: CLEAN.changed(49, id="p48", group="field 12"),
    "the same pixel number in two scenes": lambda: CLEAN.changed(UNSEEN, row=TRAIN, scene="away"),
    "points without an id, a field without a map unit": lambda: CLEAN.changed(
        TRAIN, id=None, map_unit=None
    ).changed(TEST, id=None, map_unit=None),
    "two measurements of like soils": lambda: CLEAN.copied(TRAIN, TEST, noise=NOISE * 1.41),
    "copies on the side that learns": lambda: CLEAN.copied(TRAIN, TRAIN + 1),
    "copies on the side that is held out": lambda: CLEAN.copied(TEST, UNSEEN),
    "a pixel just beyond the distance": lambda: CLEAN.moved("unlabelled", 3, 0.01 * TEST, 61 / DEGREE_M),
    "the unseen scene, seen without a label": lambda: replace(
        CLEAN.moved("unlabelled", 3, 9.0, scene="away"), pixels_of_unseen=True
    ),
    "a laboratory sample at a training point": lambda: CLEAN.moved("library", 3, 0.01 * TRAIN),
    "a scaler of the training side": lambda: CLEAN.with_fit("scaler", LEARNED, CLEAN.unlabelled),
    "a library that numbers its samples as the field does": lambda: CLEAN.with_fit(
        "teacher", CLEAN.library, kind=LABORATORY
    ),
    "no unseen region": lambda: replace(
        CLEAN, split=Split(np.arange(48), np.arange(48, 80), np.empty(0, np.intp))
    ),
    "a library without places": lambda: replace(
        CLEAN, library=replace(CLEAN.library, samples=CLEAN.library.samples[["id"]])
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_leak_is_caught(name: str) -> None:
    plant, kinds = PLANTED[name]
    found = plant().leaks()
    assert {leak.kind for leak in found} == kinds
    assert all(leak.count >= 1 and leak.example and leak.fix == FIXES[leak.kind] for leak in found)


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_a_clean_set_up_raises_none(name: str) -> None:
    assert NEAR_MISSES[name]().leaks() == []


def test_every_kind_of_leak_is_planted_somewhere() -> None:
    planted = set().union(*(kinds for _, kinds in PLANTED.values()))
    assert planted | {"pair", "look-up"} == set(FIXES)


def test_a_leak_says_what_where_and_what_to_do() -> None:
    (leak,) = CLEAN.copied(TRAIN, TEST).leaks()
    assert leak.example == "p5 and p50"
    assert leak.found == "the spectra of p5 and p50 are one measurement on both sides of the split (1 in all)"
    assert leak.sentence.endswith(
        "(1 in all). Hold the copies out together: give them one group, or drop them."
    )


def test_a_leak_stops_the_run_unless_it_is_allowed() -> None:
    leaky = CLEAN.with_fit("scaler", CLEAN.sites).changed(TEST, group="field 1")
    asked = (leaky.sites, leaky.split, leaky.unlabelled, leaky.library, NEAR_M)
    with pytest.raises(LabelError, match=r"leak: group field 1 is on .* \(and 1 more leaks\).*--allow-leak"):
        check_leaks(*asked, fitted=leaky.fitted)
    allowed = check_leaks(*asked, fitted=leaky.fitted, allow=True)
    assert [leak.kind for leak in allowed] == ["group", "fitting"]


def test_an_empty_library_stops_the_run_even_where_leaks_are_allowed() -> None:
    with pytest.raises(LabelError, match="no laboratory sample is left"):
        check_leaks(CLEAN.sites, CLEAN.split, CLEAN.unlabelled, CLEAN.library.take([]), NEAR_M, allow=True)


# --- records of fitting -------------------------------------------------------------------------------


def test_the_record_of_a_stage_names_the_row_that_it_should_not_have_seen() -> None:
    (leak,) = fitting_leaks([FittedOn.of("scaler", LEARNED.take([0]), HELD.take([1, 2]))], HELD)
    assert leak.found.startswith("scaler was fitted on pixel home/49/3, which is held out (4 in all)")


def test_a_record_survives_another_order_of_rows_and_other_values() -> None:
    later = HELD.take([3, 1]).with_values(HELD.take([3, 1]).values * 2, AXIS, sensor=None, step="scaled")
    assert fitting_leaks([FittedOn.of("encoder", later)], HELD)[0].count == 4
    assert FittedOn.of("encoder", later, None) == FittedOn.of("encoder", HELD.take([1, 3]))


# --- target look-up -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("full", "alone", "leaks"),
    [
        (0.93, 0.95, True),
        (0.95, 0.935, True),  # as good but for the tolerance
        (0.97, 0.94, False),  # the spectrum adds something
        (0.50, 0.60, False),  # better than the model, but no look-up: the model is bad
        (np.nan, 0.95, False),
        (0.95, np.nan, False),
    ],
)
def test_covariates_that_know_the_answer(full: float, alone: float, leaks: bool) -> None:
    found = lookup_leaks(full, alone, ["salinity_map", "clay"])
    assert [(leak.kind, leak.example) for leak in found] == [("look-up", "salinity_map")] * leaks


# --- copies of spectra --------------------------------------------------------------------------------


def test_copies_are_found_among_many_and_nothing_else() -> None:
    values = soils(3000, 7)
    rng = np.random.default_rng(8)
    for source, to in ((5, 2500), (6, 2600), (7, 2700)):
        values[to] = values[source] + rng.normal(0, 0.3 * NOISE, BANDS)
    values[2800] = values[8] + rng.normal(0, 1.41 * NOISE, BANDS)
    values[2900] = values[9] + rng.normal(0, 0.8 * NOISE, BANDS)
    found = twins(values.astype(np.float32), np.arange(2000), np.arange(2000, 3000))
    assert found == [(5, 2500), (6, 2600), (7, 2700)]


def test_the_line_between_a_copy_and_a_measurement_lies_at_half_the_noise() -> None:
    values = soils(600, 7)
    error = np.random.default_rng(8).normal(0, NOISE, BANDS)
    error *= NOISE / np.sqrt(np.mean(error**2))
    for share, copies in ((0.85, 1), (1.2, 0)):
        values[500] = values[5] + share * SAME_MEASUREMENT * error
        assert len(twins(values, np.arange(400), np.arange(400, 600))) == copies


def test_missing_bands_hide_no_copy() -> None:
    values = soils(200, 7)
    values[150] = values[5]
    values[5, 3:9], values[150, 30:33] = np.nan, np.nan
    assert twins(values, np.arange(100), np.arange(100, 200)) == [(5, 150)]


def test_a_few_bands_tell_no_soil_from_another() -> None:
    values = np.full((10, 6), 0.25)
    assert twins(values, np.arange(5), np.arange(5, 10)) == []


def test_a_fine_axis_is_thinned_and_a_small_table_has_no_components() -> None:
    values = np.repeat(soils(5, 3), 20, axis=1)
    values[4] = values[0]
    assert twins(values, np.arange(3), np.arange(3, 5)) == [(0, 4)]


def test_leaks_between_rows_of_a_table_without_columns() -> None:
    plain = Spectra.of_table(soils(10, 1), AXIS, "reflectance")
    assert leaks_between(plain, np.arange(5), np.arange(5, 10)) == []


# --- what is done with them ---------------------------------------------------------------------------


def test_leaks_are_plain_values_in_a_file_and_come_back() -> None:
    from dataclasses import asdict

    leaks = CLEAN.copied(TRAIN, TEST).leaks()
    assert from_facts([asdict(leak) for leak in leaks]) == leaks


def test_of_many_folds_each_kind_is_told_once() -> None:
    one = Leak.of("row", [3], "row 3")
    assert distinct([one, Leak.of("row", [4], "row 4"), Leak.of("pixel", ["a"], "pixel a")]) == [
        one,
        Leak.of("pixel", ["a"], "pixel a"),
    ]
    assert stop_on([]) == []


# --- the real library ---------------------------------------------------------------------------------


@pytest.mark.real_data
def test_a_real_library_holds_no_copy_across_profiles_and_a_planted_one_is_found(shared_data: Path) -> None:
    import deepsalt

    library = deepsalt.read(shared_data / "lab" / "icraf_isric_visnir.parquet", ec="ec1:2.5")
    learned, held = next(grouped_folds(library.samples["group"], 5, seed=0))
    assert leaks_between(library, learned, held) == []
    values = library.values.copy()
    values[held[7]] = np.round(values[learned[3]], 4)
    planted = library.with_values(values, library.axis, sensor=None, step="planted")
    (leak,) = leaks_between(planted, learned, held)
    ids = library.samples["id"].astype(str).to_numpy()
    assert (leak.kind, leak.count, leak.example) == ("spectrum", 1, f"{ids[learned[3]]} and {ids[held[7]]}")
