"""The control that carries a library's EC over the ground without a look at any pixel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from tests.estimators.toy_ground import BOX_M, at, hidden, scattered
from tests.estimators.toy_land import pixels, soils

from deepsalt.errors import UsageError
from deepsalt.estimators.by_place import LibraryByPlace
from deepsalt.spectra import Spectra


def surveyed(n: int, seed: int) -> Spectra:
    """A library whose salt follows the ground and nothing else."""
    library = soils(n, seed)["visnir"]
    table = library.samples.reset_index(drop=True).join(scattered(n, seed))
    return replace(library, samples=table.assign(ec_ds_m=0.3 * np.exp(hidden(table))))


def asked(table: pd.DataFrame, seed: int = 1) -> Spectra:
    found = pixels(len(table), seed)
    return replace(found, samples=found.samples.reset_index(drop=True).join(table))


def test_it_tells_the_ground_between_its_samples_and_reads_no_spectrum() -> None:
    ground = scattered(200, 5)
    control = LibraryByPlace().fit({"visnir": surveyed(150, 0)})
    told = control.predict(asked(ground))
    assert spearmanr(told, hidden(ground))[0] > 0.9
    np.testing.assert_array_equal(control.predict(asked(ground, seed=9)), told)


def test_far_away_it_says_the_mean_of_what_it_knows() -> None:
    library = surveyed(150, 0)
    control = LibraryByPlace().fit({"visnir": library})
    far = asked(at([BOX_M * 3_000], [0.0]))
    near = control.predict(asked(scattered(200, 5)))
    assert near.min() < control.predict(far)[0] < near.max()


def test_without_places_or_with_few_samples_it_says_so() -> None:
    library = surveyed(150, 0)
    unplaced = replace(library, samples=library.samples.drop(columns="latitude"))
    with pytest.raises(UsageError, match="no places"):
        LibraryByPlace().fit({"visnir": unplaced})
    with pytest.raises(UsageError, match="9 places of the library's surface have EC"):
        LibraryByPlace().fit({"visnir": library.take(np.arange(9))})
    control = LibraryByPlace().fit({"visnir": library})
    with pytest.raises(UsageError, match="the pixels have no places"):
        control.predict(pixels(3, 0))
