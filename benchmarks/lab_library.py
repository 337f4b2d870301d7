"""A laboratory library by repeated cross-validation grouped by profile: the teacher and every baseline.

    python benchmarks/lab_library.py icraf_isric_visnir.parquet --ec ec1:2.5 --repeats 5 --folds 5 --out DIR

EC as measured, without a conversion to ECe; the same folds for every method, drawn anew in each repeat. One
Parquet file of predictions a method and repeat, written whole: what is there is not repeated, so that a
killed run goes on where it was; `--summarise-only` runs nothing. The files do not know the code they come
from: take a new folder after a change of a method. Prints Markdown tables; metrics are means over repeats,
intervals draw whole profiles, the same for both methods and all repeats.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from reading import read_spectra

from deepsalt.errors import UsageError
from deepsalt.estimators import LabRegressor, baseline
from deepsalt.estimators.baselines import RECIPES
from deepsalt.evaluation.detection import area_under_curve
from deepsalt.evaluation.metrics import salinity_metrics
from deepsalt.evaluation.paired import Paired, paired
from deepsalt.evaluation.protocol import CROSS_VALIDATION, predictions_of
from deepsalt.files import fingerprint, written_whole
from deepsalt.parallel import in_parallel
from deepsalt.preprocessing.gaps import without_gaps
from deepsalt.spectra import Spectra
from deepsalt.splits import grouped_folds

TEACHER = LabRegressor.name
METHODS = (*RECIPES, TEACHER)
SALINE_DS_M = 2.0
TARGET = "ec_ds_m"
SHOWN = [(scale, metric) for scale in ("ln", "dS_m") for metric in ("rmse", "r2", "ccc", "rpiq")]


@dataclass(frozen=True)
class Asked:
    """What all files of a folder have in common."""

    library: str
    ec: str
    domain: str | None
    folds: int


@dataclass(frozen=True)
class Job:
    """One method on all folds of one repeat."""

    asked: Asked
    out: Path
    method: str
    repeat: int

    @property
    def file(self) -> Path:
        return self.out / f"{self.method}-{self.repeat}.parquet"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("library", help="laboratory spectra with EC and a column of profiles")
    arguments.add_argument("--ec", required=True, help="method of the EC column, for example ec1:2.5")
    arguments.add_argument("--domain", help="mir, visnir or nir, if the file holds several")
    arguments.add_argument("--repeats", type=int, default=5)
    arguments.add_argument("--folds", type=int, default=5)
    arguments.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    arguments.add_argument("--reference", choices=METHODS, default=TEACHER, help="compared with the others")
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--workers", type=int, default=1, help="processes of one thread each")
    arguments.add_argument("--summarise-only", action="store_true", help="of the files that are there")
    chosen = arguments.parse_args()
    asked = Asked(str(Path(chosen.library).resolve()), chosen.ec, chosen.domain, chosen.folds)
    same_as_before(chosen.out, asked)
    jobs = [Job(asked, chosen.out, name, r) for r in range(chosen.repeats) for name in chosen.methods]
    if not chosen.summarise_only:
        waiting = [job for job in jobs if not job.file.exists()]
        in_parallel(run, waiting, chosen.workers, "cross-validating", tell)
    print(summary(gathered(jobs), chosen.reference))


def tell(what: str, done: int, whole: int) -> None:
    print(f"{what}: {done} of {whole}", file=sys.stderr, flush=True)


def same_as_before(out: Path, asked: Asked) -> None:
    """Keep in the folder what it is of. Raises UsageError if it is of another library, EC or folds."""
    facts = {**asdict(asked), "library": fingerprint(asked.library)}
    file = out / "asked.json"
    if not file.exists():
        with written_whole(file) as aside:
            aside.write_text(json.dumps(facts))
    elif json.loads(file.read_text()) != facts:
        raise UsageError(
            "the folder holds predictions of another library, EC, domain or number of folds",
            where=str(out),
            fix="Choose another folder with --out.",
        )


@lru_cache(maxsize=1)
def read_library(asked: Asked) -> Spectra:
    """The samples with EC, as measured, of which no wide gap keeps a method from an answer."""
    found = read_spectra(asked.library, ec=asked.ec, domain=asked.domain)
    if "group" not in found.samples:
        raise UsageError("the library has no column of profiles", where=asked.library)
    return without_gaps(found.take((found.samples[TARGET] >= 0).to_numpy()))


def run(job: Job) -> None:
    """Predict every sample of the library once and write the table."""
    library = read_library(job.asked)
    folds = grouped_folds(library.samples["group"].to_numpy(), job.asked.folds, job.repeat)
    tables = []
    for number, (train, test) in enumerate(folds):
        start = perf_counter()
        name, seed = job.method, job.repeat
        method = LabRegressor(seed=seed) if name == TEACHER else baseline(name, seed=seed)
        method.fit(library.take(train), TARGET)
        rows = predictions_of(method, CROSS_VALIDATION, library.take(test), TARGET)
        seconds = perf_counter() - start
        told = rows.assign(
            case=job.repeat, cluster="library", fold=number, seconds=seconds, kept=kept_by_gate(method)
        )
        tables.append(told)
        print(f"{name}, repeat {seed}, fold {number}: {seconds:.0f} s", file=sys.stderr, flush=True)
    with written_whole(job.file) as aside:
        pd.concat(tables, ignore_index=True).to_parquet(aside)


def kept_by_gate(method: Any) -> str:
    """What the teacher's gate kept, as JSON; empty for a method without a gate."""
    gate = getattr(method, "checks_", {}).get("gate")
    return json.dumps(gate["kept"]) if isinstance(gate, dict) and "kept" in gate else ""


def gathered(jobs: Sequence[Job]) -> pd.DataFrame:
    """The predictions that are there. Raises UsageError where there is none."""
    found = [pd.read_parquet(job.file) for job in jobs if job.file.exists()]
    if not found:
        raise UsageError("no predictions to summarise", fix="Run without --summarise-only.")
    return pd.concat(found, ignore_index=True)


def summary(table: pd.DataFrame, reference: str) -> str:
    """All tables as Markdown."""
    methods = list(dict.fromkeys(table["method"]))
    one = table[(table["method"] == methods[0]) & (table["case"] == table["case"].min())]
    saline = int((one["observed"] > SALINE_DS_M).sum())
    parts = [
        f"{len(one)} samples, {one['group'].nunique()} profiles, {saline} above {SALINE_DS_M:g} dS/m; "
        "the first four metrics on ln(1 + EC), then in dS/m",
        metrics_table(table),
    ]
    if reference in methods:
        others = [paired(table, reference, other) for other in methods if other != reference]
        parts.append(paired_table([one for one in others if one]))
    kept = table[table["kept"] != ""].drop_duplicates(["method", "case", "fold"])
    if len(kept):
        lines = [f"| {row.case} | {row.fold} | {row.kept} |" for row in kept.itertuples()]
        parts.append("\n".join(["| repeat | fold | kept by the gate |", "|---|---|---|", *lines]))
    return "\n\n".join(parts)


def metrics_table(table: pd.DataFrame) -> str:
    four = "RMSE | R2 | CCC | RPIQ"
    lines = [
        f"| method | repeats | {four} | {four} | AUC, EC > 2 | seconds a repeat |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for method, rows in table.groupby("method", sort=False):
        cases = [one for _, one in rows.groupby("case")]
        values = np.mean([of_one_repeat(one) for one in cases], axis=0)
        cells = [f"{value:.3f}" for value in values[:-1]] + [f"{values[-1]:.0f}"]
        lines.append(f"| {method} | {len(cases)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def of_one_repeat(rows: pd.DataFrame) -> list[float]:
    """Metrics in the order of the table's columns, of one method on all folds of one repeat."""
    found: Any = salinity_metrics(rows["observed"], rows["predicted"])
    seconds = float(rows.drop_duplicates("fold")["seconds"].sum())
    area = saline_area(rows["observed"], rows["predicted"])
    return [*(found[scale][metric] for scale, metric in SHOWN), area, seconds]


def saline_area(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Area under the curve for a saline sample: how often one is ranked above one that is not.

    >>> saline_area([0.1, 0.2, 3.0, 4.0], [1.0, 3.0, 2.0, 9.0])
    0.75
    """
    return area_under_curve(np.asarray(observed) > SALINE_DS_M, predicted)


def paired_table(rows: Sequence[Paired]) -> str:
    """RMSE on ln(1 + EC) of the reference against the others, with 95 % intervals."""
    lines = [
        "| pair | RMSE | other's RMSE | difference (95 %) | ratio (95 %) | outcome |",
        "|---|---|---|---|---|---|",
    ]
    for one in rows:
        gap = between(one.difference, one.difference_interval, "+.4f")
        ratio = between(one.ratio, one.ratio_interval, ".3f")
        lines.append(
            f"| {one.method} - {one.other} | {one.rmse:.3f} | {one.other_rmse:.3f} | {gap} | {ratio} "
            f"| {one.outcome} |"
        )
    return "\n".join(lines)


def between(value: float, interval: tuple[float, float] | None, form: str) -> str:
    return f"{value:{form}}" + (f" ({interval[0]:{form}} to {interval[1]:{form}})" if interval else "")


if __name__ == "__main__":
    main()
