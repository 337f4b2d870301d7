"""What a library of the size of OSSL costs: seconds and peak memory of reading it, seconds of training.

    python benchmarks/lab_speed.py                      # 80,000 rows, 1,701 bands; fits on 5,000 of them
    python benchmarks/lab_speed.py --rows 5000 --fit-rows 0

Writes a Parquet file under the OSSL's column names with smooth random spectra, in row groups so that it
need not fit into memory, and reads it in a fresh process: its peak memory is that of `deepsalt.read` and
the interpreter alone. Aim: below 20 s and 3 GiB. Sizes are honest, accuracy is not asked. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WAVENUMBERS = np.arange(600, 4001, 2)
ROWS, FIT_ROWS, ROW_GROUP, LAYERS = 80_000, 5_000, 2_000, 5
RANK, NOISE = 12, 0.001


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=ROWS)
    arguments.add_argument("--fit-rows", type=int, default=FIT_ROWS, help="0: no training")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--out", type=Path, help="folder that keeps the file; default a temporary one")
    arguments.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.measure:
        print(json.dumps(measured(chosen.measure, chosen.fit_rows)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        file = (chosen.out or Path(scratch)) / f"mir_{chosen.rows}.parquet"
        write_library(file, chosen.rows, chosen.seed)
        rows = [("file", f"{chosen.rows:,} x {len(WAVENUMBERS):,}, {file.stat().st_size / 2**20:.0f} MiB")]
        read = in_fresh_process(file, 0)
        rows += [
            ("reading, wall", f"{read['read_s']:.1f} s"),
            ("peak memory of the process after reading", f"{read['peak_mib']:.0f} MiB"),
            ("of it before reading", f"{read['before_mib']:.0f} MiB"),
        ]
        if chosen.fit_rows:
            fit = in_fresh_process(file, chosen.fit_rows)
            rows.append((f"training on {chosen.fit_rows:,} rows, wall", f"{fit['fit_s']:.0f} s"))
    print("| what | measured |\n|---|---|")
    print("\n".join(f"| {what} | {value} |" for what, value in rows))


def write_library(file: Path, rows: int, seed: int) -> None:
    """A Parquet file of smooth spectra of low rank, log10 absorbance, with EC and five layers a profile."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    shapes = smooth_shapes(rng)
    writer: pq.ParquetWriter | None = None
    for start in range(0, rows, ROW_GROUP):
        table = library_rows(np.arange(start, min(start + ROW_GROUP, rows)), shapes, rng)
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def smooth_shapes(rng: np.random.Generator) -> np.ndarray:
    """(RANK, band) broad absorptions between 50 and 400 cm-1 wide."""
    centres = rng.uniform(WAVENUMBERS[0], WAVENUMBERS[-1], (RANK, 1))
    widths = rng.uniform(50, 400, (RANK, 1))
    return np.exp(-0.5 * ((WAVENUMBERS - centres) / widths) ** 2)


def library_rows(numbers: np.ndarray, shapes: np.ndarray, rng: np.random.Generator) -> pa.Table:
    """These rows of the library; EC follows the first absorption."""
    amounts = rng.gamma(2.0, 0.2, (len(numbers), RANK))
    spectra = 0.3 + amounts @ shapes + rng.normal(0.0, NOISE, (len(numbers), len(WAVENUMBERS)))
    spectra = np.asfortranarray(spectra, dtype=np.float32)
    columns: dict[str, object] = {
        "id.layer_uuid_txt": [f"s{number}" for number in numbers],
        "id.profile": [f"p{number // LAYERS}" for number in numbers],
        "ec_usda.a364_ds.m": np.expm1(amounts[:, 0]),
        **{f"scan_mir.{cm}_abs": spectra[:, band] for band, cm in enumerate(WAVENUMBERS)},
    }
    return pa.table(columns)


def in_fresh_process(file: Path, fit_rows: int) -> dict[str, float]:
    call = [sys.executable, __file__, "--measure", str(file), "--fit-rows", str(fit_rows)]
    told = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(told.stdout))


def measured(file: Path, fit_rows: int) -> dict[str, float]:
    """Seconds and MiB of this process: reading, then training on the first rows where asked."""
    from reading import read_spectra

    found = {"before_mib": peak_mib()}
    start = perf_counter()
    library = read_spectra(file, domain="mir", ec="ec1:2")
    found |= {"read_s": perf_counter() - start, "peak_mib": peak_mib()}
    if fit_rows:
        from deepsalt.estimators import LabRegressor

        some = library.take(np.arange(min(fit_rows, len(library))))
        start = perf_counter()
        LabRegressor().fit(some, "ec_ds_m")
        found["fit_s"] = perf_counter() - start
    return found


def peak_mib() -> float:
    """Largest resident memory of this process so far (Linux tells it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    main()
