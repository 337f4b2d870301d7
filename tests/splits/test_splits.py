"""Splits: no group on both sides, whatever the groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import LabelError, UsageError
from deepsalt.splits import grouped_folds, grouped_holdout, regional_split

GROUPS = st.lists(st.integers(0, 12), min_size=2, max_size=80).filter(lambda g: len(set(g)) > 1)


@given(GROUPS, st.floats(0.05, 0.9), st.integers(0, 1000))
def test_no_group_stands_on_both_sides_and_no_row_is_lost(groups, share, seed) -> None:
    kept, held = grouped_holdout(groups, share, seed)
    names = np.array(groups)
    assert not set(names[kept]) & set(names[held])
    assert sorted([*kept, *held]) == list(range(len(groups)))
    assert len(kept) > 0
    assert len(held) > 0


def test_the_held_share_is_close_to_what_was_asked() -> None:
    groups = np.repeat(np.arange(100), 5)
    assert len(grouped_holdout(groups, 0.2, 1)[1]) == 100


def test_held_groups_span_the_labels_where_these_are_given() -> None:
    groups = np.repeat(np.arange(40), 3)
    labels = np.repeat(np.random.default_rng(0).permutation(40), 3).astype(float)
    for seed in range(5):
        kept, held = grouped_holdout(groups, 0.2, seed, labels)
        assert len(held) == 24
        assert not set(groups[kept]) & set(groups[held])
        assert sorted(set(labels[held] // 5)) == list(range(8))


def test_the_seed_decides() -> None:
    groups = np.repeat(np.arange(50), 3)
    same = [grouped_holdout(groups, 0.3, 7)[1].tolist() for _ in range(2)]
    assert same[0] == same[1]
    assert grouped_holdout(groups, 0.3, 8)[1].tolist() != same[0]


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(LabelError, match="at least two groups, found 1"):
        grouped_holdout(["a", "a"], 0.5, 0)


def test_an_unseen_region_gives_no_row_to_the_other_parts() -> None:
    groups = np.repeat(np.arange(20), 4)
    regions = np.repeat(["north", "south"], 40)
    split = regional_split(groups, regions, "south", 0.25, 0)
    assert split.unseen.tolist() == list(range(40, 80))
    assert set(regions[np.concatenate([split.train, split.test])]) == {"north"}
    assert not set(groups[split.train]) & set(groups[split.test])


def test_an_unknown_region_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"unseen region 'west'.*north, south"):
        regional_split([1, 2, 3], ["north", "south", "south"], "west", 0.5, 0)


def test_a_field_across_a_border_is_a_leak() -> None:
    with pytest.raises(LabelError, match="group '1' has points inside and outside"):
        regional_split([1, 1, 2, 3], ["north", "south", "north", "north"], "south", 0.5, 0)


@given(GROUPS, st.integers(2, 4))
def test_folds_test_each_row_once_and_split_no_group(groups, folds) -> None:
    names = np.array(groups).astype(str)
    if len(set(groups)) < folds:
        with pytest.raises(LabelError, match="fewer folds"):
            list(grouped_folds(names, folds, 0))
        return
    tested = []
    for train, test in grouped_folds(names, folds, 0):
        assert not set(names[train]) & set(names[test])
        tested += list(test)
    assert sorted(tested) == list(range(len(groups)))
