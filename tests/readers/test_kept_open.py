"""Rasters stay open while someone asks for it, each in one thread at a time, and are closed in the end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from rasterio.env import get_gdal_config

from deepsalt.readers.kept_open import kept_open, lent


class Dataset:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Opened:
    """Counts what is opened."""

    def __init__(self) -> None:
        self.datasets: list[Dataset] = []

    def __call__(self) -> Dataset:
        self.datasets.append(Dataset())
        return self.datasets[-1]


def test_without_it_each_reader_opens_and_closes() -> None:
    opening = Opened()
    for _ in range(2):
        with lent("a", opening) as dataset:
            assert not dataset.closed
    assert [one.closed for one in opening.datasets] == [True, True]


def test_inside_a_dataset_is_opened_once_and_closed_when_the_last_user_leaves() -> None:
    opening, other = Opened(), Opened()
    with kept_open():
        with kept_open():
            for _ in range(3):
                with lent("a", opening), lent("b", other):
                    pass
        assert not opening.datasets[0].closed
        with lent("a", opening):
            pass
    assert len(opening.datasets) == len(other.datasets) == 1
    assert opening.datasets[0].closed
    assert other.datasets[0].closed


def test_two_threads_at_once_never_share_one() -> None:
    opening, both = Opened(), threading.Barrier(2, timeout=10)

    def read(_: int) -> Dataset:
        with lent("a", opening) as dataset:
            both.wait()
            return dataset

    with kept_open(), ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            first, second = pool.map(read, range(2))
            assert first is not second
    assert len(opening.datasets) == 2
    assert all(one.closed for one in opening.datasets)


def test_one_that_failed_its_reader_is_not_lent_again() -> None:
    opening = Opened()
    with kept_open():
        with pytest.raises(RuntimeError), lent("a", opening):
            raise RuntimeError
        assert opening.datasets[0].closed
        with lent("a", opening) as dataset:
            assert dataset is opening.datasets[1]


def test_of_many_the_longest_idle_are_closed() -> None:
    """A composite of many dates must not use up the files that a process may open."""
    opening = Opened()
    with kept_open():
        for number in range(70):
            with lent(str(number), opening):
                pass
        assert [one.closed for one in opening.datasets] == [True] * 6 + [False] * 64
        with lent("69", opening):
            pass
    assert len(opening.datasets) == 70
    assert all(one.closed for one in opening.datasets)


def test_one_that_is_given_back_too_late_is_closed() -> None:
    opening, asked = Opened(), kept_open()
    asked.__enter__()
    with lent("a", opening):
        asked.__exit__(None, None, None)
    assert opening.datasets[0].closed


@pytest.mark.parametrize("told", [True, False], ids=["by the user", "by default"])
def test_the_cache_of_blocks_is_small_meanwhile_unless_the_user_sets_it(
    monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.delenv("GDAL_CACHEMAX", raising=False)
    if told:
        monkeypatch.setenv("GDAL_CACHEMAX", "5%")
    before = int(get_gdal_config("GDAL_CACHEMAX"))
    with kept_open():
        assert int(get_gdal_config("GDAL_CACHEMAX")) == (before if told else min(before, 64 << 20))
    assert int(get_gdal_config("GDAL_CACHEMAX")) == before
