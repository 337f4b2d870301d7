"""The rows of the ablation table: every method by name, each one code path.

A row is registered with `register(Method(name, title, kind, build))`; `build` gets a Context, trains on
what it holds and returns a Predictor. Importing this module registers all rows, so that every process of
a comparison knows the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from types import MappingProxyType
from typing import Literal

from deepsalt.adaptation import ADAPTATIONS
from deepsalt.config import DEFAULT_BASELINES, MethodConfig
from deepsalt.errors import UsageError
from deepsalt.estimators import AdaptedRegressor, DeepSaltRegressor, PaperRegressor, Predictor, baseline
from deepsalt.estimators.baselines import RECIPES
from deepsalt.estimators.by_place import LibraryByPlace
from deepsalt.estimators.controls import LibraryMean, covariates_only
from deepsalt.pipeline.prepare import labelled
from deepsalt.pipeline.settings import deepsalt_settings, paper_settings
from deepsalt.spectra import Spectra
from deepsalt.training.bridge_settings import switched

#: baseline    nothing but the ground points
#: adaptation  a known method that carries laboratory spectra to the satellite
#: preset      a full method of this package
#: ablation    a preset with something left out
#: control     must lose if a preset works for the reason it claims
Kind = Literal["baseline", "adaptation", "preset", "ablation", "control"]
_Changes = Mapping[str, bool]  # of settings of a preset


@dataclass(frozen=True)
class Context:
    """What a method may learn from in one case; it sees nothing else.

    libraries   laboratory spectra by domain ("mir", "visnir"), the teacher's first, with `ece_ds_m`
                (NaN where EC was not measured); rows of one sample share their `id`
    sites       satellite spectra of the training points with `ece_ds_m` and `group`; None for no point
    unlabelled  satellite spectra of pixels without a label
    covariates  columns of `sites` to use beside the spectrum
    seed        same seed, same result
    options     the config's [method]: settings of the preset, distance of pairs
    """

    libraries: Mapping[str, Spectra]
    sites: Spectra | None
    unlabelled: Spectra | None
    covariates: tuple[str, ...] = ()
    seed: int = 0
    options: MethodConfig = field(default_factory=MethodConfig)

    @property
    def library(self) -> Spectra:
        """The labelled samples of the teacher's domain."""
        return labelled(next(iter(self.libraries.values())))

    def domain(self, name: str) -> Spectra:
        """The library of one domain. Raises UsageError if the library has no such spectra."""
        if name not in self.libraries:
            raise UsageError(
                f"the library has no {name} spectra", fix=f"It holds: {', '.join(self.libraries)}."
            )
        return self.libraries[name]

    @property
    def points(self) -> Spectra:
        """The training points. Raises UsageError where there are none."""
        if self.sites is None:
            raise UsageError("needs ground points")
        return self.sites


@dataclass(frozen=True)
class Method:
    """One row of the table.

    name          key in tables, configs and --methods
    title         in words
    build         trains on a Context and returns what can predict
    needs_points  False where the method also learns without any ground point
    points_only   True where it reads neither libraries nor unlabelled pixels, so that one result serves
                  whatever the library covers
    by_default    False where it runs only if asked for by name
    """

    name: str
    title: str
    kind: Kind
    build: Callable[[Context], Predictor]
    needs_points: bool = True
    points_only: bool = False
    by_default: bool = True

    def train(self, context: Context) -> Predictor:
        """Raises UsageError for a case without ground points that the method needs, and what `build` does."""
        if self.needs_points and context.sites is None:
            raise UsageError("cannot learn without ground points")
        return self.build(context)


_METHODS: dict[str, Method] = {}
METHODS: Mapping[str, Method] = MappingProxyType(_METHODS)


def register(*methods: Method) -> None:
    """Add rows. Raises UsageError for a name that is taken."""
    for method in methods:
        if method.name in _METHODS:
            raise UsageError(f"a method {method.name!r} is registered already")
        _METHODS[method.name] = method


def methods_named(names: Iterable[str] | None = None) -> list[Method]:
    """The methods of these names in the registry's order; for None all that run by default.

    Raises UsageError for an unknown name, with the nearest known one.
    """
    if names is None:
        return [method for method in METHODS.values() if method.by_default]
    wanted = list(names)
    for name in wanted:
        if name not in METHODS:
            close = get_close_matches(name, METHODS, n=1)
            fix = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(METHODS)}."
            raise UsageError(f"unknown method {name!r}", fix=fix)
    return [method for name, method in METHODS.items() if name in wanted]


def _baseline(name: str, context: Context) -> Predictor:
    return baseline(name, context.covariates, context.seed).fit(context.points)


def _covariates_only(context: Context) -> Predictor:
    return covariates_only(context.covariates, context.seed).fit(context.points)


def _library_mean(context: Context) -> Predictor:
    return LibraryMean().fit(context.libraries)


def _by_place(context: Context) -> Predictor:
    return LibraryByPlace(context.seed).fit(context.libraries)


def _paper(adaptation: bool, distillation: bool, context: Context) -> Predictor:
    """The published method, or its student alone; [method.settings] count if they are this preset's."""
    options = context.options
    student = PaperRegressor(
        "paper",
        adaptation=adaptation,
        distillation=distillation,
        settings=paper_settings(options.settings if options.preset == "paper" else {}),
        covariates=context.covariates,
        pair_within_m=options.pair_within_m,
        seed=context.seed,
    )
    return student.fit(context.library, context.points, context.unlabelled)


def _deepsalt(name: str, changes: _Changes, context: Context) -> Predictor:
    """The preset deepsalt with some switches changed; [method.settings] count if they are this preset's."""
    options = context.options
    settings = deepsalt_settings(options.settings if options.preset == "deepsalt" else {})
    switches = {"intervals": False, **changes}  # a comparison asks for answers alone
    student = DeepSaltRegressor(switched(settings, **switches), name=name, seed=context.seed)
    return student.fit(context.libraries, context.sites, context.unlabelled)


def _adapted(name: str, context: Context) -> Predictor:
    method = AdaptedRegressor(name, context.options.pair_within_m, context.seed)
    return method.fit(labelled(context.domain("visnir")), context.sites, context.unlabelled)


def _ungated(title: str, kind: Kind = "ablation", **changes: bool) -> tuple[_Changes, str, Kind]:
    """A row with the gate off, so that it says what its own piece does."""
    return {"gate": False, **changes}, title, kind


#: Rows of the preset deepsalt: what is changed, its title, its kind.
_DEEPSALT: Mapping[str, tuple[_Changes, str, Kind]] = {
    "deepsalt": ({}, "Preset “deepsalt”", "preset"),
    "deepsalt ungated": _ungated("“deepsalt” with everything on, no gate"),
    "deepsalt without bridge": _ungated("... clean laboratory spectra instead of drawn pixels", bridge=False),
    "deepsalt with mid infrared": _ungated(
        "... the teacher reads the mid infrared of every sample", same_sample=True
    ),
    "deepsalt without mid infrared": _ungated("... the teacher reads vis-NIR alone", same_sample=False),
    "deepsalt with places": _ungated(
        "... library samples, by their places, speak for the ground near them", places=True
    ),
    "deepsalt without places": _ungated(
        "... the places of library samples say nothing of the ground near them", places=False
    ),
    "deepsalt without distillation": _ungated("... no teacher", distillation=False),
    "deepsalt without adapter": _ungated("... scenes as they are, not tuned to their land", adaptation=False),
    "deepsalt without plane": _ungated(
        "... the networks of a land answer themselves, not the plane through their answers", planar=False
    ),
    "joint training": _ungated(
        "Plain joint training on drawn and real pixels", adaptation=False, distillation=False
    ),
    "shuffled pairs": _ungated(
        "Pixels drawn of other samples than those they are told of", "control", shuffled_pairs=True
    ),
    "shuffled teacher": _ungated("Teacher asked about another sample", "control", shuffled_teacher=True),
    "permuted wavelengths": _ungated(
        "Laboratory wavelengths in random order", "control", permuted_wavelengths=True
    ),
    "untrained teacher": _ungated(
        "Teacher with random weights, believed as a trained one is", "control", untrained_teacher=True
    ),
}

register(
    *(
        Method(
            name,
            recipe.title,
            "baseline",
            partial(_baseline, name),
            points_only=True,
            by_default=name in DEFAULT_BASELINES,
        )
        for name, recipe in RECIPES.items()
    ),
    *(
        Method(name, ADAPTATIONS[name].title, "adaptation", partial(_adapted, name), needs_points=False)
        for name in ADAPTATIONS
    ),
    *(
        Method(name, title, kind, partial(_deepsalt, name, changes), needs_points=False)
        for name, (changes, title, kind) in _DEEPSALT.items()
    ),
    Method("student-alone", "Student without adaptation", "ablation", partial(_paper, False, False)),
    Method("paper", "Preset “paper”", "preset", partial(_paper, True, True)),
    Method(
        "paper without adaptation", "“paper” without adaptation", "ablation", partial(_paper, False, True)
    ),
    Method(
        "paper without distillation", "“paper” without distillation", "ablation", partial(_paper, True, False)
    ),
    Method("library mean", "Mean of the library's EC", "control", _library_mean, needs_points=False),
    Method(
        "library by place", "Library's EC by place, no pixel read", "control", _by_place, needs_points=False
    ),
    Method("covariates-only", "Covariates without spectra", "control", _covariates_only, points_only=True),
)
