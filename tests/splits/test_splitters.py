"""Splitters: every row tested once, no group on two sides, belts kept, the order of rows no matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

from deepsalt.errors import LabelError, UsageError
from deepsalt.pairing import great_circle_m
from deepsalt.splits import (
    GroupedFolds,
    KNNDMFolds,
    LeaveRegionOut,
    SpatialBlocks,
    Splitter,
    nested_folds,
)

KM = 1000.0
FOLDS = 3


class Table:
    """Rows in groups of like place: some hundred metres across, spread over a few degrees."""

    def __init__(self, seed: int, groups: int = 15) -> None:
        rng = np.random.default_rng(seed)
        sizes = rng.integers(1, 6, groups)
        self.group = np.repeat(np.arange(groups), sizes)
        centres = rng.uniform(-3, 3, (groups, 2))
        self.latitude, self.longitude = (
            np.repeat(centres, sizes, axis=0) + rng.normal(0, 1e-3, (sizes.sum(), 2))
        ).T
        self.region = np.where(centres[:, 0] < 0, "south", "north")[self.group]
        self.region[self.group == 0], self.region[self.group == 1] = "north", "south"
        self.x = rng.normal(size=(len(self), 2))

    def __len__(self) -> int:
        return len(self.group)

    def reordered(self, order: np.ndarray) -> Table:
        other = object.__new__(Table)
        for name, column in vars(self).items():
            setattr(other, name, column[order])
        return other


def area(seed: int = 0, wide: float = 3.0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-wide, wide, (60, 2)).T


MAKERS: dict[str, Callable[[Table, int], Splitter]] = {
    "grouped": lambda table, seed: GroupedFolds(FOLDS, seed),
    "blocks": lambda table, seed: SpatialBlocks(
        table.latitude, table.longitude, 60 * KM, 5 * KM, FOLDS, seed
    ),
    "knndm": lambda table, seed: KNNDMFolds(table.latitude, table.longitude, *area(), FOLDS, seed),
    "region": lambda table, seed: LeaveRegionOut(table.region),
}
EACH = pytest.mark.parametrize("name", MAKERS)


def folds(name: str, table: Table, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return MAKERS[name](table, seed).split(table.x, groups=table.group)


@EACH
@given(st.integers(0, 10_000), st.integers(0, 3))
def test_every_row_is_tested_once_and_no_group_stands_on_two_sides(name: str, world: int, seed: int) -> None:
    table = Table(world)
    tested = []
    for train, test in folds(name, table, seed):
        assert len(train) > 0
        assert not set(table.group[train]) & set(table.group[test])
        assert not set(train) & set(test)
        tested += list(test)
    assert sorted(tested) == list(range(len(table)))


@EACH
@given(st.integers(0, 10_000), st.integers(0, 3))
def test_the_order_of_rows_does_not_change_who_is_tested_with_whom(name: str, world: int, seed: int) -> None:
    table = Table(world)
    order = np.random.default_rng(seed).permutation(len(table))
    plain = {frozenset(test) for _, test in folds(name, table, seed)}
    shuffled = {frozenset(order[test]) for _, test in folds(name, table.reordered(order), seed)}
    assert shuffled == plain


@EACH
def test_the_seed_decides_and_the_same_seed_gives_the_same_folds(name: str) -> None:
    table = Table(1, groups=40)
    found = [[test.tolist() for _, test in folds(name, table, seed)] for seed in (4, 4, 5)]
    assert found[0] == found[1]
    assert (found[0] == found[2]) == (name == "region")


@EACH
def test_scikit_learn_takes_it(name: str) -> None:
    table, y = Table(3), np.arange(len(Table(3)), dtype=float)
    splitter = MAKERS[name](table, 0)
    scores = cross_val_score(Ridge(), table.x, y, groups=table.group, cv=splitter)
    assert len(scores) == splitter.get_n_splits(table.x, y, table.group)
    assert np.isfinite(scores).all()


@EACH
def test_it_names_its_question(name: str) -> None:
    asked = MAKERS[name](Table(0), 0).question
    assert asked.startswith("How well")
    assert asked.endswith("?")


@EACH
def test_folds_inside_folds_never_show_a_test_row_to_the_tuning(name: str) -> None:
    table = Table(7, groups=30)
    table.region = np.array(["a", "b", "c"])[table.group % 3]
    found = list(nested_folds(MAKERS[name](table, 0), table.x, table.group))
    assert len(found) == FOLDS
    for nest in found:
        validated = []
        for fit, validate in nest.inner:
            seen = set(nest.train[np.concatenate([fit, validate])])
            assert seen <= set(nest.train)
            assert not seen & set(nest.test)
            assert not set(table.group[nest.train[fit]]) & set(table.group[nest.train[validate]])
            validated += list(nest.train[validate])
        assert sorted(validated) == sorted(nest.train)


def test_a_grid_search_takes_the_inner_folds() -> None:
    table = Table(7)
    nest = next(nested_folds(MAKERS["grouped"](table, 0), table.x, table.group))
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 10.0]}, cv=list(nest.inner))
    search.fit(table.x[nest.train], table.latitude[nest.train])
    assert search.best_params_["alpha"] in (0.1, 10.0)


def test_the_tuning_may_ask_another_question() -> None:
    table = Table(7)
    inner = MAKERS["grouped"](table, 0)
    nest = next(nested_folds(MAKERS["region"](table, 0), table.x, table.group, inner))
    assert len(nest.inner) == FOLDS


# --- spatial blocks -----------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.floats(1.0, 80.0))
def test_the_belt_is_kept_exactly(world: int, buffer_km: float) -> None:
    table = Table(world)
    buffer_m = buffer_km * KM
    splitter = SpatialBlocks(table.latitude, table.longitude, 100 * KM, buffer_m, FOLDS)
    blocks = splitter.blocks
    try:
        found = list(splitter.split(table.x))
    except LabelError as error:
        assert "no row to learn from" in str(error)  # noqa: PT017
        return
    for train, test in found:
        apart = great_circle_m(
            table.latitude[:, None], table.longitude[:, None], table.latitude[test], table.longitude[test]
        ).min(axis=1)
        expected = (apart > buffer_m) & ~np.isin(blocks, blocks[test])
        assert train.tolist() == np.flatnonzero(expected).tolist()


def test_a_block_is_as_large_as_it_says_everywhere() -> None:
    """Degrees of longitude shrink towards the poles: blocks must not."""
    step = 10 * KM / 111_195
    for latitude in (0.0, 45.0, 75.0):
        along = np.arange(0, 200 * step, step) / np.cos(np.radians(latitude))
        blocks = SpatialBlocks(np.full(len(along), latitude), along, 100 * KM).blocks
        sizes = [int((blocks == name).sum()) for name in dict.fromkeys(blocks)][1:-1]
        assert all(9 <= size <= 11 for size in sizes), (latitude, sizes)


def test_a_place_is_in_its_block_whatever_else_is_sampled() -> None:
    table = Table(2)
    whole = SpatialBlocks(table.latitude, table.longitude, 50 * KM)
    rows = np.arange(0, len(table), 2)
    assert whole.take(rows).blocks.tolist() == whole.blocks[rows].tolist()


def test_the_meridian_of_the_date_line_is_one_place() -> None:
    blocks = SpatialBlocks([1.0, 1.0], [180.0, -180.0], 10 * KM).blocks
    assert blocks[0] == blocks[1]


def test_a_belt_that_leaves_nothing_is_said() -> None:
    table = Table(1)
    splitter = SpatialBlocks(table.latitude, table.longitude, 50 * KM, 20_000 * KM, FOLDS)
    with pytest.raises(LabelError, match=r"no row to learn from: all lie within 2e\+07 m.*smaller buffer"):
        list(splitter.split(table.x))


def test_a_field_over_the_edge_of_a_block_teaches_neither_side() -> None:
    edge = 50 * KM / 111_195
    latitude = np.array([0.1, edge - 1e-4, edge + 1e-4, 2 * edge - 0.1])
    splitter = SpatialBlocks(latitude, np.full(4, 0.1), 50 * KM, folds=2)
    found = {
        tuple(test): train.tolist() for train, test in splitter.split(range(4), groups=["a", "b", "b", "c"])
    }
    assert found == {(0, 1): [3], (2, 3): [0]}


# --- matched folds ------------------------------------------------------------------------------------


def clustered(spread: float = 1e-3) -> tuple[np.ndarray, np.ndarray]:
    """Twenty villages with ten samples each."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(-3, 3, (20, 2))
    return tuple((np.repeat(centres, 10, axis=0) + rng.normal(0, spread, (200, 2))).T)  # type: ignore[return-value]


def test_samples_in_villages_are_tested_village_by_village_where_the_land_between_is_mapped() -> None:
    latitude, longitude = clustered()
    found = KNNDMFolds(latitude, longitude, *area(1)).match()
    villages = [len(set(found.fold[i : i + 10])) for i in range(0, 200, 10)]
    assert np.mean(villages) < 1.5
    assert found.w_m < 0.5 * found.random_w_m
    assert found.random_w_m > 30 * KM


def test_villages_on_the_date_line_are_one_village() -> None:
    latitude, longitude = clustered()
    across = (longitude + 180 + 180) % 360 - 180
    land = area(1)
    plain = KNNDMFolds(latitude, longitude, *land).match()
    found = KNNDMFolds(latitude, across, land[0], land[1] + 180).match()
    assert found.w_m == pytest.approx(plain.w_m, rel=0.05)


def test_random_folds_stay_where_the_villages_themselves_are_mapped() -> None:
    latitude, longitude = clustered()
    rng = np.random.default_rng(1)
    found = KNNDMFolds(latitude, longitude, *(clustered() + rng.normal(0, 1e-4, (2, 200)))).match()
    villages = [len(set(found.fold[i : i + 10])) for i in range(0, 200, 10)]
    assert np.mean(villages) > 2
    assert found.w_m <= found.random_w_m


def test_w_is_the_distance_between_the_two_distributions() -> None:
    from scipy.stats import wasserstein_distance

    table = Table(4)
    land = area(2)
    found = KNNDMFolds(table.latitude, table.longitude, *land, FOLDS).match()
    apart = great_circle_m(table.latitude[:, None], table.longitude[:, None], table.latitude, table.longitude)
    apart[found.fold[:, None] == found.fold] = np.inf
    to_land = great_circle_m(land[0][:, None], land[1][:, None], table.latitude, table.longitude)
    expected = wasserstein_distance(apart.min(axis=1), to_land.min(axis=1))
    assert found.w_m == pytest.approx(expected, rel=1e-9)


def test_no_fold_holds_more_than_half() -> None:
    for seed in range(5):
        table = Table(seed)
        found = KNNDMFolds(table.latitude, table.longitude, *area(3, wide=30), 4).match(table.group)
        assert np.bincount(found.fold).max() <= len(table) / 2


def test_many_places_are_clustered_without_a_tree_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepsalt.splits.matched.MOST_IN_TREE", 10)
    latitude, longitude = clustered()
    found = KNNDMFolds(latitude, longitude, *area(1)).match()
    assert found.w_m < 0.5 * found.random_w_m


def test_one_group_of_nearly_all_rows_cannot_be_matched() -> None:
    table = Table(4)
    groups = np.r_[np.zeros(len(table) - 2), 1, 2]
    with pytest.raises(LabelError, match="one group is too large"):
        KNNDMFolds(table.latitude, table.longitude, *area(), FOLDS).match(groups)


# --- wrong calls --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: SpatialBlocks([1.0, np.nan], [1.0, 1.0], 100.0), LabelError, "first: row 2"),
        (lambda: SpatialBlocks([1.0, 91.0], [1.0, 1.0], 100.0), LabelError, "latitude 91"),
        (lambda: SpatialBlocks([1.0], [1.0], 0.0), UsageError, "blocks of 0 m"),
        (lambda: SpatialBlocks([1.0], [1.0], 10.0, -1.0), UsageError, "buffer of -1 m"),
        (lambda: KNNDMFolds([1.0], [1.0], [], []), UsageError, "the area to be mapped has no place"),
        (lambda: KNNDMFolds([1.0], [1.0], [0.0], [0.0], 1), UsageError, "1 folds"),
        (lambda: KNNDMFolds([1.0], [1.0], [0.0], [0.0]).match(), LabelError, "5 folds need as many"),
        (lambda: LeaveRegionOut(["a", "", "b"]), LabelError, "1 of 3 rows have no region"),
        (lambda: LeaveRegionOut(["a", "a"]), LabelError, "needs two regions, found 1"),
        (lambda: list(GroupedFolds().split([1, 2])), UsageError, "grouped folds need groups"),
        (lambda: list(GroupedFolds().split([1, 2], groups=[1])), UsageError, "1 groups for 2 rows"),
        (lambda: list(LeaveRegionOut(["a", "b"]).split([1])), UsageError, r"2 regions for 1 rows.*take"),
    ],
)
def test_what_cannot_be_split_is_said(wrong: Callable[[], object], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        wrong()


def test_a_field_across_a_border_teaches_neither_side() -> None:
    splitter = LeaveRegionOut(["north", "north", "south", "south"])
    found = list(splitter.split(range(4), groups=["a", "b", "b", "c"]))
    assert [(train.tolist(), test.tolist()) for train, test in found] == [([3], [0, 1]), ([0], [2, 3])]
