"""Examples of the documentation: the `pycon` blocks of a page run as one session and say what they show."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
import typer

from deepsalt.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ALIKE = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def examples_in(text: str) -> str:
    """The blocks of a page, one after the other, as one session."""
    return "\n".join(_BLOCK.findall(text))


def failures(session: str, name: str) -> str:
    """What went wrong, as doctest tells it; "" where all is as shown."""
    told: list[str] = []
    test = doctest.DocTestParser().get_doctest(session, {}, name, None, None)
    doctest.DocTestRunner(optionflags=_ALIKE).run(test, out=told.append)
    return "".join(told)


WITH_EXAMPLES = [page for page in PAGES if examples_in(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.name)
def test_a_page_says_what_its_examples_do(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = failures(examples_in(page.read_text(encoding="utf-8")), page.name)
    assert not told, told


def test_pages_that_promise_functions_have_examples() -> None:
    assert {page.name for page in WITH_EXAMPLES} >= {
        "ec.md", "labels.md", "masks.md", "quality.md", "splits.md",
    }  # fmt: skip


@pytest.mark.parametrize("shown", ["3", "Traceback (most recent call last):\n    ...\nValueError: none"])
def test_a_wrong_example_is_seen(shown: str) -> None:
    page = (
        f"# A page\n\n```pycon\n>>> x = 1\n>>> x + 1\n{shown}\n```\n\nand on.\n\n```python\n>>> 1 / 0\n```\n"
    )
    assert "Failed example:\n    x + 1" in failures(examples_in(page), "page")
    assert failures(examples_in(page.replace(shown, "2")), "page") == ""


# --- commands -----------------------------------------------------------------------------------------


def unknown_words(text: str) -> list[str]:
    """Commands and options of the page's `deepsalt ...` lines that the command line does not have."""
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    found = []
    for line in re.findall(
        r"^    (?:\$ )?(?:\.venv/bin/)?deepsalt (.+)$", text.replace("\\\n", ""), re.MULTILINE
    ):
        name, *words = line.split(" #")[0].split()
        if name not in known:
            found.append(name)
            continue
        options = {option for one in known[name].params for option in (*one.opts, *one.secondary_opts)}
        found += [f"{name} {word}" for word in words if word.startswith("--") and word not in options]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_commands_and_options_that_are_there(page: Path) -> None:
    assert unknown_words(page.read_text(encoding="utf-8")) == []


def test_the_readme_shows_every_command() -> None:
    shown = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
        assert f"deepsalt {name} " in shown or f"make {name} " in shown, name


def test_a_wrong_command_is_seen() -> None:
    lines = (
        "mpa run x.tif",
        "map run 'a b' --outt maps --json    # --words",
        "ec --list",
        "ec 1 \\\n        --too ece",
    )
    page = "".join(f"    deepsalt {line}\n" for line in lines)
    assert unknown_words(page) == ["mpa", "map --outt", "ec --too"]
