"""Tables of a survey as files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest


@pytest.fixture
def write_tables(tmp_path: Path) -> Callable[[Sequence[str], Sequence[str]], tuple[Path, Path]]:
    """Write the lines of components and horizons and give the two paths."""

    def write(components: Sequence[str], horizons: Sequence[str]) -> tuple[Path, Path]:
        paths = tmp_path / "component.csv", tmp_path / "chorizon.csv"
        for path, lines in zip(paths, (components, horizons), strict=True):
            path.write_text("\n".join([*lines, ""]))
        return paths

    return write
