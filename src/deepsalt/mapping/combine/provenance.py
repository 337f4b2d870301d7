"""What a mosaic or a change says of the maps it is made of: tags, notes, a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deepsalt.mapping.combine.looks import How, Rules
from deepsalt.mapping.combine.maps import ALWAYS, FinishedMap
from deepsalt.salinity.classes import ClassScheme

#: Notes of single maps that are repeated; the others stand in their own map.json.
_MOST_NOTES = 8
#: What should be the same in maps that are compared: the tag, and what it is called.
_COMPARED = (
    ("MODEL", "model"),
    ("MODEL_FINGERPRINT", "fingerprint of the model"),
    ("MODEL_FILE", "model file"),
    ("SENSOR", "sensor"),
    ("COVARIATES", "covariates"),
    ("SURFACE_RULES", "rules of what is masked"),
    ("MAX_NDVI", "largest NDVI"),
)


def mosaic_tags(
    maps: Sequence[FinishedMap], *, how: How, rules: Rules, scheme: ClassScheme
) -> dict[str, str]:
    """Provenance for the files' tags. No clock: same maps, same bytes."""
    tags = {
        **_common_tags(maps),
        "CLASSES": scheme.name,
        "MAPS": str(len(maps)),
        "COMBINED": how,
        "RHO": f"{rules.rho:g}",
    }
    dates = sorted(one.acquired.isoformat() for one in maps if one.acquired)
    if dates:
        tags |= {"ACQUIRED_FIRST": dates[0], "ACQUIRED": dates[-1]}
    return tags if rules.level is None else {**tags, "LEVEL": f"{rules.level:g}"}


def change_tags(before: FinishedMap, after: FinishedMap, *, rho: float, alpha: float) -> dict[str, str]:
    tags = {
        **_common_tags((before, after)),
        "QUANTITY": "change of ECe",
        "BEFORE": before.scene,
        "AFTER": after.scene,
        "RHO": f"{rho:g}",
        "ALPHA": f"{alpha:g}",
    }
    dates = {"ACQUIRED_BEFORE": before.acquired, "ACQUIRED_AFTER": after.acquired}
    return {**tags, **{tag: when.isoformat() for tag, when in dates.items() if when}}


def of_each(maps: Iterable[FinishedMap]) -> list[dict[str, Any]]:
    """What map.json tells of each map."""
    return [
        {
            "scene": one.scene,
            "model": one.summary.get("model", ""),
            "model_fingerprint": one.tags.get("MODEL_FINGERPRINT"),
            "acquired": one.acquired.isoformat() if one.acquired else None,
        }
        for one in maps
    ]


def mosaic_notes(maps: Sequence[FinishedMap], how: How, rules: Rules, *, outside: bool) -> list[str]:
    notes = [f"Made of {len(maps)} map{'s' if len(maps) > 1 else ''} ({how})."]
    if rules.level is None:
        without = [one.scene for one in maps if one.level is None]
        notes.append(
            f"{len(without)} of {len(maps)} maps have no interval ({_some(without)}): all looks count alike, "
            "and no interval is given."
        )
    elif how != "latest":
        notes.append(
            f"The interval takes errors for normal on ln(1+ECe), and those of two looks for correlated by "
            f"{rules.rho:g}."
        )
    if outside:
        notes.append("Looks outside what the model knows count only where no look is inside.")
    notes += [f"Left out, because not every map has it: {name}." for name in _left_out(maps, rules, outside)]
    return [*notes, *differences(maps), *_repeated(maps)]


def differences(maps: Sequence[FinishedMap]) -> list[str]:
    """One sentence for each thing in which the maps were made differently."""
    notes = []
    for tag, called in _COMPARED:
        told = list(dict.fromkeys(one.tags.get(tag, "not told") for one in maps))
        if len(told) > 1:
            notes.append(f"The maps differ in {called}: {_some(told)}.")
    return notes


def _common_tags(maps: Sequence[FinishedMap]) -> dict[str, str]:
    from deepsalt import __version__

    tags = {"TIFFTAG_SOFTWARE": f"deepsalt {__version__}", "QUANTITY": "ECe", "UNIT": "dS/m"}
    for tag in ("DEPTH", "MODEL", "MODEL_FINGERPRINT", "MODEL_FILE", "SENSOR", "SURFACE_RULES", "COVARIATES"):
        told = sorted({one.tags[tag] for one in maps if tag in one.tags})
        if told:
            tags[tag] = _some(told)
    simulated = sorted({one.tags["SIMULATED"] for one in maps if "SIMULATED" in one.tags})
    tags.setdefault("MODEL", "not told")
    return {**tags, "SIMULATED": simulated[0]} if simulated else tags


def _left_out(maps: Sequence[FinishedMap], rules: Rules, outside: bool) -> list[str]:
    made = {*ALWAYS, *rules.thresholds}
    if rules.level is not None:
        made |= {"ece_low", "ece_high"}
    if outside:
        made.add("outside")
    return sorted(set().union(*(one.headers for one in maps)) - made)


def _repeated(maps: Sequence[FinishedMap]) -> list[str]:
    """Notes of the maps, each once."""
    told: Mapping[str, None] = dict.fromkeys(
        str(note) for one in maps for note in one.summary.get("notes", [])
    )
    more = len(told) - _MOST_NOTES
    notes = [f"Of a map: {note}" for note in list(told)[:_MOST_NOTES]]
    return [*notes, f"{more} more notes stand in the maps' own map.json."] if more > 0 else notes


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = "; ".join(names[:most])
    return f"{shown}; and {len(names) - most} more" if len(names) > most else shown
