"""One laboratory library, four splits: what each says of the same methods.

    python benchmarks/lab_splits.py icraf_isric_visnir.parquet --ec ec1:2.5 --seed 0 --repeats 3 --out DIR

EC as measured, on ln(1 + EC); samples with a place only, the same for all splits; every method is tuned
inside each training part on folds grouped by profile. One Parquet file of predictions a method, split and
repeat, written whole: what is there is not repeated; take a new folder after a change of a method. Numbers
pool the repeats; intervals draw whole profiles. The area of the matched folds is a stand-in for land: random
places between 40 S and 65 N, no farther than 1,000 km from a sample. Regions are six clusters of countries.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from reading import read_spectra
from sklearn.model_selection import KFold

from deepsalt.estimators import baseline
from deepsalt.estimators.baselines import RECIPES
from deepsalt.evaluation.bootstrap import group_draws, weighted_metrics
from deepsalt.evaluation.detection import area_under_curve
from deepsalt.evaluation.metrics import salinity_metrics
from deepsalt.evaluation.paired import DRAWS
from deepsalt.evaluation.protocol import CROSS_VALIDATION, predictions_of
from deepsalt.files import written_whole
from deepsalt.pairing import far_from
from deepsalt.preprocessing.gaps import without_gaps
from deepsalt.spectra import Spectra
from deepsalt.splits import GroupedFolds, KNNDMFolds, LeaveRegionOut, Rows
from deepsalt.splits.matched import across_m
from deepsalt.units import log_ece

TARGET = "ec_ds_m"
SPLITS = ("random", "grouped by profile", "matched (kNNDM)", "region left out")
SALINE_DS_M = 2.0
REGIONS = 6
AREA_PLACES = 2000
LAND_WITHIN_M = 1_000_000.0
SOUTH, NORTH = -40.0, 65.0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("library", help="laboratory spectra with EC, profiles and places")
    arguments.add_argument("--ec", required=True, help="method of the EC column, for example ec1:2.5")
    arguments.add_argument("--methods", nargs="+", choices=tuple(RECIPES), default=["mean", "plsr", "svr"])
    arguments.add_argument("--folds", type=int, default=5)
    arguments.add_argument("--repeats", type=int, default=3, help="regions are left out once")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--summarise-only", action="store_true", help="of the files that are there")
    chosen = arguments.parse_args()
    library = read_library(chosen.library, chosen.ec)
    tables = []
    for name in SPLITS:
        for repeat in range(1 if name == SPLITS[-1] else chosen.repeats):
            folds = folds_of(name, library, chosen.folds, chosen.seed + repeat)
            for method in chosen.methods:
                file = chosen.out / f"{method}-{name.split()[0]}-{chosen.seed + repeat}.parquet"
                if not file.exists() and not chosen.summarise_only:
                    predict(library, folds, method, chosen.seed + repeat, file)
                if file.exists():
                    tables.append(pd.read_parquet(file).assign(split=name, repeat=repeat))
    print(summary(library, pd.concat(tables, ignore_index=True), chosen.folds, chosen.seed))


def read_library(path: str, ec: str) -> Spectra:
    """The samples with EC as measured, a profile, a place and no wide gap."""
    found = read_spectra(path, ec=ec)
    table = found.samples
    there = (table[TARGET] >= 0) & table["latitude"].notna() & table["longitude"].notna()
    return without_gaps(found.take(np.flatnonzero(there)))


def folds_of(name: str, library: Spectra, folds: int, seed: int) -> list[tuple[Rows, Rows]]:
    """The folds of one split. Only the random one lets layers of a profile stand on both sides."""
    table = library.samples
    profiles = table["group"].to_numpy()
    if name == SPLITS[0]:
        return list(KFold(folds, shuffle=True, random_state=seed).split(table))
    splitters: dict[str, Callable[[], GroupedFolds | KNNDMFolds | LeaveRegionOut]] = {
        SPLITS[1]: lambda: GroupedFolds(folds, seed, "profile"),
        SPLITS[2]: lambda: matched(library, folds, seed),
        SPLITS[3]: lambda: LeaveRegionOut(regions(library)),
    }
    return list(splitters[name]().split(table, groups=profiles))


def matched(library: Spectra, folds: int, seed: int) -> KNNDMFolds:
    """Folds matched to a stand-in for land; the area is the same for every seed."""
    latitude, longitude = (library.samples[name].to_numpy() for name in ("latitude", "longitude"))
    rng = np.random.default_rng(0)
    low, high = np.sin(np.radians([SOUTH, NORTH]))
    there = np.degrees(np.arcsin(rng.uniform(low, high, 20 * AREA_PLACES)))
    along = rng.uniform(-180, 180, 20 * AREA_PLACES)
    near = np.flatnonzero(~far_from(there, along, latitude, longitude, LAND_WITHIN_M))[:AREA_PLACES]
    return KNNDMFolds(latitude, longitude, there[near], along[near], folds, seed)


def regions(library: Spectra) -> NDArray[np.str_]:
    """(row,) one of six clusters of places, countries kept whole."""
    from scipy.cluster.hierarchy import fcluster, linkage

    table = library.samples
    phi, lam = np.radians(table["latitude"]), np.radians(table["longitude"])
    points = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)
    centres = pd.DataFrame(points).groupby(table["country"].to_numpy()).mean()
    cluster = fcluster(linkage(centres.to_numpy(), "ward"), REGIONS, "maxclust")
    return np.array(table["country"].map(dict(zip(centres.index, cluster, strict=True))).astype(str))


def predict(library: Spectra, folds: list[tuple[Rows, Rows]], name: str, seed: int, file: Path) -> None:
    """Predict every sample once and write the table."""
    tables = []
    for number, (train, test) in enumerate(folds):
        method = baseline(name, seed=seed).fit(library.take(train), TARGET)
        tables.append(predictions_of(method, CROSS_VALIDATION, library.take(test), TARGET))
        print(f"{file.stem}: fold {number + 1} of {len(folds)}", file=sys.stderr, flush=True)
    with written_whole(file) as aside:
        pd.concat(tables, ignore_index=True).to_parquet(aside)


def summary(library: Spectra, table: pd.DataFrame, folds: int, seed: int) -> str:
    """Both tables as Markdown: the scores, and how far each split tests from what was learned."""
    samples = library.samples
    saline = int((samples[TARGET] > SALINE_DS_M).sum())
    head = (
        f"{len(library)} samples with a place, {samples['group'].nunique()} profiles, {saline} above "
        f"{SALINE_DS_M:g} dS/m"
    )
    lines = [
        "| split | method | RMSE (95 %) | above random (95 %) | R2 (95 %) | CCC | RPIQ | AUC, EC > 2 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method, own in table.groupby("method", sort=False):
        random = own[own["split"] == SPLITS[0]]
        lines += [
            line(rows, random, str(split), str(method)) for split, rows in own.groupby("split", sort=False)
        ]
    far = ["| split | W, km | median distance to the nearest sample of another fold, km |", "|---|---|---|"]
    for name in SPLITS:
        far.append(f"| {name} | " + " | ".join(distances(library, name, folds, seed)) + " |")
    return "\n\n".join([head, "\n".join(lines), "\n".join(far), region_lines(library, table)])


def line(rows: pd.DataFrame, random: pd.DataFrame, split: str, name: str) -> str:
    """One row of the table of scores, on ln(1 + EC)."""
    numbers = salinity_metrics(rows["observed"], rows["predicted"])["ln"]
    drawn = {key: drawn_metrics(one) for key, one in {"own": rows, "random": random}.items()}
    exact = salinity_metrics(random["observed"], random["predicted"])["ln"]["rmse"]
    above = between(numbers["rmse"] - exact, drawn["own"]["rmse"] - drawn["random"]["rmse"], "+.3f")
    cells = [
        between(numbers["rmse"], drawn["own"]["rmse"], ".3f"),
        above if split != SPLITS[0] else "",
        between(numbers["r2"], drawn["own"]["r2"], ".2f"),
    ]
    area = area_under_curve(rows["observed"].to_numpy() > SALINE_DS_M, rows["predicted"])
    rest = f"{numbers['ccc']:.2f} | {numbers['rpiq']:.2f} | {area:.2f}"
    return f"| {split} | {name} | {' | '.join(cells)} | {rest} |"


def drawn_metrics(rows: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """(draw,) metrics for profiles drawn with replacement: the same draws for every table of one library."""
    _, index = np.unique(rows["group"].to_numpy(str), return_inverse=True)
    truth, guess = log_ece(rows["observed"]), log_ece(rows["predicted"])
    blocks = [weighted_metrics(truth, guess, index, one) for one in group_draws(index.max() + 1, DRAWS, 0)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in ("rmse", "r2")}


def between(value: float, drawn: NDArray[np.float64], form: str) -> str:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{value:{form}} ({low:{form}} to {high:{form}})"


def distances(library: Spectra, name: str, folds: int, seed: int) -> list[str]:
    """W against the stand-in for land, and the median distance to the nearest sample of another fold."""
    fold = np.empty(len(library), np.intp)
    for number, (_, test) in enumerate(folds_of(name, library, folds, seed)):
        fold[test] = number
    splitter = matched(library, folds, seed)
    return [f"{splitter.w_m(fold) / 1000:.0f}", f"{np.median(across_m(splitter.places, fold)) / 1000:.0f}"]


def region_lines(library: Spectra, table: pd.DataFrame) -> str:
    """Of each region left out: its place, its size and the R2 of each method there."""
    found = pd.DataFrame({"id": library.samples["id"].astype(str), "cluster": regions(library)})
    found["country"] = library.samples["country"].to_numpy()
    out = table[table["split"] == SPLITS[-1]].merge(found, on="id")
    methods = list(dict.fromkeys(out["method"]))
    lines = [
        f"| region | samples | {' | '.join(f'RMSE, {one}' for one in methods)} |",
        "|---|---|" + "---|" * len(methods),
    ]
    for _, rows in out.groupby("cluster"):
        scores = [
            salinity_metrics(own["observed"], own["predicted"])["ln"]["rmse"]
            for _, own in rows.groupby("method", sort=False)
        ]
        first = rows[rows["method"] == methods[0]]
        names = ", ".join(first["country"].value_counts().index[:3])
        lines.append(f"| {names}, ... | {len(first)} | " + " | ".join(f"{one:.3f}" for one in scores) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
