"""The benchmark on a laboratory library: what it keeps, and what it makes of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import lab_library as benchmark
import numpy as np
import pandas as pd
import pytest

from deepsalt.errors import UsageError
from deepsalt.evaluation.metrics import regression_metrics


def library_file(folder: Path, name: str = "lab.csv", seed: int = 0) -> Path:
    """40 samples of 20 profiles; salt brightens every band. The last has no EC."""
    rng = np.random.default_rng(seed)
    salt = rng.gamma(1.0, 1.5, 40)
    nm = np.arange(400, 2400, 50)
    values = 0.2 + 0.03 * salt[:, None] + rng.normal(0, 0.002, (40, len(nm)))
    table = pd.DataFrame(values, columns=[str(one) for one in nm])
    table.insert(0, "profile", [f"p{row // 2}" for row in range(40)])
    table.insert(0, "ec_ds_m", [*salt[:-1], np.nan])
    table.to_csv(folder / name, index=False)
    return folder / name


def test_the_area_counts_pairs_in_the_right_order() -> None:
    assert benchmark.saline_area([0.1, 0.2, 3.0, 4.0], [1.0, 3.0, 2.0, 9.0]) == 0.75
    assert benchmark.saline_area([0.1, 3.0], [1.0, 1.0]) == 0.5
    assert np.isnan(benchmark.saline_area([0.1, 0.2], [1.0, 2.0]))


def test_what_the_gate_kept_is_told_where_there_is_a_gate() -> None:
    with_gate = SimpleNamespace(checks_={"gate": {"kept": ["plane"]}})
    assert benchmark.kept_by_gate(with_gate) == '["plane"]'
    for without in (SimpleNamespace(), SimpleNamespace(checks_={}), SimpleNamespace(checks_={"gate": True})):
        assert benchmark.kept_by_gate(without) == ""


def test_a_job_predicts_every_sample_once_and_methods_share_their_folds(tmp_path: Path) -> None:
    asked = benchmark.Asked(str(library_file(tmp_path)), "ec1:2.5", "visnir", 3)
    jobs = [benchmark.Job(asked, tmp_path / "out", name, 1) for name in ("mean", "ridge")]
    for job in jobs:
        benchmark.run(job)
    mean, ridge = (table for _, table in benchmark.gathered(jobs).groupby("method"))
    assert len(mean) == 39
    assert mean["id"].is_unique
    assert list(mean["fold"]) == list(ridge["fold"])
    assert list(mean["id"]) == list(ridge["id"])
    assert mean.groupby("group")["fold"].nunique().max() == 1
    text = benchmark.summary(benchmark.gathered(jobs), "ridge")
    rmse = regression_metrics(np.log1p(ridge["observed"]), np.log1p(ridge["predicted"]))["rmse"]
    assert f"| ridge | 1 | {rmse:.3f} |" in text
    assert "| ridge - mean |" in text
    assert "better |" in text


def test_a_folder_holds_one_library_and_one_number_of_folds(tmp_path: Path) -> None:
    first, second = library_file(tmp_path), library_file(tmp_path, "other.csv", seed=1)
    out = tmp_path / "out"
    benchmark.same_as_before(out, benchmark.Asked(str(first), "ec1:2.5", "visnir", 5))
    benchmark.same_as_before(out, benchmark.Asked(str(first), "ec1:2.5", "visnir", 5))
    for other in ((str(second), "ec1:2.5", "visnir", 5), (str(first), "ec1:2.5", None, 4)):
        with pytest.raises(UsageError, match="another library, EC, domain or number of folds"):
            benchmark.same_as_before(out, benchmark.Asked(*other))
    with pytest.raises(UsageError, match="no predictions to summarise"):
        benchmark.gathered([])
