"""Quality control of the library of a run, as its config asks; and what the report says about it."""

from __future__ import annotations

from deepsalt.config import LibraryConfig
from deepsalt.preprocessing.quality import check_quality
from deepsalt.preprocessing.quality_report import CERTAIN, QualitySettings
from deepsalt.preprocessing.replicates import average_scans
from deepsalt.preprocessing.splice import Correction, correct_splices
from deepsalt.spectra import Spectra

_MARK = "quality: "


def checked(library: Spectra, config: LibraryConfig) -> Spectra:
    """The library as `quality`, `splice_correction` and `replicates` of [library] ask.

    By default the very same values and rows, with one line of provenance a finding. Raises what
    `check_quality` raises, and UsageError for a column of replicates that is not there.
    """
    correction = _correction(config)
    if config.quality == "off":
        library = correct_splices(library, correction) if correction else library
        return average_scans(library, config.replicates) if config.replicates else library
    settings = QualitySettings(
        drop=CERTAIN if config.quality == "drop" else (),
        splice_correction=correction,
        average=config.replicates is not None,
        scans=config.replicates or "id",
    )
    return check_quality(library, settings)[0]


def _correction(config: LibraryConfig) -> Correction | None:
    if isinstance(config.splice_correction, bool):
        return "add" if config.splice_correction else None
    return config.splice_correction


def quality_lines(library: Spectra) -> list[str]:
    """What the quality control found and did, a line each; none where it is off."""
    return [step.removeprefix(_MARK) for step in library.provenance if step.startswith(_MARK)]


def other_steps(library: Spectra) -> list[str]:
    """The rest of the provenance."""
    return [step for step in library.provenance if not step.startswith(_MARK)]
