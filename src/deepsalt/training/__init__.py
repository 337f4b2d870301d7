"""Training of the presets: losses, loop, stages, checks, and the model file.

Names are imported when they are first used, because importing torch takes seconds; the settings
need no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "BridgeData": "deepsalt.training.bridge_data",
    "DeepSaltResult": "deepsalt.training.deepsalt",
    "DeepSaltSettings": "deepsalt.training.bridge_settings",
    "LabSettings": "deepsalt.training.lab_settings",
    "PaperData": "deepsalt.training.data",
    "PaperResult": "deepsalt.training.paper",
    "PaperSettings": "deepsalt.training.settings",
    "Stage": "deepsalt.training.settings",
    "StageHistory": "deepsalt.training.loop",
    "TeacherResult": "deepsalt.training.teach",
    "Units": "deepsalt.training.bridge_data",
    "load_model": "deepsalt.training.modelfile",
    "model_from_file": "deepsalt.training.modelfile",
    "model_to_file": "deepsalt.training.modelfile",
    "pick_device": "deepsalt.training.device",
    "read_card": "deepsalt.training.header",
    "save_model": "deepsalt.training.modelfile",
    "tell_about": "deepsalt.training.modelfile",
    "train_deepsalt": "deepsalt.training.deepsalt",
    "train_paper": "deepsalt.training.paper",
    "train_teacher": "deepsalt.training.teach",
}

__all__ = [
    "BridgeData",
    "DeepSaltResult",
    "DeepSaltSettings",
    "LabSettings",
    "PaperData",
    "PaperResult",
    "PaperSettings",
    "Stage",
    "StageHistory",
    "TeacherResult",
    "Units",
    "load_model",
    "model_from_file",
    "model_to_file",
    "pick_device",
    "read_card",
    "save_model",
    "tell_about",
    "train_deepsalt",
    "train_paper",
    "train_teacher",
]

if TYPE_CHECKING:
    from deepsalt.training.bridge_data import BridgeData, Units
    from deepsalt.training.bridge_settings import DeepSaltSettings
    from deepsalt.training.data import PaperData
    from deepsalt.training.deepsalt import DeepSaltResult, train_deepsalt
    from deepsalt.training.device import pick_device
    from deepsalt.training.header import read_card
    from deepsalt.training.lab_settings import LabSettings
    from deepsalt.training.loop import StageHistory
    from deepsalt.training.modelfile import (
        load_model,
        model_from_file,
        model_to_file,
        save_model,
        tell_about,
    )
    from deepsalt.training.paper import PaperResult, train_paper
    from deepsalt.training.settings import PaperSettings, Stage
    from deepsalt.training.teach import TeacherResult, train_teacher


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'deepsalt.training' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
