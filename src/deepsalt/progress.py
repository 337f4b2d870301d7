"""What is called by work that takes long, to tell how far it is."""

from __future__ import annotations

from collections.abc import Callable

#: progress(what is being done, steps done, steps in all)
Progress = Callable[[str, int, int], None]
