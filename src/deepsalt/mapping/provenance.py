"""What made a map from what: tags of its files, and notes for its reader."""

from __future__ import annotations

from collections.abc import Mapping

from deepsalt.mapping.inputs import covariates_used
from deepsalt.mapping.window import Job
from deepsalt.preprocessing.composites import OF_COMPOSITE


def tags_of(job: Job, about: Mapping[str, str]) -> dict[str, str]:
    """Provenance for the files' tags. No clock: same input, same bytes."""
    from deepsalt import __version__

    predictor, scene = job.predictor, job.scene
    tags = {
        "TIFFTAG_SOFTWARE": f"deepsalt {__version__}",
        "QUANTITY": "ECe",
        "UNIT": "dS/m",
        "DEPTH": "surface layer; optics sees the top millimetres",
        "MODEL": predictor.name,
        "SCENE": scene.name,
        "SENSOR": scene.sensor.name,
        "CLASSES": job.scheme.name,
        "MAX_NDVI": f"{job.rules.max_ndvi:g}",
        "SURFACE_RULES": job.rules.describe(),
        "COVARIATES": covariates_used(job.predictor, job.covariates),
    }
    if scene.acquired is not None:
        tags["ACQUIRED"] = scene.acquired.isoformat()
    tags |= {key.upper().replace(" ", "_"): scene.facts[key] for key in OF_COMPOSITE if key in scene.facts}
    if getattr(predictor, "fingerprint", ""):
        tags["MODEL_FINGERPRINT"] = str(predictor.fingerprint)  # type: ignore[attr-defined]
    if getattr(predictor, "simulated", False):
        tags["SIMULATED"] = "yes: the model was trained on simulated data"
    return {**tags, **{key.upper(): str(value) for key, value in about.items()}}


def notes_of(job: Job, below_zero: int) -> list[str]:
    """What scene, rules and predictor say; and how many pixels were predicted below zero."""
    notes = [*job.scene.notes, *job.rules.notes(job.scene.sensor.axis), *getattr(job.predictor, "notes", ())]
    if job.predictor.covariates and job.covariates == "none":
        names = ", ".join(job.predictor.covariates)
        notes.append(f"Mapped without covariates ({names}): the model was told that they are missing.")
    if below_zero:
        notes.append(f"{below_zero} pixels were predicted below zero and are shown as 0 dS/m.")
    return notes
