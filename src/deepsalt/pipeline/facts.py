"""What a report tells about the data of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deepsalt.config import Config, LibraryConfig
from deepsalt.pipeline.library_quality import other_steps, quality_lines
from deepsalt.readers.covariate_set import CovariateSet
from deepsalt.spectra import Scene, Spectra


def facts_of(
    config: Config,
    libraries: Mapping[str, Spectra],
    sites: Spectra,
    unlabelled: Spectra,
    scenes: tuple[Scene, ...],
    covariates: CovariateSet | None,
) -> dict[str, Any]:
    return {
        "library": library_facts(config.library, next(iter(libraries.values()))),
        "domains of the library": ", ".join(f"{name} ({len(one)})" for name, one in libraries.items()),
        "scenes": [
            {
                "name": scene.name,
                "sensor": scene.sensor.name,
                "acquired": scene.acquired.isoformat() if scene.acquired else "not stated",
                "pixels": f"{scene.height} x {scene.width}",
                "bands with data": int(len(scene.sensor) - scene.empty.sum()),
                "notes": list(scene.notes),
            }
            for scene in scenes
        ],
        "points": {
            "labelled pixels": len(sites),
            "fields": int(sites.samples["group"].nunique()),
            "ECe, dS/m": ece_range(sites.samples["ece_ds_m"].to_numpy()),
            "bands": sites.axis.describe(),
            "unlabelled pixels": len(unlabelled),
            "covariates": ", ".join(covariates.names) if covariates else "none",
            "steps": list(sites.provenance),
        },
    }


def library_facts(config: LibraryConfig, library: Spectra) -> dict[str, Any]:
    """What the report says about a library."""
    column = "ece_ds_m" if config.target == "ece" else "ec_ds_m"
    return {
        "file": Path(config.path).name,
        "samples": len(library),
        "spectra": f"{library.quantity}, {library.axis.describe()}",
        "label": "ECe" if config.target == "ece" else str(library.samples["ec_method"].dropna().iloc[0]),
        "dS/m": ece_range(library.samples[column].to_numpy()),
        "quality": quality_lines(library),
        "steps": other_steps(library),
    }


def ece_range(values: np.ndarray) -> str:
    """For example `0.1 to 45.2, median 2.3`; missing values do not count."""
    known = values[~np.isnan(values)]
    return f"{known.min():.2g} to {known.max():.3g}, median {np.median(known):.2g}"
