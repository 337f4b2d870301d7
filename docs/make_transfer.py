"""The tables of docs/transfer.md from a comparison.

python docs/make_transfer.py comparison/compare.json
python docs/make_transfer.py comparison/compare.json unseen scene     # these parts alone
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
#: Part -> its name above the first column, and whether R2 and rank correlation stand beside its RMSE.
PARTS = {"test": ("other fields", False), "unseen": ("unseen region", True), "scene": ("whole scene", True)}


def main() -> None:
    document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    titles = {one["name"]: one["title"] for one in document["methods"]}
    for points in dict.fromkeys(str(table["points"]) for table in document["tables"]):
        parts = {t["part"]: t for t in document["tables"] if str(t["points"]) == points}
        wanted = [part for part in sys.argv[2:] or PARTS if part in parts]
        print(f"\n{points} points\n\n{_table(parts, wanted, titles)}")


def _table(parts: dict[str, Row], wanted: Sequence[str], titles: dict[str, str]) -> str:
    """One line a method, the parts side by side."""
    rows = {part: {row["method"]: row for row in parts[part]["rows"]} for part in wanted}
    lines = _head(wanted)
    for name, there in rows[wanted[-1]].items():
        title = titles[name].replace("... ", "`deepsalt`, ")
        if "rmse" not in there or there["rmse"] is None:
            lines.append(f"| {title} | failed: {'; '.join(there['failures'])[:80]} |")
            continue
        every = there["cases"] + there["failed"]
        cells = [f"{title} ({there['failed']} of {every} failed)" if there["failed"] else title]
        for part in wanted:
            cells += _cells(rows[part][name], PARTS[part][1])
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _head(wanted: Sequence[str]) -> list[str]:
    names, rule = ["method"], ["---"]
    for part in wanted:
        title, ranked = PARTS[part]
        names += [f"{title}: RMSE", *(["R2", "Spearman"] if ranked else []), "difference"]
        rule += ["--:", *(["--:", "--:"] if ranked else []), "---"]
    return [f"| {' | '.join(names)} |", f"|{'|'.join(rule)}|"]


def _cells(row: Row, ranked: bool) -> list[str]:
    found = [f"{row['rmse']:.3f}"]
    if ranked:
        rank = row["ln"]["spearman"]
        found += [f"{row['ln']['r2']:.2f}", "-" if rank is None else f"{rank:.3f}"]
    return [*found, _difference(row)]


def _difference(row: Row) -> str:
    """With its interval; a star where that excludes zero."""
    found = row.get("against")
    if not found or found["method"] == found["other"]:
        return "reference"
    low, high = found["difference_interval"]
    star = " *" if low > 0 or high < 0 else ""
    return f"{found['difference']:+.3f} ({low:+.3f} to {high:+.3f}){star}"


if __name__ == "__main__":
    main()
