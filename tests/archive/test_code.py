"""A map that other code made is made again, and what counts as the code that makes maps."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.archive.toys import archive, recipe, silent
from tests.training.small_models import inputs, write_deepsalt

import deepsalt
from deepsalt.archive import map_archive, plan_maps
from deepsalt.archive.code import NO_SOURCES, code_fingerprint, fingerprint_of, makes_maps
from deepsalt.estimators import load_regressor
from deepsalt.spectra import Axis, Spectra

PACKAGE = Path(deepsalt.__file__).parent
#: What runs while a map is made and does not decide what is in it.
BOOKKEEPING = {"files.py", "quiet.py", "errors.py", "__init__.py", "training/__init__.py"}
_names = st.sampled_from(
    ["units.py", "readers/a.py", "readers/b.py", "mapping/stac/c.py", "spectra/sensors/d.csv"]
)


def package(root: Path, sources: dict[str, bytes]) -> Path:
    for name, content in sources.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@given(
    one=st.dictionaries(_names, st.binary(max_size=3)), other=st.dictionaries(_names, st.binary(max_size=3))
)
def test_two_codes_have_one_fingerprint_only_if_they_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    """Also where what one file loses at its end comes first in the next."""
    always = {"units.py": b"x"}
    first, second = {**always, **one}, {**always, **other}
    prints = [fingerprint_of(package(tmp_path_factory.mktemp("code"), which)) for which in (first, second)]
    assert (prints[0] == prints[1]) is (first == second)


def test_names_count_and_where_a_file_ends(tmp_path: Path) -> None:
    """The bytes of two files are never taken for those of one that holds the same in a row."""
    here = {"units.py": b"", "readers/a.py": b"x"}
    moved = {"units.py": b"", "readers/b.py": b"x"}
    two = {"readers/a.py": b"x", "readers/b.py": b"y"}
    one = {"readers/a.py": b"xreaders/b.py|y"}
    prints = [
        fingerprint_of(package(tmp_path / str(number), sources))
        for number, sources in enumerate((here, moved, two, one))
    ]
    assert len(set(prints)) == 4


def test_content_counts_and_time_does_not(tmp_path: Path) -> None:
    made = package(tmp_path, {"units.py": b"a = 1\n", "readers/enmap.py": b"b = 2\n"})
    before = fingerprint_of(made)
    assert len(before) == 16
    os.utime(made / "units.py", ns=(1, 1))
    assert fingerprint_of(made) == before
    times = (made / "units.py").stat()
    (made / "units.py").write_bytes(b"a = 2\n")
    os.utime(made / "units.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert fingerprint_of(made) != before


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("spectra/sensors/enmap.csv", True),
        ("models/deep/er.py", True),
        ("training/modelfile.py", True),
        ("training/loop.py", False),
        ("mapping/zonal/stats.py", False),
        ("mapping/combine/looks.py", False),
        ("mapping/zonally.py", True),
        ("unitsmore.py", False),
        ("report/page.py", False),
        ("readers/__pycache__/enmap.cpython-311.pyc", False),
        ("readers/.enmap.py.swp", False),
    ],
)
def test_what_counts_is_what_makes_maps(name: str, counts: bool, tmp_path: Path) -> None:
    before = fingerprint_of(package(tmp_path, {"units.py": b"a = 1\n"}))
    assert (fingerprint_of(package(tmp_path, {name: b"more"})) != before) is counts


def test_the_code_that_runs_here_has_one() -> None:
    assert code_fingerprint() == fingerprint_of(PACKAGE)
    assert len(code_fingerprint()) == 16


def running(work: Callable[[], Any]) -> set[str]:
    """The files of the package of which a function runs meanwhile, by their names in it."""
    seen: set[str] = set()

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            seen.add(frame.f_code.co_filename)

    before = sys.getprofile()
    threading.setprofile(look)
    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(before)
        threading.setprofile(None)  # type: ignore[arg-type]
    inside = (Path(name) for name in seen if name.startswith(f"{PACKAGE}{os.sep}"))
    return {path.relative_to(PACKAGE).as_posix() for path in inside}


def uncounted(files: set[str]) -> set[str]:
    return {name for name in files if not makes_maps(PACKAGE, PACKAGE / name)} - BOOKKEEPING


def test_all_that_runs_while_a_map_is_made_counts(tmp_path: Path) -> None:
    """But for the ledger and the plan, which decide whether a map is made and not what is in it."""
    paths, how = archive(tmp_path / "in", 2), recipe(tmp_path / "out")
    ran = running(lambda: map_archive(plan_maps(how, paths), how, silent))
    assert {"mapping/engine.py", "mapping/stac/item.py", "readers/geotiff.py", "archive/one.py"} <= ran
    assert {name for name in uncounted(ran) if not name.startswith("archive/")} == set()


def test_all_that_runs_while_a_model_is_read_and_asked_counts(tmp_path: Path) -> None:
    place = tmp_path / "model.safetensors"
    write_deepsalt(place)
    axis = Axis(np.array(inputs()["centres"]), "nm", np.array(inputs()["fwhm"]))
    asked = Spectra.of_table(np.full((4, 6), 0.3), axis, "reflectance", samples=pd.DataFrame(index=range(4)))
    ran = running(lambda: load_regressor(place).answers(asked))
    assert {"models/bridge.py", "training/modelfile.py", "estimators/conformal.py"} <= ran
    assert uncounted(ran) == set()


def test_a_map_of_other_code_is_made_again_once_and_the_plan_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, how = archive(tmp_path / "in", 1), recipe(tmp_path / "out")
    map_archive(plan_maps(how, paths), how, silent)
    assert plan_maps(how, paths).todo == ()
    monkeypatch.setattr("deepsalt.archive.recipe.code_fingerprint", lambda: "0123456789abcdef")
    plan = plan_maps(how, paths)
    assert [task.why for task in plan.todo] == ["code changed"]
    assert len(map_archive(plan, how, silent).made) == 1
    assert plan_maps(how, paths).todo == ()


def test_a_package_without_sources_goes_by_its_version_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ZipFile(tmp_path / "deepsalt.zip", "w") as zipped:
        zipped.writestr("deepsalt/units.py", "a = 1")
    assert fingerprint_of(tmp_path / "deepsalt.zip" / "deepsalt") == ""
    assert fingerprint_of(package(tmp_path / "compiled", {"units.pyc": b"a", "spectra/x.csv": b"b"})) == ""
    paths, how = archive(tmp_path / "in", 1), recipe(tmp_path / "out")
    assert plan_maps(how, paths).notes == ()
    for place in ("recipe", "plan"):
        monkeypatch.setattr(f"deepsalt.archive.{place}.code_fingerprint", lambda: "")
    map_archive(plan_maps(how, paths), how, silent)
    plan = plan_maps(how, paths)
    assert (plan.todo, plan.notes) == ((), (NO_SOURCES,))
    assert plan.to_dict()["notes"] == [NO_SOURCES]
    monkeypatch.setattr("deepsalt.__version__", "99")
    assert [task.why for task in plan_maps(how, paths).todo] == ["deepsalt changed"]
