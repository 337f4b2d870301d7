"""What is mapped: a predictor, and the covariates that it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.estimators.predictor import Predictor
from deepsalt.sampling import place
from deepsalt.spectra import Scene, Window


class CovariateSource(Protocol):
    """Layers beside the scene: `names`, and their values on a window of it, (y, x) float32, NaN = missing."""

    @property
    def names(self) -> Sequence[str]: ...

    def on(self, scene: Scene, window: Window) -> Mapping[str, NDArray[np.float32]]: ...


Covariates = CovariateSource | Literal["none"] | None


def covariates_on(
    predictor: Predictor, covariates: Covariates, scene: Scene, window: Window
) -> dict[str, NDArray[np.float32]]:
    """The covariates that the predictor asks for, (y, x) each; NaN throughout for "none"."""
    wanted = predictor.covariates
    if not wanted:
        return {}
    if covariates is None or isinstance(covariates, str):
        return {name: np.full((window.rows, window.columns), np.nan, np.float32) for name in wanted}
    found = covariates.on(scene, window)
    return {name: np.asarray(found[name], np.float32) for name in wanted}


def places_on(predictor: Predictor, scene: Scene, window: Window) -> dict[str, NDArray[np.float64]]:
    """`latitude` and `longitude` of the pixels, (y, x) each, where the predictor has `reads_places`.

    Nothing for a scene that does not say where it lies.
    """
    if not getattr(predictor, "reads_places", False) or not scene.crs:
        return {}
    rows, columns = np.mgrid[: window.rows, : window.columns]
    found = place(scene, (rows + window.row).ravel(), (columns + window.column).ravel())
    return {name: one.reshape(rows.shape) for name, one in zip(("latitude", "longitude"), found, strict=True)}


def accepts_missing(predictor: Predictor) -> bool:
    """Whether NaN covariates may be passed to it."""
    return bool(getattr(predictor, "accepts_missing_covariates", False))


def check_covariates(predictor: Predictor, covariates: Covariates) -> None:
    """Raise UsageError unless every covariate that the predictor needs is given or waived."""
    optional = accepts_missing(predictor)
    without = " or --covariates none to map without them" if optional else ""
    if isinstance(covariates, str):
        if covariates != "none":
            raise UsageError(f"unknown source of covariates {covariates!r}", fix="Give a raster, or 'none'.")
        if predictor.covariates and not optional:
            raise UsageError(
                f"it was trained with {', '.join(predictor.covariates)} and cannot do without",
                where=f"model {predictor.name}",
                fix="Give them on the scene's grid with --covariates FILE.",
            )
        return
    given = () if covariates is None else tuple(covariates.names)
    missing = [name for name in predictor.covariates if name not in given]
    if missing:
        raise UsageError(
            f"needs the covariates {', '.join(missing)}"
            + (f"; given: {', '.join(given)}" if given else ", none are given"),
            where=f"model {predictor.name}",
            fix=f"Give them on the scene's grid with --covariates FILE{without}.",
        )


def covariates_used(predictor: Predictor, covariates: Covariates) -> str:
    """For the map's tags."""
    if not predictor.covariates:
        return "not used by the model"
    if covariates == "none":
        return f"none given; the model knows {', '.join(predictor.covariates)}"
    return ", ".join(predictor.covariates)
