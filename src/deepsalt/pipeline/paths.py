"""Paths and globs of a config."""

from __future__ import annotations

from collections.abc import Sequence
from glob import glob
from pathlib import Path

from deepsalt.errors import UsageError


def expand(patterns: Sequence[str], what: str) -> list[str]:
    """Paths and globs to existing paths, sorted. Raises UsageError for one that names nothing."""
    found: list[str] = []
    for pattern in patterns:
        matches = [pattern] if Path(pattern).exists() else sorted(glob(pattern))
        if not matches:
            raise UsageError(f"no {what} there", where=pattern, fix="Check the path.")
        found += matches
    return list(dict.fromkeys(found))
