"""The model card as a page: the same parts on the screen, in Markdown and in the report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepsalt.estimators.model_card import NOT_STATED, ModelCard, PartFacts, Source, printable
from deepsalt.report.words import number, rows, text

#: Longer lists of files and scenes are cut; `deepsalt inspect --json` has all.
_LONGEST = 20
_SPECIAL = "\\`*_{}[]<>()#|~"


@dataclass(frozen=True)
class CardPart:
    """One section of the page: sentences, then facts by name, then a table."""

    title: str
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    heads: tuple[str, ...] = ()
    records: tuple[tuple[str, ...], ...] = ()


def card_parts(card: ModelCard) -> list[CardPart]:
    """The page from top to bottom; parts with nothing to tell are left out."""
    about = card.about
    parts = [
        CardPart("Must not be used for", lines=card.limits),
        CardPart("What it is", facts=_what(card)),
        _sources(about.points, *about.libraries),
        _scenes(card),
        CardPart("Held out", lines=(f"Split: {about.split}.", *map(_asked, about.parts))),
        _metrics(about.parts),
        CardPart("Where it may be believed", facts=_facts(card.applicability or {})),
        CardPart("To know", lines=(*about.leaks, *about.notes)),
        CardPart("What else the file holds", lines=card.knows),
        CardPart("Made with", facts=(*_facts(card.versions), *_files(about.fingerprints))),
    ]
    return [part for part in parts if part.lines or part.facts or part.records]


def card_markdown(card: ModelCard) -> str:
    """The page as Markdown, with the front matter that model hubs read."""
    front = {"library_name": "deepsalt", "tags": ["soil-salinity", "hyperspectral", card.preset]}
    if card.about.licence != NOT_STATED:
        front["license"] = card.about.licence
    if card.about.simulated:
        front["tags"] = [*front["tags"], "simulated"]
    head = ["---", *(f"{key}: {json.dumps(value)}" for key, value in front.items()), "---", ""]
    return "\n".join([*head, card_page(card)])


def card_page(card: ModelCard) -> str:
    """The page as Markdown without front matter."""
    lines = [f"# {_plain(card.title)}", ""]
    for part in card_parts(card):
        lines += [f"## {part.title}", "", *(f"- {_plain(line)}" for line in part.lines)]
        lines += [""] if part.lines else []
        lines += _table(("", ""), part.facts) + _table(part.heads, part.records)
    return "\n".join(lines)


def _what(card: ModelCard) -> tuple[tuple[str, str], ...]:
    about = card.about
    told = {
        "answers": f"{about.label} in {card.unit}, learned on {card.learned_on}",
        "depth": card.depth,
        "preset": card.preset,
        "sensor": card.sensor,
        "bands": "; ".join(card.bands),
        "covariates": ", ".join(card.covariates) or "none",
        "simulated data": "yes" if about.simulated else "no",
        "trained": about.trained,
        "seed": card.seed,
        "author": about.author,
        "contact": about.contact,
        "licence of the model": about.licence,
        "fingerprint": f"{card.fingerprint} (weights and all that an answer depends on)",
        "format": card.format,
        "needs of its reader": ", ".join(card.requires) or "nothing beyond the format",
    }
    return tuple((key, text(value)) for key, value in told.items())


def _sources(*found: Source | None) -> CardPart:
    """One column a library or table of points; what none of them tells is left out."""
    known = [one for one in found if one is not None]
    told = [_source(one) for one in known]
    names = [name for name in (told[0] if told else {}) if any(one[name] != "–" for one in told)]
    records = tuple((name, *(one[name] for one in told)) for name in names)
    return CardPart("Learned from", heads=("", *(one.name for one in known)), records=records)


def _source(one: Source) -> dict[str, str]:
    methods = ", ".join(f"{name} ({count})" for name, count in one.methods.items())
    error = "" if one.conversion is None else f"{one.conversion:.0%} (median standard error)"
    return {
        "samples": f"{one.samples}, {one.measured} of them with EC",
        "fields or profiles": text(one.groups),
        "EC measured as": methods or "–",
        "error of conversion to ECe": error or "–",
        "dS/m": _range(one),
        "regions": text(list(one.regions) or None),
        "places": _box(one.box),
        "dates": " to ".join(one.dates) if one.dates else "–",
        "licence": one.licence,
    }


def _range(one: Source) -> str:
    if one.ece_ds_m is None:
        return "–"
    low, middle, high = map(number, one.ece_ds_m)
    return f"{low} to {high}, median {middle}"


def _scenes(card: ModelCard) -> CardPart:
    about = card.about
    if not about.scenes:
        return CardPart("Scenes")
    more = len(about.scenes) - _LONGEST
    lines = [f"{about.unlabelled} pixels without a label. Licence of the scenes: {about.satellite}."]
    lines += [f"{more} more scenes are not shown."] if more > 0 else []
    records = tuple(
        (one.name, one.sensor, one.acquired, str(one.pixels), _box(one.box))
        for one in about.scenes[:_LONGEST]
    )
    heads = ("scene", "sensor", "acquired", "pixels learned from", "where they lie")
    return CardPart("Scenes", lines=tuple(lines), heads=heads, records=records)


def _asked(part: PartFacts) -> str:
    return f"{part.title} ({part.n} samples of {part.groups} groups): {part.question}"


def _metrics(parts: Sequence[PartFacts]) -> CardPart:
    """Errors with their 95 % intervals over groups, and how far predicted intervals hold."""
    heads = ("", "RMSE, ln", "R², ln", "RMSE, dS/m", "MAE, dS/m", "bias, dS/m", "68 % holds", "90 % holds")
    asked = (("ln", "rmse"), ("ln", "r2"), ("dS_m", "rmse"), ("dS_m", "mae"), ("dS_m", "bias"))
    records = tuple(
        (
            f"{part.title} (n = {part.n})",
            *(_with_interval(part, scale, name) for scale, name in asked),
            *(_covered(part, level) for level in ("68", "90")),
        )
        for part in parts
    )
    lines = ("In brackets: 95 % intervals, whole groups drawn with replacement.",) if parts else ()
    return CardPart("How well it does", lines=lines, heads=heads, records=records)


def _with_interval(part: PartFacts, scale: str, name: str) -> str:
    value = number((part.ln if scale == "ln" else part.dS_m).get(name), sign=name == "bias")
    if part.intervals is None or name not in part.intervals.get(scale, {}):
        return value
    low, high = part.intervals[scale][name]
    return f"{value} ({number(low)} to {number(high)})"


def _covered(part: PartFacts, level: str) -> str:
    share = (part.coverage or {}).get(level, {}).get("share")
    return "–" if share is None else f"{share:.0%}"


def _box(box: tuple[float, float, float, float] | None) -> str:
    if box is None:
        return "–"
    return "{:.2f} to {:.2f} N, {:.2f} to {:.2f} E".format(*box)


def _files(fingerprints: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    shown = tuple(fingerprints.items())[:_LONGEST]
    more = len(fingerprints) - len(shown)
    return (*shown, ("more files", str(more))) if more else shown


def _facts(content: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((printable(name), printable(value)) for name, value in rows(content)) if content else ()


def _table(heads: Sequence[str], records: Sequence[Sequence[str]]) -> list[str]:
    if not records:
        return []
    lines = [heads, ["---"] * len(heads), *records]
    return [f"| {' | '.join(_plain(cell) for cell in line)} |" for line in lines] + [""]


def _plain(line: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in " ".join(line.split()))
