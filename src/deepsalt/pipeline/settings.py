"""Hyperparameters of the preset from the config's [method.settings]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from deepsalt.errors import ConfigError

if TYPE_CHECKING:
    from deepsalt.training import DeepSaltSettings, LabSettings, PaperSettings

_T = TypeVar("_T")
_SWITCHES = ("adaptation", "distillation")


def preset_settings(preset: str, changes: Mapping[str, Any]) -> PaperSettings | DeepSaltSettings:
    """The settings of a preset with changes. Raises ConfigError as `paper_settings` does."""
    return deepsalt_settings(changes) if preset == "deepsalt" else paper_settings(changes)


def lab_settings(preset: str, changes: Mapping[str, Any]) -> PaperSettings | LabSettings:
    """The settings of a preset's teacher on its own, with changes. Raises ConfigError as the others do."""
    from deepsalt.training import LabSettings

    if preset == "paper":
        return paper_settings(changes)
    _refuse_switches(changes)
    return _changed(LabSettings(), changes, "method.settings")


def deepsalt_settings(changes: Mapping[str, Any]) -> DeepSaltSettings:
    """The default settings of the preset `deepsalt` with changes; [method.settings.draws]: the draws."""
    from deepsalt.training import DeepSaltSettings

    _refuse_switches(changes)
    return _changed(DeepSaltSettings(), changes, "method.settings")


def paper_settings(changes: Mapping[str, Any]) -> PaperSettings:
    """The default settings with changes; a table changes the values of one stage or network.

    Raises ConfigError for an unknown key, naming the nearest, or a value that cannot be used.
    """
    from deepsalt.training import PaperSettings

    _refuse_switches(changes)
    return _changed(PaperSettings(), changes, "method.settings")


def _refuse_switches(changes: Mapping[str, Any]) -> None:
    for switch in _SWITCHES:
        if switch in changes:
            raise ConfigError(
                "stands in the wrong place",
                where=f"method.settings.{switch}",
                fix=f"Move it to [method]: {switch} = ...",
            )


def _changed(base: _T, changes: Mapping[str, Any], where: str) -> _T:
    known = [entry.name for entry in fields(base)]  # type: ignore[arg-type]
    made: dict[str, Any] = {}
    for key, value in changes.items():
        if key not in known:
            close = get_close_matches(key, known, n=1)
            fix = f"Did you mean {close[0]!r}?" if close else f"Known there: {', '.join(known)}."
            raise ConfigError(f"unknown key {key!r}", where=where, fix=fix)
        made[key] = _value(getattr(base, key), value, f"{where}.{key}")
    try:
        return replace(base, **made)  # type: ignore[type-var]
    except ConfigError as error:
        raise ConfigError(error.found, where=where, fix=error.fix) from error


def _value(now: Any, value: Any, where: str) -> Any:
    if is_dataclass(now):
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"{value!r} is no table", where=where, fix=f"Write [{where}] and its keys below."
            )
        return _changed(now, value, where)
    if isinstance(now, tuple) and isinstance(value, list):
        return tuple(value)
    allowed = (int, float) if isinstance(now, float) else (type(now),)
    if not isinstance(value, allowed) or isinstance(value, bool) != isinstance(now, bool):
        raise ConfigError(
            f"{value!r} cannot be used", where=where, fix=f"Give a value like the default, {now!r}."
        )
    return value
