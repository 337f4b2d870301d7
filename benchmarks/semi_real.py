"""A real laboratory library seen through a simulated sky: training on clean spectra, test on disturbed ones.

    python benchmarks/semi_real.py icraf_isric_visnir.parquet --seeds 0 1 2 3 4

Of each seed five folds grouped by profile, each under a sky of its own. Test spectra, and nothing else, are
wetted, mixed with plants, lit, and seen by EnMAP under `deepsalt.simulate.laws.OtherLaws`, which the method
does not know; no salt crust is put on them. EC is predicted as measured (1:2.5), without a conversion to
ECe. Spectra and EC are real, what stands between soil and pixel is simulated. Prints Markdown tables: means
of the seeds, and 90 % intervals by bootstrap over profiles and seeds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from time import perf_counter, process_time

import numpy as np
import torch
from numpy.typing import NDArray
from reading import read_spectra

from deepsalt.augment import PhysicsBridge
from deepsalt.estimators import DeepSaltRegressor, baseline
from deepsalt.estimators.predictor import Predictor
from deepsalt.evaluation.metrics import regression_metrics
from deepsalt.preprocessing.resample import resample, resampling_matrix
from deepsalt.simulate.bands import WAVELENGTHS_NM
from deepsalt.simulate.instrument import Instrument
from deepsalt.simulate.laws import OtherLaws, mixed
from deepsalt.simulate.surface import dry_plants, green_plants
from deepsalt.spectra import Axis, Sensor, Spectra
from deepsalt.splits import grouped_folds
from deepsalt.units import log_ece

BASELINES = ("plsr", "svr", "boosting")
METRICS = ("ccc", "rmse", "r2", "auc")
SALINE_DS_M, DRAWS, FOLDS = 2.0, 1000, 5
ENMAP = Sensor.load("enmap")
assert ENMAP.noise is not None
NOISE = ENMAP.noise[ENMAP.good]
Floats = NDArray[np.floating]
Rows = NDArray[np.intp]
Answers = dict[str, Floats]  # of each method (seed, sample)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("library", help="vis-NIR reflectance with EC 1:2.5 and a column of profiles")
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0])
    chosen = arguments.parse_args()
    library = read_library(chosen.library)
    groups = library.samples["group"].to_numpy()
    views: dict[str, Answers] = {"other laws": {}, "clean": {}}
    for repeat, seed in enumerate(chosen.seeds):
        for view, name, rows, answers in asked(library, groups, seed):
            shape = (len(chosen.seeds), len(library))
            views[view].setdefault(name, np.empty(shape))[repeat, rows] = answers
    for view, found in views.items():
        print(f"\nTest spectra: {view}; {len(library)} samples, {len(np.unique(groups))} profiles\n")
        print(table(library.samples["ece_ds_m"].to_numpy(), found, groups))


def asked(library: Spectra, groups: NDArray[np.str_], seed: int) -> Iterator[tuple[str, str, Rows, Floats]]:
    """View, method, rows and answers, fold by fold."""
    clean = on_enmap(library)
    for number, (train, test) in enumerate(grouped_folds(groups, FOLDS, seed)):
        seen = disturbed(library.take(test), seed * FOLDS + number)
        for name, train_one in learners(seed).items():
            start = perf_counter(), process_time()
            model = train_one(library.take(train), clean.take(train))
            for view, spectra in (("other laws", seen), ("clean", clean.take(test))):
                yield view, name, test, model.predict(spectra)
            cost = f"{perf_counter() - start[0]:.0f} s, processor {process_time() - start[1]:.0f} s"
            print(f"seed {seed}, fold {number}, {name}: {cost}", file=sys.stderr, flush=True)


def read_library(path: str) -> Spectra:
    """The samples with EC, as measured: named ECe so that nothing is converted."""
    found = read_spectra(path, ec="ec1:2.5", domain="visnir")
    known = found.take(found.samples["ec_ds_m"].notna().to_numpy())
    return known.with_samples(ece_ds_m=known.samples["ec_ds_m"], ec_method="ECe")


def on_enmap(library: Spectra) -> Spectra:
    """On the good bands of EnMAP, without error."""
    good = good_bands()
    return resample(library, Sensor("enmap", good, noise=NOISE))


def good_bands() -> Axis:
    return ENMAP.axis.take(np.asarray(ENMAP.good))


def disturbed(library: Spectra, seed: int) -> Spectra:
    """One pixel of each sample, all of one scene; laws, calibration and instrument follow the seed."""
    laws, rng = OtherLaws.drawn(seed), np.random.default_rng(seed)
    count = len(library)
    fine = Axis(WAVELENGTHS_NM.astype(np.float64), "nm", np.full(len(WAVELENGTHS_NM), 5.0))
    wet = laws.wetted(resample(library, fine).values, 0.6 * rng.uniform(size=count) ** 1.5)
    green, dry = 0.15 * rng.uniform(size=count) ** 2, 0.25 * rng.uniform(size=count) ** 2
    ground = mixed([(1 - green - dry, wet), (green, green_plants()), (dry, dry_plants())], laws.v)
    ground = (ground * rng.normal(1.0, 0.08, count)[:, None]).astype(np.float32)
    instrument = Instrument.in_orbit(ENMAP, rng)
    seen = instrument.sees(ground, rng.integers(1000, size=count), 1000)
    gain, offset = laws.calibration("scene", ENMAP.axis.values)
    pixels = instrument.disturbed(seen, rng, rng.normal(0.0, 0.3, count)) * gain + offset
    sensor = Sensor("enmap", good_bands(), noise=NOISE)
    step = "seen through a simulated sky"
    return library.with_values(pixels[:, ENMAP.good], good_bands(), sensor=sensor, step=step)


def learners(seed: int) -> dict[str, Callable[[Spectra, Spectra], Predictor]]:
    """name: train(library, the same on EnMAP's bands); the last one is a control, no baseline."""
    tuned = {name: lambda _, clean, name=name: baseline(name, seed=seed).fit(clean) for name in BASELINES}
    own = {"deepsalt": lambda raw, _: DeepSaltRegressor(sensor=ENMAP, seed=seed).fit(raw)}
    return {**own, **tuned, "plsr on drawn": lambda raw, _: baseline("plsr", seed=seed).fit(drawn(raw, seed))}


def drawn(library: Spectra, seed: int) -> Spectra:
    """One pixel of each sample as deepsalt's own bridge draws it."""
    response, _ = resampling_matrix(library.axis, good_bands())
    bridge = PhysicsBridge.of(library.axis.values, good_bands().values, response, NOISE)
    label = torch.tensor(log_ece(library.samples["ece_ds_m"]), dtype=torch.float32)
    generator = torch.Generator().manual_seed(seed)
    pixels = bridge.draw(torch.tensor(np.array(library.values)), label, generator).pixels.numpy()
    return library.with_values(pixels, good_bands(), sensor=on_enmap(library).sensor, step="drawn")


def scores(observed: Floats, predicted: Floats) -> NDArray[np.float64]:
    """CCC, RMSE and R2 on ln(1 + EC), and AUC for a saline sample."""
    from scipy.stats import rankdata

    plain = regression_metrics(log_ece(observed), log_ece(predicted))
    saline = observed > SALINE_DS_M
    few, rest = int(saline.sum()), int((~saline).sum())
    area = (rankdata(predicted)[saline].sum() - few * (few + 1) / 2) / (few * rest) if few else np.nan
    return np.array([plain["ccc"], plain["rmse"], plain["r2"], area])


def table(observed: Floats, answers: Answers, groups: NDArray) -> str:
    """A row a method; the last, deepsalt minus the baseline that is best in that very metric."""
    rows = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    repeats, rng = len(next(iter(answers.values()))), np.random.default_rng(0)
    everything = np.arange(len(observed))
    picks = [
        (
            rng.integers(repeats, size=repeats),
            np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))]),
        )
        for _ in range(DRAWS)
    ]
    whole = {
        name: mean_scores(observed, one, np.arange(repeats), everything) for name, one in answers.items()
    }
    draws = {n: np.array([mean_scores(observed, one, *pick) for pick in picks]) for n, one in answers.items()}
    lines = ["| method | CCC | RMSE | R2 | AUC, EC > 2 |", "|---|---|---|---|---|"]
    lines += [line(name, whole[name], draws[name]) for name in answers]
    best = [max(BASELINES, key=lambda n: whole[n][m] * (-1 if m == 1 else 1)) for m in range(len(METRICS))]
    gap = np.array([whole["deepsalt"][m] - whole[n][m] for m, n in enumerate(best)])
    spread = np.stack([draws["deepsalt"][:, m] - draws[n][:, m] for m, n in enumerate(best)], axis=1)
    return "\n".join([*lines, line(f"deepsalt minus {' / '.join(best)}", gap, spread)])


def mean_scores(observed: Floats, answers: Floats, repeats: Rows, rows: Rows) -> NDArray[np.float64]:
    """`scores` of some rows, mean of some repeats; answers (repeat, sample)."""
    return np.mean([scores(observed[rows], answers[repeat, rows]) for repeat in repeats], axis=0)


def line(name: str, values: Floats, draws: Floats) -> str:
    low, high = np.nanpercentile(draws, [5, 95], axis=0)
    cells = [f"{v:.3f} ({a:.3f} to {b:.3f})" for v, a, b in zip(values, low, high, strict=True)]
    return f"| {name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
