"""Prepared data on disk, so that every process of a comparison reads what one of them prepared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepsalt.errors import ProductError
from deepsalt.evaluation.leaks import Leak, from_facts
from deepsalt.evaluation.protocol import SCENE
from deepsalt.files import written_whole
from deepsalt.pipeline.prepare import Prepared
from deepsalt.spectra import Axis, Sensor, Spectra
from deepsalt.splits import Split

_SCENE = "scene"


@dataclass(frozen=True)
class CaseData:
    """What `Prepared` holds, without the open scenes."""

    libraries: Mapping[str, Spectra]
    sites: Spectra
    split: Split
    unlabelled: Spectra
    covariates: tuple[str, ...]
    leaks: tuple[Leak, ...] = ()
    scene: Spectra | None = None  # pixels of the unseen scene with their truth, if a simulation told it

    @classmethod
    def of(cls, data: Prepared, scene: Spectra | None = None) -> CaseData:
        names = data.covariate_names
        return cls(data.libraries, data.sites, data.split, data.unlabelled, names, data.leaks, scene)

    def part(self, name: str) -> Spectra:
        """The sites of one part of the split, or the pixels of the unseen scene."""
        if name == SCENE.name and self.scene is not None:
            return self.scene
        return self.sites.take(self.split.part(name))


def save_data(data: CaseData, folder: Path) -> None:
    """Write the folder whole."""
    with written_whole(folder) as aside:
        aside.mkdir()
        tables = {"sites": data.sites, "unlabelled": data.unlabelled, _SCENE: data.scene}
        for name, spectra in tables.items():
            if spectra is not None:
                save_spectra(spectra, aside / name)
        for domain, spectra in data.libraries.items():
            save_spectra(spectra, aside / f"library-{domain}")
        rows = {part: data.split.part(part).tolist() for part in ("train", "test", "unseen")}
        about = {
            "split": rows,
            "domains": list(data.libraries),
            "covariates": list(data.covariates),
            "leaks": [asdict(leak) for leak in data.leaks],
        }
        (aside / "data.json").write_text(json.dumps(about), encoding="utf-8")


def load_data(folder: Path) -> CaseData:
    """What `save_data` wrote. Raises ProductError for a damaged folder."""
    try:
        about = json.loads((folder / "data.json").read_text(encoding="utf-8"))
        rows = {part: np.array(at, np.intp) for part, at in about["split"].items()}
        return CaseData(
            libraries={name: load_spectra(folder / f"library-{name}") for name in about["domains"]},
            sites=load_spectra(folder / "sites"),
            split=Split(**rows),
            unlabelled=load_spectra(folder / "unlabelled"),
            covariates=tuple(about["covariates"]),
            leaks=load_leaks(folder),
            scene=load_spectra(folder / _SCENE) if (folder / _SCENE).is_dir() else None,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProductError(
            f"prepared data cannot be read ({error})", where=str(folder), fix="Remove this folder."
        ) from error


def load_leaks(folder: Path) -> tuple[Leak, ...]:
    """The leaks alone of what `save_data` wrote."""
    about = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    return tuple(from_facts(about.get("leaks", [])))


def save_spectra(spectra: Spectra, folder: Path) -> None:
    """A table of spectra as values.npy, samples.parquet and axis.json."""
    folder.mkdir()
    np.save(folder / "values.npy", spectra.values, allow_pickle=False)
    spectra.samples.to_parquet(folder / "samples.parquet", index=False)
    sensor = spectra.sensor
    about = {
        "quantity": spectra.quantity,
        "axis": _axis(spectra.axis),
        "sensor": None if sensor is None else _sensor(sensor),
        "provenance": list(spectra.provenance),
    }
    (folder / "axis.json").write_text(json.dumps(about), encoding="utf-8")


def load_spectra(folder: Path) -> Spectra:
    """What `save_spectra` wrote."""
    about = json.loads((folder / "axis.json").read_text(encoding="utf-8"))
    told = about["sensor"]
    return Spectra.of_table(
        np.load(folder / "values.npy", allow_pickle=False),
        _axis_from(about["axis"]),
        about["quantity"],
        samples=pd.read_parquet(folder / "samples.parquet"),
        sensor=None if told is None else Sensor(**{**told, "axis": _axis_from(told["axis"])}),
        provenance=about["provenance"],
    )


def _axis(axis: Axis) -> dict[str, Any]:
    fwhm = None if axis.fwhm is None else axis.fwhm.tolist()
    return {"values": axis.values.tolist(), "unit": axis.unit, "fwhm": fwhm}


def _axis_from(told: Mapping[str, Any]) -> Axis:
    return Axis(**{**told, "values": np.array(told["values"])})


def _sensor(sensor: Sensor) -> dict[str, Any]:
    return {
        "name": sensor.name,
        "axis": _axis(sensor.axis),
        "detector": list(sensor.detector),
        "good": None if sensor.good is None else sensor.good.tolist(),
        "noise": None if sensor.noise is None else sensor.noise.tolist(),
        "about": dict(sensor.about),
    }
