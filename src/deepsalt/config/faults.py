"""What is wrong with a config, in one line that names the nearest known word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeGuard, get_args

from pydantic import ValidationError

from deepsalt.config.run import Config
from deepsalt.config.section import Section
from deepsalt.errors import ConfigError


def config_error(error: ValidationError, where: str, base: type[Section] | None = None) -> ConfigError:
    """The first of the errors in one line; `base` is the section that was checked, None for all of Config."""
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] != "extra_forbidden":
        found = "" if first["type"] == "missing" else f", found {str(first['input'])[:60]!r}"
        return ConfigError(f"{place}: {first['msg']}{found}{more}", where=where, fix=_nearest_value(first))
    known = _keys_at(tuple(str(step) for step in first["loc"][:-1]), base or Config)
    key = str(first["loc"][-1])
    close = get_close_matches(key, known, n=1)
    fix = f"Did you mean {close[0]!r}?" if close else f"Known there: {', '.join(known)}."
    return ConfigError(f"unknown key {place!r}{more}", where=where, fix=fix)


def _nearest_value(error: Mapping[str, Any]) -> str:
    """The known word most like the one that was given, where only some words are allowed."""
    if error["type"] != "literal_error":
        return ""
    close = get_close_matches(str(error["input"]), re.findall("'([^']+)'", error["ctx"]["expected"]), n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


def _keys_at(steps: tuple[str, ...], base: type[Section]) -> list[str]:
    """The keys of the section that the steps lead to."""
    section = base
    for step in steps:
        annotation = section.model_fields[step].annotation
        section = next(kind for kind in (annotation, *get_args(annotation)) if _is_section(kind))
    return sorted(section.model_fields)


def _is_section(kind: Any) -> TypeGuard[type[Section]]:
    return isinstance(kind, type) and issubclass(kind, Section)
