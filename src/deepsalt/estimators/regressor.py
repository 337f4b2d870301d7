"""DeepSaltRegressor: the preset `deepsalt`, from a library and pixels to ECe of any hyperspectral sensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ModelFileError, UsageError
from deepsalt.estimators import binding
from deepsalt.estimators.answers import Answers, Rows, with_errors
from deepsalt.estimators.applicability import Applicability, applicability_of
from deepsalt.estimators.bridge_card import card_of, channels_from, ground_from, places_from
from deepsalt.estimators.bridge_inputs import (
    bridge_data,
    channel_axis,
    channel_weights,
    libraries_of,
)
from deepsalt.estimators.card import seed_from, usable, word
from deepsalt.estimators.intervals import KnownErrors, no_intervals
from deepsalt.estimators.nearby import Nearby
from deepsalt.estimators.predictor import BandInputs
from deepsalt.estimators.saved import Saved
from deepsalt.estimators.sites import Sites, exactly_placed
from deepsalt.preprocessing.gaps import bridged, fill_gaps, gap_counts, without_gaps
from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules
from deepsalt.preprocessing.present import bands_held, rows_lacking
from deepsalt.spectra import Axis, Scene, Sensor, Spectra
from deepsalt.units import ece_from_log

if TYPE_CHECKING:
    from deepsalt.estimators.differentiable import Differentiable
    from deepsalt.estimators.lands import Land
    from deepsalt.map_units.bags import Bags
    from deepsalt.models import BridgeStudent
    from deepsalt.progress import Progress
    from deepsalt.training import BridgeData, DeepSaltSettings


class _Said(NamedTuple):
    """(sample,) ln(1+ECe); and, where it was asked for and is known, the spread and what lies outside."""

    answer: NDArray[np.float32]
    spread: NDArray[np.float32] | None
    outside: NDArray[np.bool_] | None


class DeepSaltRegressor(Saved):
    """Satellite spectra to ECe, taught by laboratory spectra of dry soil through a bridge of physics.

    settings  hyperparameters and switches; None for the defaults
    sensor    whose pixels to learn for, where neither sites nor unlabelled pixels tell
    name      shown in tables
    seed      same seed, same model on the same machine
    workers   processes of `fit` for trainings with something held out; with more than one a script needs
              the guard `if __name__ == "__main__":`

    Set by `fit`: `model_`, `inputs_`, `channels_`, `lands_` (what the library has samples of), `scenes_` (how
    each scene is read), `history_`, `checks_`, `card_`. Covariates are not read: climate and soil maps tell
    a region apart, and what is learned from them is wrong in the next one.
    Where samples of the library state how exact their places are, or with `places` set: `sites_` (samples of
    the surface on each land) and `nearby_` (what they say of the ground near them, by scene). Both go into
    the model's file: whoever has it has places and EC.
    """

    covariates: tuple[str, ...] = ()
    accepts_missing_covariates = True
    #: The scene that all pixels belong to, whatever their column `scene` says: see `for_scene`.
    scene: str | None = None
    sites_: tuple[Sites, ...] = ()
    nearby_: Mapping[str, Nearby] = MappingProxyType({})
    #: Boxes of the ground that points were taken on, by scene.
    sampled_: Mapping[str, Land] = MappingProxyType({})
    #: What a map made with this predictor must say.
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        settings: DeepSaltSettings | None = None,
        *,
        sensor: Sensor | None = None,
        name: str = "deepsalt",
        seed: int = 0,
        workers: int = 1,
    ) -> None:
        self.settings = settings
        self.sensor = sensor
        self.name = name
        self.seed = seed
        self.workers = workers

    def fit(
        self,
        library: Spectra | Mapping[str, Spectra] | None,
        sites: Spectra | None = None,
        unlabelled: Spectra | None = None,
        *,
        units: Bags | None = None,
        progress: Progress | None = None,
    ) -> DeepSaltRegressor:
        """Train on a library, labelled pixels (or none) and pixels without a label (or none).

        library     vis-NIR reflectance with EC and its method, or several domains by name: "visnir", and
                    "mir" by `id`. Samples without EC help where they have vis-NIR, those with EC and "mir"
                    alone teach of them
        sites       satellite spectra with `ece_ds_m`, and `group` where samples belong together
        unlabelled  pixels on the bands of `sites`, best of the very scenes that will be mapped
        units       survey map units with their pixels (`deepsalt.map_units.bags_of`), bands as of `sites`:
                    the answers in a unit must have its mean, and no less spread

        With `scene`, `latitude` and `longitude` in the tables, a scene on land that the library has samples
        of is brought into line with them (`scenes_`); how, see docs/transfer.md.
        Nothing but these rows is learned from: keep test rows out of all three. Short gaps in pixels are
        filled, pixels with wider ones are left out and counted in `checks_` and the card.
        Raises UsageError, LabelError or BandError for what cannot be used, TrainingError after a collapse.
        """
        from deepsalt.training import DeepSaltSettings, train_deepsalt

        libraries = libraries_of(library)
        given = {"sites": sites, "unlabelled": unlabelled}
        sites, unlabelled = (None if one is None else without_gaps(one, name) for name, one in given.items())
        settings = self.settings or DeepSaltSettings()
        told = sites if sites is not None else unlabelled
        if told is None and self.sensor is None:
            raise UsageError(
                "no pixel tells which sensor to learn for", fix="Give sites, unlabelled pixels, or sensor."
            )
        axis = told.axis if told is not None else _good_bands(self.sensor)
        sensor = told.sensor if told is not None else self.sensor
        self.channels_ = channel_axis(axis, settings.channel_nm)
        self.inputs_ = BandInputs(axis, sensor.name if sensor else "", "reflectance")
        data, found, samples = bridge_data(libraries, sites, unlabelled, axis, sensor, self.channels_, units)
        result = train_deepsalt(data, settings, self.seed, progress, workers=self.workers)
        self.model_, self.history_, self.checks_ = result.model, result.history, result.checks
        self.lands_ = found.lands if len(self.model_.references) else ()
        self.scenes_ = {found.scenes[scene]: tuning for scene, tuning in result.tunings.items()}
        gaps = {
            "sites": gap_counts(given["sites"], sites),
            "unlabelled": gap_counts(given["unlabelled"], unlabelled),
        }
        self.checks_ = {**self.checks_, "missing bands": gaps}
        self.sampled_ = found.sampled
        self.errors_ = self._known_errors(result.held_out, data, found.scenes)
        self.sites_, self.nearby_ = (), {}
        if settings.places or (settings.places is None and exactly_placed(samples.samples).any()):
            lands, stated = data.where.samples[: len(self.lands_)], settings.places is None
            self.sites_ = binding.sites_on(samples, lands, result.teacher, stated=stated)
            self._hear_places(unlabelled)
        self.card_ = card_of(self, libraries, sites, unlabelled, settings)
        return self

    def predict(self, spectra: Spectra) -> NDArray[np.float64]:
        """(sample,) ECe in dS/m, of any sensor that fills the channels (BandError for one that does not).

        A missing band is made up for from the bands around it; NaN where the gap is too wide for that.
        """
        return ece_from_log(self._asked(spectra).answer)

    def predict_with_spread(self, spectra: Spectra) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(sample,) ECe in dS/m, and (sample,) how far the networks disagree, on ln(1+ECe).

        The spread orders pixels by doubt; it is no calibrated interval. Where `reads_places` an answer
        depends on `latitude` and `longitude`; a row without them has what its spectrum says.
        """
        found = self._asked(spectra, spread=True)
        assert found.spread is not None
        return ece_from_log(found.answer), found.spread.astype(np.float64)

    def _asked(self, spectra: Spectra, *, spread: bool = False, judge: bool = False) -> _Said:
        from deepsalt.models import Tuning

        student, values, _ = self._filled(spectra)
        judge = judge and student.familiar.learned
        answer = np.empty(len(values), np.float32)
        disagreed = np.empty(len(values), np.float32) if spread else None
        outside = np.zeros(len(values), bool) if judge else None
        for rows, scene in self._by_scene(spectra):
            reader = student.tuned(self.scenes_.get(scene, Tuning()))
            found = reader.told(values[rows], spread=spread, strange=judge and self.knows(scene))
            answer[rows] = found.answer.numpy()
            if disagreed is not None and found.spread is not None:
                disagreed[rows] = found.spread.numpy()
            if outside is not None:
                outside[rows] = True if found.strange is None else found.strange.numpy()
            if scene in self.nearby_:
                counts, added = self.nearby_[scene].line(spectra.samples.iloc[rows])
                answer[rows] = np.clip(counts * answer[rows] + added, 0.0, float(reader.ceiling))
        return _Said(answer, disagreed, outside)

    def differentiable(self, spectra: Spectra) -> Differentiable:
        """What `predict` does to these spectra as a function with gradients, to explain it."""
        from deepsalt.estimators.differentiable import as_it_is, of_students
        from deepsalt.models import Tuning

        student, values = self._readable(spectra)
        students: list[BridgeStudent] = []
        reader, line = np.zeros(len(values), np.intp), as_it_is(len(values))
        for rows, scene in self._by_scene(spectra):
            reader[rows] = len(students)
            students.append(student.tuned(self.scenes_.get(scene, Tuning())))
            if scene in self.nearby_:
                line[rows] = np.stack(self.nearby_[scene].line(spectra.samples.iloc[rows]), axis=1)
        return of_students(students, spectra.axis, values, reader, line)

    @property
    def reads_places(self) -> bool:
        """Whether an answer depends on where its pixel lies."""
        return bool(self.nearby_)

    def _hear_places(self, unlabelled: Spectra | None) -> None:
        """Set what samples say of the ground near them, for each scene on a land of theirs."""
        facts = {}
        if unlabelled is not None and "scene" in unlabelled.samples:
            names = unlabelled.samples["scene"].fillna("").to_numpy().astype(str)
            for scene in self.scenes_:
                pixels = unlabelled.take(np.flatnonzero(names == scene))
                facts[scene] = binding.hear_nearby(self, pixels, scene)
        self.checks_ = {**self.checks_, "places": facts}

    def predict_interval(
        self, spectra: Spectra, level: float = 0.9
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """(sample,) lower bound, ECe and upper bound in dS/m; NaN where a gap is too wide.

        level  share of places whose ECe should lie between

        Calibrated on fields, and for scenes without ground points on scenes, that were held out in training;
        coverage is promised where the new places are like those. Raises UsageError for a model that knows too
        little of its errors, and for a level outside 0-1.
        """
        found = self.answers(spectra, level=level, thresholds=())
        if found.low is None or found.high is None:
            raise no_intervals("too few ground points, or they were switched off")
        return found.low, found.ece, found.high

    def probability_above(self, spectra: Spectra, threshold_ds_m: float) -> NDArray[np.float64]:
        """(sample,) probability that ECe exceeds a threshold in dS/m, calibrated as `predict_interval` is."""
        found = self.answers(spectra, thresholds=(threshold_ds_m,)).above
        if threshold_ds_m not in found:
            raise no_intervals("too few ground points, or they were switched off")
        return found[threshold_ds_m]

    def answers(
        self, spectra: Spectra, *, level: float = 0.9, thresholds: Sequence[float] = (4.0,)
    ) -> Answers:
        """Everything the model says of these pixels, in one pass; what it does not know is None or missing.

        level       of the interval
        thresholds  ECe in dS/m, for the probability to exceed them
        """
        said = self._asked(spectra, judge=True)
        if self.errors_ is None:
            return Answers(ece_from_log(said.answer), outside=said.outside)
        found = with_errors(said.answer, self._by_scene(spectra), self.errors_, level, thresholds)
        return replace(found, outside=said.outside)

    def applicability(self, spectra: Spectra) -> Applicability | None:
        """How far these pixels are from what was learned; None for a model that does not know."""
        from deepsalt.models import Tuning

        student, values = self._readable(spectra)
        if not student.familiar.learned:
            return None
        read = (
            (rows, student.tuned(self.scenes_.get(scene, Tuning())), self.knows(scene))
            for rows, scene in self._by_scene(spectra)
        )
        return applicability_of(values, read)

    def knows(self, scene: str) -> bool:
        """Whether anything was learned of a scene's land; True where that cannot be told."""
        tuning = self.scenes_.get(scene)
        nothing_placed = not self.lands_ and not self.sampled_
        tuned = tuning is not None and tuning.land is not None
        return not scene or nothing_placed or tuned or scene in self.sampled_

    def _known_errors(
        self, held_out: Mapping[str, NDArray[np.float64]], data: BridgeData, scenes: tuple[str, ...]
    ) -> KnownErrors | None:
        if "fields" not in held_out:
            return None
        pointed = frozenset(scenes[number] for number in np.unique(data.where.sat_scene) if number >= 0)
        observed = data.sat_y.astype(np.float64)
        by_field, by_scene = held_out["fields"], held_out.get("scenes")
        return KnownErrors.of(observed, by_field, by_scene, data.sat_groups, pointed)

    def adapted_to(self, pixels: Spectra, scene: str) -> DeepSaltRegressor:
        """A copy that also reads a scene it has not met, of any sensor, from pixels of it without labels.

        pixels  random pixels of the scene with `latitude` and `longitude`
        scene   its name, as in the column `scene` of what will be predicted
        On land that the library had too few samples of, the plane is one through the general networks.
        """
        return binding.adapted_to(self, pixels, scene)

    def for_scene(self, scene: Scene, rules: SurfaceRules = DEFAULT_RULES) -> DeepSaltRegressor:
        """The predictor of one scene's pixels, which need no column `scene`; its `notes` say what was done.

        A scene that was not there in training is brought into line from its own pixels, if it shows land that
        the library has samples of.
        """
        return binding.for_scene(self, scene, rules)

    def _readable(self, spectra: Spectra) -> tuple[BridgeStudent, NDArray[np.float32]]:
        """The student on these bands, and the values it reads: short gaps filled, NaN in wide ones."""
        student, values, read = self._filled(spectra)
        # A band that no channel reads may be empty: nothing times NaN would still be NaN.
        return student, np.where(read, values, np.float32(0))

    def _filled(self, spectra: Spectra) -> tuple[BridgeStudent, NDArray[np.float32], NDArray[np.bool_]]:
        """As `_readable`, but bands that no channel reads as they are; and (band,) which ones are read."""
        values = spectra.values
        student = self._student_on(spectra.axis, bridged(spectra.axis, bands_held(values)))
        read = (student.channels != 0).any(dim=1).numpy()
        gaps = rows_lacking(values, read)
        if gaps.any():
            values = np.array(values)
            values[np.ix_(gaps, read)] = fill_gaps(values[np.ix_(gaps, read)], spectra.axis.take(read))
        return student, values, read

    def _by_scene(self, spectra: Spectra) -> Iterator[tuple[Rows, str]]:
        """Rows of each scene, and its name; "" where none is told."""
        if self.scene is not None or "scene" not in spectra.samples:
            yield slice(None), self.scene or ""
            return
        names = spectra.samples["scene"].fillna("").to_numpy().astype(str)
        for name in np.unique(names):
            yield np.flatnonzero(names == name), str(name)

    def needed_bands(self, scene: Scene) -> NDArray[np.bool_]:
        """(band,) which of the scene's bands a prediction is computed from.

        Raises BandError for a scene without data in a channel the model needs.
        """
        axis = scene.sensor.axis
        available = bridged(axis, ~scene.empty)
        weights = channel_weights(axis, self.channels_, available, f"scene {scene.name}")
        return np.asarray((weights > 0).any(axis=1))

    def _student_on(self, axis: Axis, available: NDArray[np.bool_]) -> BridgeStudent:
        """The student with the weights of these bands in front; the learned weights are shared."""
        import torch

        if axis == self.inputs_.axis and available.all():
            return self.model_
        weights = channel_weights(axis, self.channels_, available)
        return self.model_.with_channels(torch.as_tensor(weights))

    @classmethod
    def load(cls, path: str | Path) -> DeepSaltRegressor:
        """A model from its file, ready to predict.

        Raises ModelFileError for a damaged file, or one this version cannot honour.
        """
        from deepsalt.models import BridgeStudent
        from deepsalt.training import model_from_file

        model, card = model_from_file(path)
        if not isinstance(model, BridgeStudent):
            raise ModelFileError("not a model of the preset deepsalt", where=str(path))
        with usable("its preset and seed", path):
            found = cls(name=word(card["preset"]), seed=seed_from(card))
        found._is_of(path, model, card)
        found.channels_ = channels_from(card, model.architecture.channels, path)
        if len(found.inputs_.axis) != model.architecture.bands:
            raise ModelFileError("the card's bands do not fit the weights", where=str(path))
        found.lands_, found.scenes_, found.sampled_ = ground_from(card, model, path)
        told = card.get("errors")
        found.errors_ = None if told is None else KnownErrors.from_plain(told, path)
        found.sites_, found.nearby_ = places_from(card, len(found.lands_), path)
        return found


def _good_bands(sensor: Sensor | None) -> Axis:
    if sensor is None:
        raise UsageError("no sensor is given")
    return sensor.axis.take(np.asarray(sensor.good))
