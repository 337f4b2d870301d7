"""What every trained network has in common: one file with its card, and what a loaded one remembers of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepsalt.errors import TrainingError
from deepsalt.estimators.card import inputs_from, usable
from deepsalt.estimators.predictor import BandInputs


class Saved:
    """Base of the estimators that are kept as a model file; `fit` sets `model_`, `inputs_` and `card_`."""

    model_: Any
    inputs_: BandInputs
    card_: dict[str, Any]
    #: Of a loaded model: the digest of all its answers depend on, and whether its data were simulated.
    fingerprint: str = ""
    simulated: bool = False

    def save(self, path: str | Path, about: Mapping[str, Any] | None = None) -> None:
        """Write one .safetensors file with its card; `about` is what else a reader must know of it."""
        from deepsalt.training import model_to_file

        if not hasattr(self, "model_"):
            raise TrainingError("the model is not trained", fix="Call fit first.")
        model_to_file(path, self.model_, {**self.card_, **({} if about is None else {"about": dict(about)})})

    def _is_of(self, path: str | Path, model: Any, card: dict[str, Any]) -> None:
        """Take over what a file holds. Raises ModelFileError for a card without usable inputs."""
        self.model_, self.inputs_, self.card_ = model, inputs_from(card, path), card
        self.fingerprint = card["fingerprint"]
        with usable("whether it was simulated", path):
            self.simulated = bool(card.get("about", {}).get("simulated", False))
