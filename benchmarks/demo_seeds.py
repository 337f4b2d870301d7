"""The demo on several simulated worlds: time, memory, and RMSE of every method, seed by seed.

    python benchmarks/demo_seeds.py --seeds 0 1 2 --out /tmp/demos

Prints one Markdown table a part. Worlds are simulated; a seed is a world and a training in one.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments.add_argument("--out", type=Path, required=True)
    chosen = arguments.parse_args()
    documents = [run_demo(seed, chosen.out / str(seed)) for seed in chosen.seeds]
    for part, facts in documents[0]["parts"].items():
        print(f"\n{facts['title']}, RMSE on ln(1 + ECe) (R2)\n")
        print(table(documents, part, chosen.seeds))


def run_demo(seed: int, out: Path) -> dict:
    """One demo in a process of its own; says on stderr what it cost."""
    start = perf_counter()
    command = [sys.executable, "-m", "deepsalt", "demo", "--seed", str(seed), "--out", str(out), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"seed {seed}: {perf_counter() - start:.0f} s, peak so far {peak:.2f} GiB", file=sys.stderr)
    return json.loads(done.stdout)


def table(documents: list[dict], part: str, seeds: list[int]) -> str:
    """A Markdown table: a row a method, a column a seed, and the mean RMSE."""
    lines = ["| method | " + " | ".join(f"seed {seed}" for seed in seeds) + " | mean |"]
    lines.append("|---" * (len(seeds) + 2) + "|")
    for method in documents[0]["methods"]:
        rows = [score(document, method, part) for document in documents]
        cells = [f"{row['rmse']:.3f} ({row['r2']:.2f})" for row in rows]
        mean = sum(row["rmse"] for row in rows) / len(rows)
        lines.append(f"| {method} | " + " | ".join(cells) + f" | {mean:.3f} |")
    return "\n".join(lines)


def score(document: dict, method: str, part: str) -> dict[str, float]:
    return next(r["ln"] for r in document["results"] if (r["method"], r["part"]) == (method, part))


if __name__ == "__main__":
    main()
