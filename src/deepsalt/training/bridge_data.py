"""What the preset `deepsalt` trains on. There is no place for test rows."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import SpectraError, UsageError

Floats = NDArray[np.floating]
Words = NDArray[np.str_]

#: A network that learned from fewer samples with EC says nothing.
FEWEST_LABELS = 20


@dataclass(frozen=True, eq=False)
class Ground:
    """Where pixels and samples lie.

    samples     (land, n) laboratory samples of each land
    seen        (land, n) those of them that tell what a scene shows: samples of the surface
    scene_land  (scene,) the land that a scene shows; -1 for none that the library knows
    sat_scene, unlabelled_scene   (m,), (u,) the scene of each pixel; -1 for not known
    unlabelled_patch   (u,) which of them lie together in a scene
    """

    samples: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    scene_land: NDArray[np.intp]
    sat_scene: NDArray[np.intp]
    unlabelled_scene: NDArray[np.intp]
    unlabelled_patch: NDArray[np.intp]

    @classmethod
    def unknown(cls, samples: int, sat: int, unlabelled: int) -> Ground:
        """Nothing is known."""
        nowhere = np.full(sat, -1, np.intp), np.full(unlabelled, -1, np.intp)
        none = np.zeros((0, samples), bool)
        return cls(none, none, np.zeros(0, np.intp), *nowhere, np.arange(unlabelled))

    @property
    def sat_land(self) -> NDArray[np.intp]:
        """(m,) the land of each labelled pixel, -1 for none."""
        return self._land_of(self.sat_scene)

    @property
    def unlabelled_land(self) -> NDArray[np.intp]:
        """(u,) the land of each pixel without a label, -1 for none."""
        return self._land_of(self.unlabelled_scene)

    def _land_of(self, scenes: NDArray[np.intp]) -> NDArray[np.intp]:
        return np.where(scenes < 0, -1, np.append(self.scene_land, -1)[scenes])


@dataclass(frozen=True, eq=False)
class Units:
    """Map units whose pixels share one label distribution.

    x        (k, band) pixels
    bag      (k,) the unit of each, from 0
    share    (k,) its area in the unit
    wanted, spread   (unit,) mean and standard deviation of ln(1+ECe) by the survey
    scene    (k,) the scene of each pixel, numbered as in `Ground`; -1 for not known

    Raises SpectraError for shapes, NaN or infinite values, and units without a pixel.
    """

    x: Floats
    bag: NDArray[np.intp]
    share: Floats
    wanted: Floats
    spread: Floats
    scene: NDArray[np.intp]

    def __post_init__(self) -> None:
        for name in ("x", "share", "wanted", "spread"):
            value = np.array(getattr(self, name), np.float32, order="C")
            if not np.isfinite(value).all():
                raise SpectraError("NaN or infinite values", where=f"units.{name}", fix="Drop these units.")
            object.__setattr__(self, name, value)
        found = (self.bag.shape, self.share.shape, self.scene.shape, self.spread.shape)
        if found != ((len(self.x),),) * 3 + (self.wanted.shape,):
            raise SpectraError(f"shapes {found} for {len(self.x)} pixels", where="units")
        if len(np.unique(self.bag)) != len(self.wanted):
            raise SpectraError(
                f"pixels of {len(np.unique(self.bag))} units, labels of {len(self.wanted)}", where="units"
            )


@dataclass(frozen=True, eq=False)
class BridgeData:
    """Arrays of one training problem, checked once when made.

    lab_nm       (wavelength,) of the laboratory vis-NIR spectra
    lab_x        (n, wavelength) reflectance; NaN rows where there is none: such a sample is not drawn
    lab_y        (n,) ln(1+ECe); NaN where EC was not measured
    lab_groups   (n,) profile of each sample
    teacher_x    (n, k) more spectra of the samples for the teacher (mid infrared); NaN rows where there
                 are none; None = the teacher reads the vis-NIR alone
    centres_nm, response, noise   (band,), (band, wavelength), (band,) the sensor: see PhysicsBridge.of
    channels     (band, channel) what each band gives to each channel of the student
    sat_x, sat_y, sat_groups      (m, band), (m,), (m,) labelled pixels; m may be 0
    unlabelled_x (u, band) pixels without a label; u may be 0
    ground       where all of them lie; None = not known
    units        map units with their pixels; None = none

    Raises SpectraError for shapes, NaN or infinite values; UsageError for too few labels.
    """

    lab_nm: Floats
    lab_x: Floats
    lab_y: Floats
    lab_groups: Words
    centres_nm: Floats
    response: Floats
    channels: Floats
    sat_x: Floats
    sat_y: Floats
    sat_groups: Words
    unlabelled_x: Floats
    noise: Floats | None = None
    teacher_x: Floats | None = None
    ground: Ground | None = None
    units: Units | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value is not None and entry.name not in ("ground", "units"):
                kind: Any = np.str_ if entry.name.endswith("groups") else np.float32
                object.__setattr__(self, entry.name, np.array(value, dtype=kind, order="C"))
        n, wavelengths, bands, m = len(self.lab_x), len(self.lab_nm), len(self.centres_nm), len(self.sat_x)
        shapes = {
            "lab_x": (n, wavelengths), "lab_y": (n,), "lab_groups": (n,), "response": (bands, wavelengths),
            "channels": (bands, self.channels.shape[-1]), "sat_x": (m, bands), "sat_y": (m,),
            "sat_groups": (m,), "unlabelled_x": (len(self.unlabelled_x), bands),
        }  # fmt: skip
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise SpectraError(f"shape {getattr(self, name).shape}, expected {shape}", where=name)
        spectra = self.lab_x[~np.isnan(self.lab_x).all(axis=1)]
        for name in ("lab_x", "response", "channels", "sat_x", "sat_y", "unlabelled_x"):
            if not np.isfinite(spectra if name == "lab_x" else getattr(self, name)).all():
                raise SpectraError(
                    "NaN or infinite values", where=name, fix="Drop these rows before training."
                )
        if self.teacher_x is not None and len(self.teacher_x) != n:
            raise SpectraError(f"{len(self.teacher_x)} rows, expected {n}", where="teacher_x")
        if self.units is not None and self.units.x.shape[1:] != (bands,):
            raise SpectraError(f"{self.units.x.shape[1]} bands, expected {bands}", where="units")
        self._check_ground()
        if (known := int((self.labelled & self.drawable).sum())) < FEWEST_LABELS:
            raise UsageError(
                f"{known} laboratory samples with vis-NIR spectra and EC, {FEWEST_LABELS} are needed",
                fix="Give a larger library, or train baselines on ground points alone.",
            )

    def _check_ground(self) -> None:
        found = self.where
        loose = (found.unlabelled_scene.shape, found.unlabelled_patch.shape)
        sizes = (found.samples.shape[1:], found.seen.shape, found.sat_scene.shape, *loose)
        wanted = (
            (len(self.lab_x),), found.samples.shape, (len(self.sat_x),), *[(len(self.unlabelled_x),)] * 2
        )  # fmt: skip
        if sizes != wanted:
            raise SpectraError(f"sizes {sizes}, expected {wanted}", where="ground")

    @property
    def where(self) -> Ground:
        """`ground`, or that nothing is known of it."""
        return self.ground or Ground.unknown(len(self.lab_x), len(self.sat_x), len(self.unlabelled_x))

    def pixels_of(self, scene: int) -> Floats:
        """(n, band) all pixels of a scene, their labels left aside."""
        labelled, loose = self.where.sat_scene == scene, self.where.unlabelled_scene == scene
        return np.concatenate([self.sat_x[labelled], self.unlabelled_x[loose]])

    def patches_of(self, scene: int) -> NDArray[np.intp]:
        """(n,) the patch of each row of `pixels_of`; labelled pixels are drawn one by one."""
        loose = self.where.unlabelled_patch[self.where.unlabelled_scene == scene]
        return np.concatenate([-1 - np.arange(int((self.where.sat_scene == scene).sum())), loose])

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(n,) laboratory samples whose EC was measured."""
        return np.asarray(np.isfinite(self.lab_y))

    @property
    def drawable(self) -> NDArray[np.bool_]:
        """(n,) laboratory samples with vis-NIR spectra, which pixels can be drawn from."""
        return np.asarray(~np.isnan(self.lab_x).any(axis=1))

    def with_points(self, rows: NDArray[np.intp]) -> BridgeData:
        """The same problem with only these labelled pixels."""
        ground = replace(self.where, sat_scene=self.where.sat_scene[rows])
        return replace(
            self,
            sat_x=self.sat_x[rows],
            sat_y=self.sat_y[rows],
            sat_groups=self.sat_groups[rows],
            ground=ground,
        )
