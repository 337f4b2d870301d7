"""How a command is called, and how it ends: lists of values, one line for an error, an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from deepsalt.errors import DeepSaltError


class ManyValues(TyperCommand):
    """A command whose list options take several values: `--worlds 0 1 2` is `--worlds 0 --worlds 1 ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        many = {name for option in self.params if option.multiple for name in option.opts}
        return super().parse_args(ctx, _one_by_one(args, many))


def _one_by_one(args: Sequence[str], many: set[str]) -> list[str]:
    """The option's name written before each of its values.

    >>> _one_by_one(["run.toml", "--worlds", "0", "1", "--json"], {"--worlds"})
    ['run.toml', '--worlds', '0', '--worlds', '1', '--json']
    """
    found: list[str] = []
    current = ""
    for word in args:
        if word.startswith("--"):
            current = word if word in many else ""
        elif current and found[-1] != current:
            found.append(current)
        found.append(word)
    return found


def run_command(app: typer.Typer, arguments: list[str] | None = None) -> int:
    """Run a command; errors become one line on stderr and an exit code."""
    try:
        app(args=arguments, standalone_mode=True)
    except SystemExit as finished:
        return int(finished.code or 0) if not isinstance(finished.code, str) else 1
    except DeepSaltError as error:
        typer.echo(f"error: {error}", err=True)
        return error.exit_code
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        return 130
    except MemoryError:
        typer.echo("error: out of memory. Use fewer scenes or pixels at a time.", err=True)
        return 1
    return 0
