"""A comparison on paper: compare.md and its figures, from the content of compare.json alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepsalt.evaluation.comparison import TUNED
from deepsalt.files import written_whole
from deepsalt.report.compare_figures import curves, dots
from deepsalt.report.figures import png, svg
from deepsalt.report.words import leak_lines, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COVER: Mapping[tuple[str, str], str] = {
    ("test", "covered"): ", the library covers the unseen region",
    ("test", "unknown"): ", the library does not know the unseen region",
    ("unseen", "unknown"): ", the library does not know it either",
    ("scene", "covered"): ", the library covers it",
    ("scene", "unknown"): ", the library does not know it",
}
_COLUMNS = (
    *("method", "kind", "RMSE", "95 %", "R²", "Spearman", "CCC"),
    *("difference", "95 %", "ratio", "verdict", "seconds"),
)
_OUTCOME: Mapping[str, str] = {"better": "better", "worse": "worse", "unclear": "may be chance"}
_LIMIT: Mapping[str, str] = {"exact": "", "at most": "at most ", "not reached": "not reached with "}


def write_comparison(folder: Path, document: Mapping[str, Any]) -> list[Path]:
    """compare.md, methods-N.png/.svg for each number of points, efficiency.png/.svg if there is a curve."""
    written = [
        path for name, figure in figures_of(document).items() for path in _write_figure(folder / name, figure)
    ]
    with written_whole(folder / "compare.md") as aside:
        aside.write_text(markdown(document), encoding="utf-8")
    return [folder / "compare.md", *written]


def figures_of(document: Mapping[str, Any]) -> dict[str, Figure]:
    """Figures by file name, without ending."""
    titles = {method["name"]: method["title"] for method in document["methods"]}
    found = {}
    for points in dict.fromkeys(table["points"] for table in document["tables"]):
        tables = [table for table in document["tables"] if table["points"] == points]
        found[f"methods-{points}"] = dots(tables, titles, [heading(table) for table in tables])
    if document["efficiency"]:
        entries = document["efficiency"]
        banded = (document["reference"], TUNED)
        found["efficiency"] = curves(entries, titles, [heading(entry) for entry in entries], banded)
    return found


def heading(entry: Mapping[str, Any]) -> str:
    """Part, kind of unseen and number of points in one line; the kinds are never left to guess."""
    words = entry["title"] + _COVER.get((entry["part"], entry["cover"]), "")
    if "points" in entry:
        words += f", {points_words(entry['points'])}"
    return str(words)


def points_words(points: int | str) -> str:
    """For example `150 ground points`, `all ground points`, `no ground point`."""
    return "no ground point" if points == 0 else f"{points} ground points"


def markdown(document: Mapping[str, Any]) -> str:
    """The whole comparison as Markdown."""
    titles = {method["name"]: method["title"] for method in document["methods"]}
    lines = [f"# Comparison: {document['name']}", "", *_leak_lines(document), *_about(document, titles), ""]
    for table in document["tables"]:
        lines += [f"## {heading(table)}", "", *_table_lines(table, titles), ""]
    for entry in (entry for entry in document["efficiency"] if entry["saved"]):
        lines += [f"## Ground points saved: {heading(entry)}", "", *_saved_lines(entry, titles), ""]
    lines += _failure_lines(document, titles)
    return "\n".join(lines).rstrip() + "\n"


def _leak_lines(document: Mapping[str, Any]) -> list[str]:
    """Leaks in red, where what shows the page knows colours."""
    lines = [f'<span style="color:red">**{line}**</span>' for line in leak_lines(document)]
    return [part for line in lines for part in (line, "")]


def verdict_on(table: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """Did the reference earn its place against the tuned baseline? One sentence; empty without either."""
    row = next((row for row in table["rows"] if row["method"] == TUNED), None)
    if row is None or row["against"] is None:
        return ""
    against = row["against"]
    gap = -against["difference"]  # of the reference against the baseline
    per_cent = f"{abs(100 * gap / against['rmse']):.0f} % {'less' if gap < 0 else 'more'} error"
    line = (
        f"{titles[table['reference']]} has {per_cent} than the best tuned baseline "
        f"({number(against['other_rmse'])} against {number(against['rmse'])})"
    )
    if against["difference_interval"] is None:
        return f"{line}; too few fields to say whether that is chance."
    low, high = (number(-edge, sign=True) for edge in reversed(against["difference_interval"]))
    words = {"better": "a loss", "worse": "a gain", "unclear": "no gain is shown"}[against["outcome"]]
    return f"{line}; 95 % interval of the difference {low} to {high}: {words}."


def _about(document: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    simulated = "**Simulated data.** " if document["simulated"] else ""
    cases = document["cases"]
    clusters = len({case["cluster"] for case in cases})
    words = (
        f"{simulated}{len(document['methods'])} methods on {len(cases)} cases ({clusters} lands), "
        f"all asked the same questions. Numbers are on {document['scale']}, averaged over cases. "
        f"Differences are the method minus the reference, *{titles[document['reference']]}*, on the same "
        "samples, with the 95 % interval over resampled lands and fields; only an interval without zero "
        "is more than chance."
    )
    return [words, *(f"- {note}" for note in document["notes"])]


def _table_lines(table: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    learned = number(table["learned"], 1)
    lines = [
        f"{table['question']} {table['cases']} cases; {learned} points learned from on average.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "|---|---|--:|---|--:|--:|--:|--:|---|--:|---|--:|",
        *(_row_line(row, table, titles) for row in table["rows"]),
    ]
    if table["best_baseline_in_hindsight"]:
        lines += ["", "† best baseline by its mean error on these very cases: chosen in hindsight."]
    verdict = verdict_on(table, titles)
    return [*lines, "", verdict] if verdict else lines


def _row_line(row: Mapping[str, Any], table: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    mark = " †" if row["method"] == table["best_baseline_in_hindsight"] else ""
    name = f"{titles[row['method']]}{mark}"
    if row["rmse"] is None:
        return f"| {name} | {row['kind']} | failed | {'– | ' * 9}{number(row['seconds'], 1)} |"
    failed = f" ({row['failed']} of {row['cases'] + row['failed']} failed)" if row["failed"] else ""
    metrics = [number(row["ln"][key]) for key in ("r2", "spearman", "ccc")]
    cells = [name, row["kind"], f"{number(row['rmse'])}{failed}", interval_words(row["interval"]), *metrics]
    cells += _against_cells(row, table)
    return "| " + " | ".join([*cells, number(row["seconds"], 1)]) + " |"


def _against_cells(row: Mapping[str, Any], table: Mapping[str, Any]) -> list[str]:
    if row["method"] == table["reference"]:
        return ["–", "–", "1", "reference"]
    against = row["against"]
    if against is None:
        return ["–", "–", "–", "no common case"]
    interval = interval_words(against["difference_interval"], sign=True)
    return [
        number(against["difference"], sign=True),
        interval,
        number(against["ratio"]),
        _OUTCOME[against["outcome"]],
    ]


def interval_words(interval: Sequence[float] | None, sign: bool = False) -> str:
    """For example `0.312 to 0.401`."""
    return "–" if interval is None else " to ".join(number(edge, sign=sign) for edge in interval)


def _saved_lines(entry: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    lines = [
        f"Where the curve of *{titles[entry['saved_against']].lower()}* comes down to the same error.",
        "",
        "| method | its points | its RMSE | baseline needs | factor saved |",
        "|---|--:|--:|---|--:|",
    ]
    for saved in entry["saved"]:
        needs = saved["longest"] if saved["other_points"] is None else saved["other_points"]
        cells = [
            titles[saved["method"]],
            f"{saved['points']:.0f}",
            number(saved["rmse"]),
            f"{_LIMIT[saved['limit']]}{needs:.0f}",
            "–" if saved["factor"] is None else f"{saved['factor']:.2f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _failure_lines(document: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    failed: dict[tuple[str, str], int] = {}
    for task in document["tasks"]:
        if task["failure"]:
            key = (task["method"], task["failure"])
            failed[key] = failed.get(key, 0) + 1
    if not failed:
        return []
    rows = [f"- {titles[method]}: {reason} ({times} cases)" for (method, reason), times in failed.items()]
    return ["## Failed", "", *rows]


def _write_figure(place: Path, figure: Figure) -> list[Path]:
    paths = [place.with_name(f"{place.name}.{ending}") for ending in ("png", "svg")]
    for path, content in zip(paths, (png(figure), svg(figure)), strict=True):
        with written_whole(path) as aside:
            aside.write_bytes(content)
    return paths
