"""How the commands speak: progress bars, tables, one JSON document, one line for an error."""

from deepsalt.console.commands import ManyValues, run_command
from deepsalt.console.console import Console

__all__ = ["Console", "ManyValues", "run_command"]
