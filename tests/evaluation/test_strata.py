"""Results by stratum: each row counts where it belongs, and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deepsalt.evaluation.protocol import COLUMNS, TEST, metrics_document, metrics_of, predictions_of
from deepsalt.evaluation.strata import seasons, strata_of
from deepsalt.spectra import Axis, Spectra


def predictions(count: int = 60, **columns: object) -> pd.DataFrame:
    """Observed values climb from 0 by 0.5 dS/m; every prediction is 1 dS/m too high."""
    observed = 0.5 * np.arange(count)
    table = pd.DataFrame(
        {
            "method": "plsr",
            "part": "test",
            "id": [f"s{i}" for i in range(count)],
            "group": [f"g{i // 3}" for i in range(count)],
            "region": ["delta", "fan"] * (count // 2),
            "observed": observed,
            "predicted": observed + 1,
        }
    )
    return table.assign(**columns)  # type: ignore[arg-type]


def by(found: list[dict], name: str) -> dict[str, dict]:
    return {row["value"]: row for row in found if row["by"] == name}


def test_classes_are_those_of_the_observed_value() -> None:
    found = by(strata_of(predictions()), "class")
    assert {name: row["n"] for name, row in found.items()} == {
        "non-saline": 4,
        "very slightly saline": 4,
        "slightly saline": 8,
        "moderately saline": 16,
        "strongly saline": 28,
    }
    assert all(row["dS_m"]["bias"] == pytest.approx(1) for row in found.values())


def test_another_ec_has_no_classes_of_ece() -> None:
    assert by(strata_of(predictions(), classes=False), "class") == {}


def test_each_stratum_is_judged_on_its_own_rows() -> None:
    table = predictions()
    table.loc[table["region"] == "fan", "predicted"] += 2
    found = by(strata_of(table), "region")
    assert found["delta"]["dS_m"]["mae"] == pytest.approx(1)
    assert found["fan"]["dS_m"]["mae"] == pytest.approx(3)
    assert found["fan"]["n"] == 30
    assert found["fan"]["groups"] == 20
    low, high = found["fan"]["intervals"]["dS_m"]["mae"]
    assert low <= 3 <= high


def test_without_the_salt_free_samples() -> None:
    found = by(strata_of(predictions()), "observed")
    assert found["above zero"]["n"] == 59
    assert by(strata_of(predictions().query("observed > 0")), "observed") == {}


def test_a_column_of_one_value_is_no_stratum_and_an_empty_name_is_none() -> None:
    table = predictions(climate_zone="arid", soil_class=["", "Solonchak", "Solonetz"] * 20)
    found = strata_of(table)
    assert by(found, "climate_zone") == {}
    assert {name: row["n"] for name, row in by(found, "soil_class").items()} == {
        "Solonchak": 20,
        "Solonetz": 20,
    }


def test_rare_values_stand_together() -> None:
    zones = ["arid"] * 54 + ["polar", "polar", "alpine", "tundra", "savanna", "savanna"]
    found = by(strata_of(predictions(climate_zone=zones)), "climate_zone")
    assert {name: row["n"] for name, row in found.items()} == {"4 others": 6, "arid": 54}


def test_a_stratum_of_few_groups_has_no_interval() -> None:
    found = by(strata_of(predictions(climate_zone=["arid"] * 48 + ["humid"] * 12)), "climate_zone")
    assert "intervals" in found["arid"]
    assert "intervals" not in found["humid"]


def test_a_missing_value_of_a_later_table_is_no_stratum() -> None:
    """Predictions of an earlier version have no such column."""
    table = pd.concat([predictions(), predictions(climate_zone=["a", "b"] * 30)], ignore_index=True)
    assert set(by(strata_of(table), "climate_zone")) == {"a", "b"}


def test_seasons_turn_round_at_the_equator_and_have_other_names_in_the_tropics() -> None:
    dates = pd.Series(
        ["2024-01-15", "2024-01-15", "2024-04-01", "2024-12-31", "2024-07-02", None, "2024-07-02"]
    )
    latitude = np.array([50.0, -35.0, -35.0, 50.0, 10.0, 50.0, np.nan])
    assert seasons(dates, latitude).tolist() == [
        "winter", "summer", "autumn", "winter", "Jun-Aug (tropics)", "", "",
    ]  # fmt: skip


# --- what goes into files -----------------------------------------------------------------------------


class Half:
    name = "half"

    def predict(self, spectra: Spectra) -> np.ndarray:
        return spectra.samples["ece_ds_m"].to_numpy() / 2


def sites(**columns: object) -> Spectra:
    count = 12
    table = pd.DataFrame(
        {"id": range(count), "group": np.arange(count) // 2, "ece_ds_m": np.arange(count) + 1.0}
    )
    axis = Axis(np.array([500.0, 600]), "nm")
    return Spectra.of_table(
        np.full((count, 2), 0.3),
        axis,
        "reflectance",
        samples=table.assign(**columns),  # type: ignore[arg-type]
    )


def test_predictions_carry_what_the_samples_know() -> None:
    told = sites(ece_sd_ds_m=0.2, climate_zone="arid", soil_class=None, date="2024-07-01", latitude=45.0)
    table = predictions_of(Half(), TEST, told, "ece_ds_m")  # type: ignore[arg-type]
    assert list(table.columns) == [*COLUMNS, "observed_sd", "climate_zone", "soil_class", "season"]
    assert (table["season"] == "summer").all()
    assert (table["soil_class"] == "").all()


def test_predictions_of_plain_samples_have_the_plain_columns() -> None:
    plain = sites(ece_sd_ds_m=0.0)
    assert list(predictions_of(Half(), TEST, plain, "ece_ds_m").columns) == COLUMNS  # type: ignore[arg-type]
    measured = sites(ece_sd_ds_m=0.3, ec_ds_m=1.0)
    assert list(predictions_of(Half(), TEST, measured, "ec_ds_m").columns) == COLUMNS  # type: ignore[arg-type]


def test_results_hold_detection_intervals_and_the_label_error() -> None:
    table = predictions_of(Half(), TEST, sites(ece_sd_ds_m=0.2), "ece_ds_m")  # type: ignore[arg-type]
    (row,) = metrics_of(table)
    assert (row["n"], row["groups"]) == (12, 6)
    assert [one["threshold"] for one in row["detection"]] == [2, 4, 8]
    assert row["label_error"]["dS_m"]["label_rmse"] == pytest.approx(0.2)
    low, high = row["intervals"]["dS_m"]["rmse"]
    assert low < row["dS_m"]["rmse"] < high


def test_the_document_says_how_its_intervals_came_about() -> None:
    table = predictions_of(Half(), TEST, sites(), "ece_ds_m")  # type: ignore[arg-type]
    document = metrics_document(table, [TEST], target="ECe", simulated=False, training={})
    assert document["intervals"] == {"level": 0.95, "draws": 2000, "resampled": "groups"}
    assert document["leaks"] == []
    assert by(document["strata"], "class")
