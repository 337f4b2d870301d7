"""A toy land whose physics is known, darker means saltier, for the tests of the preset deepsalt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from tests.mapping.conftest import MemoryScene, scene_of

from deepsalt.augment import BridgeSettings
from deepsalt.estimators import DeepSaltRegressor
from deepsalt.preprocessing.resample import resample
from deepsalt.readers.bands import faults_of
from deepsalt.spectra import Axis, MaskReason, Sensor, Spectra
from deepsalt.training import DeepSaltSettings
from deepsalt.units import log_ece

LAB = Axis(np.arange(350.0, 2501.0, 10.0), "nm", np.full(216, 10.0))
MIR = Axis(np.arange(600.0, 4000.0, 50.0), "cm-1")
ENMAP = Sensor.load("enmap")
FAST = DeepSaltSettings(
    steps=250, members=2, hidden=(32,), teacher_steps=80, teacher_members=1, directions=10, gate=False,
    draws=BridgeSettings(crust_most=0.0, gypsum_share=0.0, wet_power=6.0, gain_sd=0.02),
)  # fmt: skip


def soils(n: int, seed: int, measured: float = 1.0) -> dict[str, Spectra]:
    """A library in both domains; ECe deepens one broad band of the vis-NIR and one of the mid infrared."""
    rng = np.random.default_rng(seed)
    ece = rng.gamma(1.0, 6.0, n)
    level = rng.uniform(0.3, 0.5, (n, 1))
    shape = np.exp(-0.5 * ((LAB.values - 1200) / 150) ** 2)
    visnir = level * np.exp(-0.25 * log_ece(ece)[:, None] * shape) + rng.normal(0, 0.001, (n, len(LAB)))
    mir = log_ece(ece)[:, None] * np.sin(MIR.values / 300) + rng.normal(0, 0.05, (n, len(MIR)))
    known = np.where(rng.random(n) < measured, ece, np.nan)
    table = pd.DataFrame(
        {
            "id": np.arange(n).astype(str),
            "group": np.arange(n).astype(str),
            "ec_ds_m": known,
            "ec_method": "ECe",
        }
    )
    return {
        "mir": Spectra.of_table(mir, MIR, "absorbance", samples=table),
        "visnir": Spectra.of_table(visnir, LAB, "reflectance", samples=table),
    }


def pixels(n: int, seed: int, sensor: Sensor = ENMAP) -> Spectra:
    """The same kind of soils seen by a sensor, with `ece_ds_m` and fields of four."""
    there = soils(n, seed)["visnir"]
    table = pd.DataFrame({"ece_ds_m": there.samples["ec_ds_m"], "group": (np.arange(n) // 4).astype(str)})
    seen = resample(there, sensor.axis.take(np.asarray(sensor.good)))
    return replace(seen, samples=table, sensor=sensor)


def r2(model: DeepSaltRegressor, asked: Spectra) -> float:
    truth = log_ece(asked.samples["ece_ds_m"])
    return float(1 - ((log_ece(model.predict(asked)) - truth) ** 2).mean() / truth.var())


def on_land(spectra: Spectra, south: float, scene: str | None = None, error: float = 0.0) -> Spectra:
    """The same rows spread over a degree of latitude, seen by a scene with an error of calibration.

    error  of reflectance where salt darkens these soils: a scene that looks saltier than it is
    """
    latitude = south + np.random.default_rng(len(spectra)).permutation(np.linspace(0, 1, len(spectra)))
    samples = spectra.samples.assign(latitude=latitude, longitude=10.0 + (latitude * 37) % 1)
    if scene:
        samples = samples.assign(scene=scene)
    wrong = 1 - error * np.exp(-0.5 * ((spectra.axis.values - 1200) / 150) ** 2)
    values = spectra.values * (wrong if scene else np.ones(1)).astype(np.float32)
    return Spectra.of_table(values, spectra.axis, "reflectance", samples=samples, sensor=spectra.sensor)


def stacked(parts: list[Spectra]) -> Spectra:
    samples = pd.concat([part.samples for part in parts], ignore_index=True)
    samples["group"] = np.arange(len(samples)) // 4
    values = np.concatenate([part.values for part in parts])
    return Spectra.of_table(values, parts[0].axis, "reflectance", samples=samples, sensor=parts[0].sensor)


def scene_on_land(error: float, masked: bool = False) -> MemoryScene:
    """20 x 20 pixels of the library's land, seen with an error of calibration."""
    seen = on_land(pixels(400, 6), 0.0, "later", error)
    cube = np.full((400, len(ENMAP)), np.nan, np.float32)
    cube[:, np.asarray(ENMAP.good)] = seen.values
    return scene_of(
        cube.reshape(20, 20, -1),
        np.full((20, 20), int(MaskReason.CLOUD) if masked else 0),
        name="later", sensor=ENMAP, band_faults=faults_of(~np.asarray(ENMAP.good)), crs="EPSG:4326",
        transform=(0.05, 0.0, 10.0, 0.0, -0.05, 1.0),
    )  # fmt: skip
