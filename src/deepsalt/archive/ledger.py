"""What was done and what was set aside: a small record in each map's folder, and one for each failure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepsalt.archive.recipe import Made
from deepsalt.errors import DeepSaltError
from deepsalt.files import written_whole

#: In the folder of a map: what it was made from, and the size of every file.
LEDGER = "ledger.json"
#: Below the folder of all maps: one record for each scene that could not be mapped.
FAILED = "failed"


@dataclass(frozen=True)
class Failure:
    """A scene that was set aside.

    path   what was to be opened (the first of a composite)
    key    of inputs, model, settings and code, "" where the files could not even be looked at
    error  class of the error
    said   its text
    """

    path: str
    key: str
    error: str
    said: str

    @classmethod
    def of(cls, path: str, key: str, error: BaseException) -> Failure:
        words = str(error) if isinstance(error, DeepSaltError) else f"{type(error).__name__}: {error}"
        return cls(path, key, type(error).__name__, words or type(error).__name__)

    def record(self, out: Path) -> Path:
        place = hashlib.sha256(str(Path(self.path).absolute()).encode()).hexdigest()[:8]
        return out / FAILED / f"{Path(self.path).name}.{place}.json"


@dataclass(frozen=True)
class Ledger:
    """What lies in a folder of maps.

    maps      folder of each finished map by its key; those with a file missing or cut off are not there
    made      what the map in each folder was made from
    failures  by key
    """

    maps: dict[str, Path]
    made: dict[Path, Made]
    failures: dict[str, Failure]

    @classmethod
    def read(cls, out: Path) -> Ledger:
        """Records that cannot be read count as not there: the scene is done again."""
        made = dict(_made(out))
        return cls(
            maps={one.key: folder for folder, one in made.items()},
            made=made,
            failures={one.key: one for one in _failures(out)},
        )

    def why(self, folder: Path, wanted: Made) -> str:
        """In a few words, why the map in a folder does not do."""
        if not folder.exists():
            return "new"
        there = self.made.get(folder)
        if there is None:
            return "no record of what it was made from"
        untold = sorted(wanted.settings.keys() - there.settings.keys())
        changed = [
            name for name, value in wanted.settings.items() if there.settings.get(name, value) != value
        ]
        if there.inputs != wanted.inputs:
            changed.insert(0, "inputs")
        said = ((changed, "changed"), (untold, "not in its record"))
        return "; ".join(f"{', '.join(names)} {words}" for names, words in said if names)


def seal(folder: Path, made: Made) -> None:
    """Write the record into a folder that holds all other files of the map."""
    sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    _write(folder / LEDGER, {**asdict(made), "files": sizes})


def set_aside(out: Path, failure: Failure) -> None:
    """Write the record of a failure, in place of an earlier one of the same path."""
    _write(failure.record(out), asdict(failure))


def forgive(out: Path, path: str) -> None:
    """Forget the failure of a path, if there is one."""
    record = Failure(path, "", "", "").record(out)
    record.unlink(missing_ok=True)
    if record.parent.is_dir() and not any(record.parent.iterdir()):
        record.parent.rmdir()


def _made(out: Path) -> Iterator[tuple[Path, Made]]:
    for record in sorted(out.glob(f"*/{LEDGER}")):
        content = _read(record)
        try:
            made = Made(content["scene"], content["inputs"], content["settings"])
            whole = all(_size(record.parent / name) == size for name, size in content["files"].items())
        except (KeyError, TypeError, AttributeError):
            continue
        if whole:
            yield record.parent, made


def _failures(out: Path) -> Iterator[Failure]:
    for record in sorted((out / FAILED).glob("*.json")):
        try:
            yield Failure(**_read(record))
        except TypeError:
            continue


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else -1


def _read(record: Path) -> dict[str, Any]:
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(record: Path, content: dict[str, Any]) -> None:
    with written_whole(record) as aside:
        aside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
