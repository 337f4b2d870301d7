"""What a run folder holds, read once; parts that are not there yet stay empty."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from deepsalt.errors import UsageError
from deepsalt.estimators.model_card import ModelCard, model_card
from deepsalt.mapping.folder import SUMMARY


@dataclass(frozen=True)
class MapFolder:
    """One finished map of the run: its folder and the content of its map.json."""

    folder: Path
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class RunContent:
    """A run, as far as it got. Only `metrics` is always there.

    predictions  columns method, part, id, group, region, observed, predicted; empty where missing
    """

    root: Path
    metrics: Mapping[str, Any]
    predictions: pd.DataFrame
    history: list[dict[str, Any]] = field(default_factory=list)
    data: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)
    explanation: Mapping[str, Any] = field(default_factory=dict)
    maps: tuple[MapFolder, ...] = ()
    card: ModelCard | None = None

    @classmethod
    def read(cls, root: Path) -> RunContent:
        """Raises UsageError if there is no finished run, or one of its files is damaged."""
        if not (root / "metrics.json").is_file():
            raise UsageError(
                "no finished run there (metrics.json is missing)",
                where=str(root),
                fix="Make one with: deepsalt train CONFIG --out RUN",
            )
        summaries = sorted((root / "maps").glob(f"*/{SUMMARY}"))
        return cls(
            root=root,
            metrics=_json(root / "metrics.json"),
            predictions=_predictions(root / "predictions.parquet"),
            history=_json(root / "history.json", []),
            data=_json(root / "data.json", {}),
            config=_json(root / "config.json", {}),
            split=_json(root / "split.json", {}),
            versions=_json(root / "versions.json", {}),
            card=_card(root / "model.safetensors"),
            explanation=_json(root / "explanation.json", {}),
            maps=tuple(MapFolder(path.parent, _json(path)) for path in summaries),
        )

    @property
    def target(self) -> str:
        """What is predicted, for example `ECe` or `EC1:2.5`."""
        return str(self.metrics.get("target", "ECe"))

    @property
    def parts(self) -> list[str]:
        """Parts that have results, in the order of metrics.json."""
        asked = {row["part"] for row in self.metrics["results"]}
        named = [part for part in self.metrics.get("parts", {}) if part in asked]
        return named + sorted(asked - set(named))

    def results(self, part: str) -> list[dict[str, Any]]:
        """Rows of one part, in the order of the methods."""
        rows = [row for row in self.metrics["results"] if row["part"] == part]
        order = {name: i for i, name in enumerate(self.metrics.get("methods", []))}
        return sorted(rows, key=lambda row: order.get(row["method"], len(order)))

    def title(self, part: str) -> str:
        return str(self.metrics.get("parts", {}).get(part, {}).get("title", part))

    def question(self, part: str) -> str:
        return str(self.metrics.get("parts", {}).get(part, {}).get("question", ""))


def _json(path: Path, absent: Any = None) -> Any:
    if absent is not None and not path.is_file():
        return absent
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot be read ({error})", where=str(path), fix="Train or map again to renew it."
        ) from error


def _card(path: Path) -> ModelCard | None:
    """The model's card; its weights are not looked at."""
    from deepsalt.training import read_card

    return model_card(read_card(path), path) if path.is_file() else None


def _predictions(path: Path) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame(columns=["method", "part", "id", "group", "region", "observed", "predicted"])
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot be read ({error})", where=str(path), fix="Train the run again to renew it."
        ) from error
