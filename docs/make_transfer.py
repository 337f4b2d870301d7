"""The tables of docs/transfer.md from a comparison.

python docs/make_transfer.py comparison/compare.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Row = dict[str, Any]
HEAD = (
    "| method | other fields: RMSE | difference | unseen region: RMSE | R2 | Spearman | difference |\n"
    "|---|--:|---|--:|--:|--:|---|"
)
HEAD_UNSEEN = "| method | unseen region: RMSE | R2 | Spearman | difference |\n|---|--:|--:|--:|---|"


def main() -> None:
    document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    titles = {one["name"]: one["title"] for one in document["methods"]}
    for points in dict.fromkeys(str(table["points"]) for table in document["tables"]):
        parts = {t["part"]: t for t in document["tables"] if str(t["points"]) == points}
        print(f"\n{points} points\n\n{_table(parts, titles)}")


def _table(parts: dict[str, Row], titles: dict[str, str]) -> str:
    """One line a method; the test on other fields beside the unseen region where both were asked."""
    rows = {part: {row["method"]: row for row in table["rows"]} for part, table in parts.items()}
    lines = [HEAD if "test" in rows else HEAD_UNSEEN]
    for name, there in rows["unseen"].items():
        title = titles[name].replace("... ", "`deepsalt`, ")
        if "rmse" not in there or there["rmse"] is None:
            lines.append(f"| {title} | failed: {'; '.join(there['failures'])[:80]} |")
            continue
        ranked = there["ln"]["spearman"]
        every = there["cases"] + there["failed"]
        cells = [f"{title} ({there['failed']} of {every} failed)" if there["failed"] else title]
        if "test" in rows:
            home = rows["test"][name]
            cells += [f"{home['rmse']:.3f}", _difference(home)]
        cells += [f"{there['rmse']:.3f}", f"{there['ln']['r2']:.2f}"]
        cells += ["-" if ranked is None else f"{ranked:.3f}", _difference(there)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


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
