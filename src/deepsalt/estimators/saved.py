"""What every trained network has in common: one file with its card, and what a loaded one remembers of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepsalt.errors import TrainingError
from deepsalt.estimators.card import inputs_from
from deepsalt.estimators.predictor import BandInputs


class Saved:
    """Base of the estimators that are kept as a model file; `fit` sets `model_`, `inputs_` and `card_`."""

    model_: Any
    inputs_: BandInputs
    card_: dict[str, Any]
    #: Of a loaded model: the digest of its file, and whether it was trained on simulated data.
    fingerprint: str = ""
    simulated: bool = False

    def save(self, path: str | Path, about: Mapping[str, Any] | None = None) -> None:
        """Write one .safetensors file with its card; `about` adds facts to the card."""
        from deepsalt.training import model_to_file

        if not hasattr(self, "model_"):
            raise TrainingError("the model is not trained", fix="Call fit first.")
        model_to_file(path, self.model_, {**self.card_, **(about or {})})

    def _is_of(self, path: str | Path, model: Any, card: dict[str, Any]) -> None:
        """Take over what a file holds. Raises ModelFileError for a card without usable inputs."""
        self.model_, self.inputs_, self.card_ = model, inputs_from(card, path), card
        self.fingerprint = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
        self.simulated = bool(card.get("simulated", False))
