"""The run folder: everything one experiment used and found, in plain files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd

from deepsalt.errors import OutputError, UsageError
from deepsalt.files import written_whole


@dataclass(frozen=True)
class Run:
    """A run folder.

    config.json, data.json, split.json, metrics.json, history.json, versions.json, explanation.json,
    predictions.parquet, model.safetensors, log.txt, maps/<scene>/..., report.html
    """

    root: Path

    @classmethod
    def create(cls, root: str | Path) -> Run:
        """The folder of a new run; an empty folder or an earlier run may be there.

        Raises OutputError if something else is in the way.
        """
        place = Path(root)
        if place.exists() and not place.is_dir():
            raise OutputError("a file is in the way", where=str(place), fix="Choose another --out.")
        if place.is_dir() and any(place.iterdir()) and not (place / "config.json").is_file():
            raise OutputError(
                "the folder is not empty and holds no run",
                where=str(place),
                fix="Choose a new folder with --out.",
            )
        return cls(place)

    @classmethod
    def open(cls, root: str | Path) -> Run:
        """A finished run. Raises UsageError if there is none."""
        place = Path(root)
        if not (place / "metrics.json").is_file():
            raise UsageError(
                "no finished run there (metrics.json is missing)",
                where=str(place),
                fix="Make one with: deepsalt train CONFIG --out RUN",
            )
        return cls(place)

    @property
    def model(self) -> Path:
        return self.root / "model.safetensors"

    @property
    def maps(self) -> Path:
        return self.root / "maps"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def predictions(self) -> Path:
        return self.root / "predictions.parquet"

    def read(self, name: str) -> Any:
        """Content of NAME.json. Raises UsageError if it is missing or damaged."""
        try:
            return json.loads((self.root / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{name}.json cannot be read ({error})", where=str(self.root), fix="Train the run again."
            ) from error

    def has(self, name: str) -> bool:
        return (self.root / f"{name}.json").is_file()

    def write(self, name: str, content: Any) -> None:
        """Write NAME.json whole."""
        write_json(self.root / f"{name}.json", content)

    def write_predictions(self, table: pd.DataFrame) -> None:
        with written_whole(self.predictions) as aside:
            table.to_parquet(aside, index=False)

    def read_predictions(self) -> pd.DataFrame:
        """The predictions table. Raises UsageError if it is missing or damaged."""
        try:
            return pd.read_parquet(self.predictions)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"predictions.parquet cannot be read ({error})",
                where=str(self.root),
                fix="Train the run again.",
            ) from error

    def log(self, line: str) -> None:
        """Add a line to log.txt."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with (self.root / "log.txt").open("a", encoding="utf-8") as stream:
                stream.write(line.rstrip("\n") + "\n")
        except OSError as error:
            raise OutputError(
                f"could not be written: {error.strerror}",
                where=str(self.root / "log.txt"),
                fix="Check the disk.",
            ) from error

    @contextmanager
    def timed(self, what: str, seconds: dict[str, float] | None = None) -> Iterator[None]:
        """Log how long a block took, and add it to `seconds`."""
        start = perf_counter()
        yield
        took = perf_counter() - start
        self.log(f"{what}: {took:.1f} s")
        if seconds is not None:
            seconds[what] = round(took, 1)


def write_json(path: Path, content: Any) -> None:
    """Write plain values as JSON, whole; NaN becomes null."""
    with written_whole(path) as aside:
        aside.write_text(to_json(content) + "\n", encoding="utf-8")


def to_json(content: Any) -> str:
    """JSON text; NaN and infinity become null, because JSON has no such numbers."""
    return json.dumps(plain(content), indent=1, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """What JSON can hold: arrays as lists, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return str(value)
