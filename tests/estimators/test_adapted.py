"""AdaptedRegressor: from tables of spectra to ECe, with the right rows in the right roles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deepsalt.adaptation import ADAPTATIONS
from deepsalt.errors import BandError, LabelError, UsageError
from deepsalt.estimators import AdaptedRegressor
from deepsalt.spectra import Axis, Sensor, Spectra

LAB_AXIS = Axis(np.arange(450.0, 2451.0, 10.0), "nm")
SENSOR = Sensor("toy", Axis(np.linspace(500, 2400, 30), "nm", np.full(30, 20.0)))
METRES_NORTH = 1 / 111_195


def reflectance(axis: Axis, salt: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    band = np.exp(-(((axis.values - 1900) / 120) ** 2))
    return 0.3 + brightness[:, None] - 0.03 * salt[:, None] * band


def table(
    rows: int, seed: int, *, field: bool, north_m: float = 0.0, gain: float = 0.8, **columns: object
) -> Spectra:
    """Laboratory spectra, or pixels with `gain`; row i lies `north_m` north of place i."""
    rng = np.random.default_rng(seed)
    salt, brightness = rng.gamma(2.0, 0.7, rows), rng.normal(0, 0.05, rows)
    axis = SENSOR.axis if field else LAB_AXIS
    values = reflectance(axis, salt, brightness) * (gain if field else 1.0)
    samples = pd.DataFrame(
        {
            "ece_ds_m": np.expm1(salt),
            "latitude": 40 + np.arange(rows) * 0.01 + north_m * METRES_NORTH,
            "longitude": np.full(rows, 60.0),
            **columns,
        }
    )
    return Spectra.of_table(
        values + rng.normal(0, 0.0005, values.shape),
        axis,
        "reflectance",
        samples=samples,
        sensor=SENSOR if field else None,
    )


LIBRARY = table(80, 1, field=False)
#: The soils of the library, as pixels 20 m away from its places.
LOOSE = table(80, 1, field=True, north_m=20.0)
SITES = table(24, 2, field=True, north_m=200.0)
FRESH = table(100, 9, field=True)


def log_rmse(fitted: AdaptedRegressor) -> float:
    error = np.log1p(fitted.predict(FRESH)) - np.log1p(FRESH.samples["ece_ds_m"])
    return float(np.sqrt(np.mean(error**2)))


@pytest.mark.parametrize("method", ["pooled", "ds", "pds", "coral", "ot"])
def test_an_adaptation_reads_pixels_that_the_laboratory_alone_misreads(method: str) -> None:
    alone = log_rmse(AdaptedRegressor("lab-only").fit(LIBRARY, SITES, LOOSE))
    adapted = AdaptedRegressor(method).fit(LIBRARY, SITES, LOOSE)
    assert adapted.name == method
    assert log_rmse(adapted) < min(0.15, 0.7 * alone)


def test_the_library_is_seen_through_the_sensor() -> None:
    domains = AdaptedRegressor("lab-only").fit(LIBRARY, SITES).domains_
    rng = np.random.default_rng(1)
    salt, brightness = rng.gamma(2.0, 0.7, 80), rng.normal(0, 0.05, 80)
    assert domains.source_x == pytest.approx(reflectance(SENSOR.axis, salt, brightness), abs=3e-3)
    assert domains.source_y == pytest.approx(salt)


def test_pairs_are_the_nearest_rows_of_sites_and_pixels_together() -> None:
    near_sites = table(24, 2, field=True, north_m=5.0)
    fitted = AdaptedRegressor("ds").fit(LIBRARY, near_sites, LOOSE)
    assert fitted.pairs_.satellite[:24].tolist() == list(range(24))
    assert fitted.pairs_.satellite[24:].tolist() == list(range(24 + 24, 24 + 80))
    assert fitted.domains_.pair_x[:24] == pytest.approx(near_sites.values)
    assert fitted.domains_.pair_x[24:] == pytest.approx(LOOSE.values[24:])
    with pytest.raises(UsageError, match="ds needs pairs of laboratory sample and pixel: at least 10"):
        AdaptedRegressor("ds", pair_within_m=3.0).fit(LIBRARY, near_sites, LOOSE)


def test_rows_without_a_group_are_not_mistaken_for_rows_of_the_other_table() -> None:
    domains = AdaptedRegressor("lab-only").fit(LIBRARY, SITES).domains_
    assert not set(domains.source_groups) & set(domains.target_groups)
    named = AdaptedRegressor("lab-only").fit(LIBRARY.with_samples(group="P1"), SITES.with_samples(group="P1"))
    assert set(named.domains_.source_groups) == set(named.domains_.target_groups) == {"P1"}


def test_unlabelled_pixels_alone_are_enough_for_methods_that_need_no_label() -> None:
    assert log_rmse(AdaptedRegressor("coral").fit(LIBRARY, None, LOOSE)) < 0.15
    with pytest.raises(UsageError, match=r"pooled needs labelled pixels: at least 1, found 0"):
        AdaptedRegressor("pooled").fit(LIBRARY, None, LOOSE)
    with pytest.raises(UsageError, match="neither sites nor unlabelled"):
        AdaptedRegressor("coral").fit(LIBRARY)


def test_a_mid_infrared_library_is_refused_with_the_way_out() -> None:
    wavenumbers = Axis(np.linspace(600, 4000, 50), "cm-1")
    mir = Spectra.of_table(np.full((3, 50), 0.5), wavenumbers, "absorbance")
    with pytest.raises(BandError, match=r"mid-infrared and satellite .* do not overlap.*PaperRegressor"):
        AdaptedRegressor("epo").fit(mir, SITES)


def test_absorbance_short_libraries_and_other_sensors_are_refused() -> None:
    dark = Spectra.of_table(LIBRARY.values, LAB_AXIS, "absorbance", samples=LIBRARY.samples)
    with pytest.raises(BandError, match="reflectance_from_absorbance"):
        AdaptedRegressor("coral").fit(dark, SITES)
    with pytest.raises(BandError, match="bands are needed and"):
        AdaptedRegressor("coral").fit(LIBRARY.take_bands(LAB_AXIS.values < 1800), SITES)
    other = Spectra.of_table(FRESH.values, SENSOR.axis, "reflectance", sensor=Sensor("other", SENSOR.axis))
    with pytest.raises(BandError, match="trained for toy, these are other"):
        AdaptedRegressor("coral").fit(LIBRARY, SITES).predict(other)


def test_labels_must_be_there() -> None:
    bare = Spectra.of_table(SITES.values, SENSOR.axis, "reflectance", sensor=SENSOR)
    with pytest.raises(LabelError, match="no column 'ece_ds_m'"):
        AdaptedRegressor("coral").fit(LIBRARY, bare)


def test_a_pixel_with_a_hole_gets_no_answer_and_the_others_get_theirs() -> None:
    fitted = AdaptedRegressor("coral").fit(LIBRARY, SITES)
    values = FRESH.values.copy()
    values[1, 4] = np.nan
    found = fitted.predict(Spectra.of_table(values, SENSOR.axis, "reflectance", sensor=SENSOR))
    assert np.isnan(found[1])
    assert np.delete(found, 1) == pytest.approx(np.delete(fitted.predict(FRESH), 1))


def test_every_method_of_the_registry_can_be_named() -> None:
    with pytest.raises(UsageError, match=f"Known: {', '.join(ADAPTATIONS)}"):
        AdaptedRegressor("magic").fit(LIBRARY, SITES)


def test_rows_with_holes_are_left_out_of_training_whatever_table_they_stand_in() -> None:
    """Pairs are numbered by row: leaving rows out must not shift them."""
    values = SITES.values.copy()
    values[2, 4] = np.nan
    holed = Spectra.of_table(values, SENSOR.axis, "reflectance", samples=SITES.samples, sensor=SENSOR)
    keep = np.arange(len(SITES)) != 2
    for method in ("coral", "ds"):
        fitted = AdaptedRegressor(method).fit(LIBRARY, holed, LOOSE)
        expected = AdaptedRegressor(method).fit(LIBRARY, SITES.take(keep), LOOSE)
        assert np.array_equal(fitted.predict(FRESH), expected.predict(FRESH))
