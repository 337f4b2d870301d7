"""What a run tells in the card of its model: data, licences, split, metrics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepsalt.config import Config
from deepsalt.estimators.model_card import About, SceneFacts, Source
from deepsalt.pipeline.prepare import Prepared
from deepsalt.pipeline.run import Run, plain
from deepsalt.spectra import Scene, Spectra

_PLACE = ("latitude", "longitude")


def about_satellite_run(
    config: Config, data: Prepared, inputs: Mapping[str, str], trained: str | None
) -> About:
    """What went into a run with satellite data; only rows that were learned from are told.

    inputs     digest of each file read, by path; the card has names alone
    trained    day, or None where it is not to be told
    """
    satellite, split = config.satellite, config.split
    assert satellite is not None
    train = data.part("train")
    held = f"whole fields, {split.test_share:.0%} of the points held out"
    if split.unseen_region:
        held += f"; no ground point of the region {split.unseen_region}"
    return _about(
        config,
        inputs,
        trained,
        libraries=[_library(config, name, one) for name, one in data.libraries.items()],
        points=source(Path(satellite.points).name, train, satellite.points_licence, "ece_ds_m"),
        scenes=[_scene(scene, data.unlabelled, train) for scene in data.scenes],
        satellite=satellite.licence,
        unlabelled=len(data.unlabelled),
        split=held,
    )


def about_laboratory_run(
    config: Config, library: Spectra, label: str, inputs: Mapping[str, str], trained: str | None
) -> About:
    """What went into a laboratory-only run; `label` is what it answers."""
    return _about(
        config,
        inputs,
        trained,
        libraries=[_library(config, config.library.domain or "laboratory", library)],
        split=f"whole profiles, {config.split.folds} folds in turn; the teacher then learned from all",
        label=label,
    )


def judged(about: About, document: Mapping[str, Any], method: str) -> About:
    """The same with what came out.

    document   metrics.json
    method     whose metrics these are
    """
    found = {
        "parts": _parts(document, method),
        "leaks": [f"{leak['found']}. {leak['fix']}" for leak in document["leaks"]],
        "notes": document["notes"],
    }
    return About.model_validate({**about.model_dump(), **found})


def tell(run: Run, about: About) -> None:
    """Put it into the run's model file, whose weights and fingerprint stay."""
    from deepsalt.training import tell_about

    tell_about(run.model, about.model_dump(mode="json"))


def source(name: str, table: Spectra, licence: str, target: str) -> Source:
    """What a table of spectra says of itself.

    target   column of the labels, dS/m
    """
    rows = table.samples
    known = rows[rows[target].notna()]
    label = known[target].to_numpy(np.float64)
    methods = known["ec_method"].dropna().value_counts() if "ec_method" in known else pd.Series(dtype=int)
    return Source(
        name=name,
        samples=len(rows),
        measured=len(known),
        groups=int(rows["group"].nunique()) if "group" in rows else None,
        methods={str(method): int(count) for method, count in methods.sort_index().items()},
        conversion=_conversion(known),
        ece_ds_m=(float(label.min()), float(np.median(label)), float(label.max())) if len(label) else None,
        regions=tuple(sorted(rows["region"].dropna().astype(str).unique())) if "region" in rows else (),
        box=box_of(rows),
        dates=_dates(rows),
        licence=licence,
    )


def box_of(rows: pd.DataFrame) -> tuple[float, float, float, float] | None:
    """South, north, west and east of the places of rows, outwards to 0.01 degree; None without any."""
    if not set(_PLACE) <= set(rows):
        return None
    latitude, longitude = (rows[name].dropna().to_numpy(np.float64) for name in _PLACE)
    if not len(latitude) or not len(longitude):
        return None
    edges = [
        step(side * 100) / 100
        for values in (latitude, longitude)
        for step, side in ((np.floor, values.min()), (np.ceil, values.max()))
    ]
    return float(edges[0]), float(edges[1]), float(edges[2]), float(edges[3])


def _about(config: Config, inputs: Mapping[str, str], trained: str | None, **facts: Any) -> About:
    """What both kinds of run tell alike."""
    return About(
        name=config.name,
        simulated=config.simulated,
        **({} if trained is None else {"trained": trained}),
        **config.model.model_dump(),
        fingerprints=_by_name(inputs),
        **facts,
    )


def _by_name(inputs: Mapping[str, str]) -> dict[str, str]:
    """Digests by the names of files, without their folders; names that repeat are numbered."""
    found: dict[str, str] = {}
    for path, digest in inputs.items():
        name = Path(path).name
        again = sum(known == name or known.startswith(f"{name} (") for known in found)
        found[f"{name} ({again + 1})" if again else name] = digest
    return found


def _library(config: Config, domain: str, table: Spectra) -> Source:
    target = "ece_ds_m" if config.library.target == "ece" else "ec_ds_m"
    return source(f"{Path(config.library.path).name}, {domain}", table, config.library.licence, target)


def _scene(scene: Scene, *tables: Spectra) -> SceneFacts:
    """A scene, and where its pixels lie that were learned from."""
    seen = pd.concat([table.samples for table in tables if "scene" in table.samples], ignore_index=True)
    mine = seen[seen["scene"] == scene.name]
    told = {} if scene.acquired is None else {"acquired": scene.acquired.date().isoformat()}
    return SceneFacts(name=scene.name, sensor=scene.sensor.name, pixels=len(mine), box=box_of(mine), **told)


def _parts(document: Mapping[str, Any], method: str) -> list[dict[str, Any]]:
    numbers = ("n", "groups", "dS_m", "ln", "intervals", "coverage")
    return [
        {
            "name": row["part"],
            **document["parts"][row["part"]],
            **plain({key: row.get(key) for key in numbers}),
        }
        for row in document["results"]
        if row["method"] == method
    ]


def _conversion(known: pd.DataFrame) -> float | None:
    """Median of standard error over ECe, of the samples whose ECe was converted."""
    if not {"ece_ds_m", "ece_sd_ds_m"} <= set(known):
        return None
    converted = known[(known["ece_sd_ds_m"] > 0) & (known["ece_ds_m"] > 0)]
    if not len(converted):
        return None
    return float((converted["ece_sd_ds_m"] / converted["ece_ds_m"]).median())


def _dates(rows: pd.DataFrame) -> tuple[str, str] | None:
    if "date" not in rows:
        return None
    days = pd.to_datetime(rows["date"], errors="coerce").dropna()
    return (f"{days.min():%Y-%m-%d}", f"{days.max():%Y-%m-%d}") if len(days) else None
