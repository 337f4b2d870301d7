"""The networks: tensors in, tensors out; no files, no tables.

Names are imported when they are first used, because importing torch takes seconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "AutoencoderShape": "deepsalt.models.architecture",
    "BridgeArchitecture": "deepsalt.models.architecture",
    "BridgeStudent": "deepsalt.models.bridge",
    "LabArchitecture": "deepsalt.models.architecture",
    "LabModel": "deepsalt.models.lab",
    "LabNet": "deepsalt.models.lab_net",
    "LabNetArchitecture": "deepsalt.models.architecture",
    "PaperArchitecture": "deepsalt.models.architecture",
    "PaperModel": "deepsalt.models.paper",
    "SparseAutoencoder": "deepsalt.models.autoencoder",
    "SpectralAdaptationUnit": "deepsalt.models.adaptation",
    "Student": "deepsalt.models.student",
    "Teacher": "deepsalt.models.teacher",
    "TransformerShape": "deepsalt.models.architecture",
    "Tuning": "deepsalt.models.tuning",
}

__all__ = [
    "AutoencoderShape",
    "BridgeArchitecture",
    "BridgeStudent",
    "LabArchitecture",
    "LabModel",
    "LabNet",
    "LabNetArchitecture",
    "PaperArchitecture",
    "PaperModel",
    "SparseAutoencoder",
    "SpectralAdaptationUnit",
    "Student",
    "Teacher",
    "TransformerShape",
    "Tuning",
]

if TYPE_CHECKING:
    from deepsalt.models.adaptation import SpectralAdaptationUnit
    from deepsalt.models.architecture import (
        AutoencoderShape,
        BridgeArchitecture,
        LabArchitecture,
        LabNetArchitecture,
        PaperArchitecture,
        TransformerShape,
    )
    from deepsalt.models.autoencoder import SparseAutoencoder
    from deepsalt.models.bridge import BridgeStudent
    from deepsalt.models.lab import LabModel
    from deepsalt.models.lab_net import LabNet
    from deepsalt.models.paper import PaperModel
    from deepsalt.models.student import Student
    from deepsalt.models.teacher import Teacher
    from deepsalt.models.tuning import Tuning


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'deepsalt.models' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
