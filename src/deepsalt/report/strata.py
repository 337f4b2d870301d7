"""Where the full method errs: its numbers by class, region, zone and season, and as a detector of salt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepsalt.report.content import RunContent
from deepsalt.report.words import FULL_METHODS, number

_HEADINGS: Mapping[str, str] = {
    "class": "Class",
    "region": "Region",
    "climate_zone": "Climate zone",
    "soil_class": "Soil class",
    "season": "Season",
    "observed": "Observed",
}


def strata(content: RunContent, part: str) -> dict[str, Any] | None:
    """The table of one part, for one method; None where the run has no such numbers.

    method     the full method, or the last of the run
    rows       by, value, n, rmse with its interval on the log scale, mae and bias in dS/m, all as text
    detection  threshold, auc with its interval, f1, confusion matrix, as text; none where no sample is saline
    label      a sentence on the error of the labels themselves, "" where it is not known
    """
    result = _shown(content.results(part))
    if result is None:
        return None
    rows = [
        _row(row)
        for row in content.metrics.get("strata", [])
        if (row["method"], row["part"]) == (result["method"], part)
    ]
    found = [_detected(one) for one in result.get("detection", []) if one["tp"] + one["fn"]]
    if not rows and not found:
        return None
    label = _label(result.get("label_error"))
    return {"method": result["method"], "rows": rows, "detection": found, "label": label}


def _shown(results: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    full = [row for name in FULL_METHODS for row in results if row["method"] == name]
    return full[0] if full else results[-1] if results else None


def _row(row: Mapping[str, Any]) -> dict[str, str]:
    between = row.get("intervals", {}).get("ln", {}).get("rmse")
    return {
        "by": _HEADINGS.get(row["by"], str(row["by"])),
        "value": str(row["value"]).replace("_", " "),
        "n": number(row["n"]),
        "rmse": number(row["ln"]["rmse"]),
        "interval": " to ".join(map(number, between)) if between else "too few groups",
        "mae": number(row["dS_m"]["mae"]),
        "bias": number(row["dS_m"]["bias"], sign=True),
    }


def _detected(one: Mapping[str, Any]) -> dict[str, str]:
    counts = {key: number(one[key]) for key in ("tp", "fp", "fn", "tn")}
    edges = one.get("intervals", {}).get("auc")
    between = " to ".join(map(number, edges)) if edges else "–"
    scores = {"auc": number(one["auc"]), "interval": between, "f1": number(one["f1"])}
    return {"at": f"{one['threshold']:g}", **scores, **counts}


def _label(error: Mapping[str, Any] | None) -> str:
    """For example: of the squared error on ln(1 + ECe), 31 % is that of the labels themselves."""
    if error is None or error["ln"]["share"] is None:
        return ""
    told = error["ln"]
    if told["share"] >= 1:
        return (
            "The stated errors of the labels are larger than the error that is seen: "
            "they cannot be told from errors of the method."
        )
    return (
        f"Of the mean squared error on the log scale, {100 * told['share']:.0f} % is that of the labels "
        f"themselves ({number(told['n'])} labels with a known error); against the truth the RMSE is about "
        f"{number(told['true_rmse'])}, and no method can pass R² {number(told['best_r2'])} on these labels."
    )
