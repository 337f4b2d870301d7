"""The order of the house: imports only go downhill, and importing deepsalt stays quick."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "deepsalt"

#: Rank of each package or module; it may import only from lower ranks, and from itself.
RANK = {
    "errors": 0, "progress": 0,
    "units": 0.5, "files": 0.5, "parallel": 0.5, "places": 0.5, "quiet": 0.5,
    "spectra": 1, "salinity": 1,
    "readers": 2,
    "preprocessing": 3, "simulate": 3, "augment": 3,
    "pairing": 4, "labels": 4, "sampling": 4,
    "map_units": 4.5, "splits": 4.5,
    "models": 5,
    "training": 6,
    "adaptation": 6.5,
    "estimators": 7,
    "evaluation": 8, "mapping": 8,
    "archive": 8.5,
    "report": 9, "viewer": 9,
    "config": 10,
    "pipeline": 11,
    "console": 12,
    "cli": 13,
}  # fmt: skip

#: Modules that touch neither files nor tables: tensors in, tensors out.
TENSORS_ONLY_FORBIDS = {"pandas", "xarray", "rasterio", "pathlib", "json"}


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.name[0] != "_")


def home_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_names(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= (
                {node.module} if node.module != "deepsalt" else {f"deepsalt.{a.name}" for a in node.names}
            )
    return found


def rooms_imported_by(path: Path) -> set[str]:
    own = {name.split(".")[1] for name in imported_names(path) if name.startswith("deepsalt.")}
    return {room for room in own if room != "__version__"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_go_downhill(path: Path) -> None:
    home = home_of(path)
    assert home in RANK, f"{home} has no rank: give it one here and in the documentation"
    uphill = {room for room in rooms_imported_by(path) if room != home and RANK[room] >= RANK[home]}
    assert not uphill, f"{path.name} imports {uphill}, which stand no lower than {home}"


def test_the_rank_test_sees_an_uphill_import(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(
        "from deepsalt.cli import main\nfrom deepsalt import read\nimport deepsalt.training.loop\n"
    )
    assert rooms_imported_by(bad) == {"cli", "read", "training"}


@pytest.mark.parametrize("path", sorted((SOURCE / "models").glob("*.py")), ids=lambda path: path.name)
def test_models_know_tensors_only(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported_names(path)} & TENSORS_ONLY_FORBIDS


def test_worlds_and_method_do_not_know_each_other() -> None:
    for path in (SOURCE / "simulate").rglob("*.py"):
        assert not rooms_imported_by(path) & {"augment", "models", "training", "adaptation", "estimators"}
    for room in ("augment", "models", "training", "adaptation", "estimators", "preprocessing"):
        for path in (SOURCE / room).rglob("*.py"):
            assert "simulate" not in rooms_imported_by(path)


def number_tables(room: str) -> dict[tuple[float, ...], str]:
    """Every nested list of six numbers or more, such as nodes and bands, that a room writes down."""
    found = {}
    for path in (SOURCE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Tuple) and len(node.elts) >= 3:
                numbers = tuple(leaf.value for leaf in ast.walk(node) if isinstance(leaf, ast.Constant))
                if len(numbers) >= 6 and all(type(value) in (int, float) for value in numbers):
                    found[tuple(map(float, numbers))] = path.name
    return found


def test_worlds_and_draws_take_their_numbers_from_different_places() -> None:
    """A law of the world that the method had copied would make every simulated result worthless."""
    world, draws = number_tables("simulate"), number_tables("augment")
    assert len(world) > 20
    assert len(draws) >= 5
    assert not set(world) & set(draws)
    for theirs in world:
        for ours in draws:
            shared = set(zip(theirs[::2], theirs[1::2], strict=False)) & set(
                zip(ours[::2], ours[1::2], strict=False)
            )
            assert len(shared) < 0.3 * len(ours) / 2, f"{world[theirs]} and {draws[ours]} share {shared}"


HEAVY = (
    "torch", "xarray", "pandas", "sklearn", "rasterio", "matplotlib", "scipy", "dask", "distributed",
    "pystac", "shapely",
)  # fmt: skip


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(out.stdout.split())


def test_importing_deepsalt_imports_nothing_heavy() -> None:
    assert loaded_after("import deepsalt") == set()


def test_reading_and_mapping_rooms_do_not_import_torch() -> None:
    statement = (
        "import deepsalt.readers, deepsalt.mapping, deepsalt.simulate, deepsalt.config, deepsalt.labels, "
        "deepsalt.archive"
    )
    assert "torch" not in loaded_after(statement)


def test_every_public_name_is_there() -> None:
    import deepsalt

    for name in deepsalt.__all__:
        assert getattr(deepsalt, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        deepsalt.nothing  # noqa: B018


def test_warnings_are_silenced_in_one_place() -> None:
    """Two threads in `catch_warnings` leave each other's filters behind: scenes are read in threads."""
    collects = "pipeline/tasks.py"  # around a whole task, in a process of its own
    uses = {path for path in modules() if "catch_warnings(" in path.read_text(encoding="utf-8")}
    assert {str(path.relative_to(SOURCE)) for path in uses} == {"quiet.py", collects}


#: What can run the code of a file that is read.
RUNS_CODE = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "yaml",
    "runpy",
    "code",
}
CALLS_CODE = {"eval", "exec", "compile", "__import__", "torch.load", "torch.jit.load", "torch.hub.load",
              "torch.package", "np.load", "numpy.load", "pd.read_pickle", "pd.read_hdf"}  # fmt: skip


def code_runners(source: str) -> set[str]:
    """Imports and calls that could run what a file holds; `allow_pickle=False` makes numpy safe."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names} & RUNS_CODE
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module.split(".")[0]} & RUNS_CODE
        elif isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in CALLS_CODE:
            safe = any(
                word.arg == "allow_pickle" and ast.unparse(word.value) == "False" for word in node.keywords
            )
            found |= set() if safe else {name}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_runs_the_code_of_a_file(path: Path) -> None:
    assert code_runners(path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from joblib import load", "import yaml as y", "torch.load(p)", "eval(x)", "np.load(p)",
     "np.load(p, allow_pickle=True)"],
)  # fmt: skip
def test_the_code_test_sees_what_runs_code(source: str) -> None:
    assert code_runners(source)
    assert code_runners("np.load(p, allow_pickle=False)") == set()


def test_a_card_is_read_without_torch() -> None:
    assert "torch" not in loaded_after("import deepsalt.training.header, deepsalt.report.card")
