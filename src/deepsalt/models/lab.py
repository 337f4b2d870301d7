"""The laboratory half: autoencoder and teacher, for MIR or vis-NIR of any band count."""

from __future__ import annotations

from torch import Tensor, nn

from deepsalt.models.architecture import LabArchitecture
from deepsalt.models.autoencoder import SparseAutoencoder
from deepsalt.models.inference import Rows, in_batches
from deepsalt.models.teacher import Teacher


class LabModel(nn.Module):
    """Laboratory spectrum (n, bands) to ln(1+ECe) (n,)."""

    def __init__(self, architecture: LabArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.autoencoder = SparseAutoencoder(architecture.autoencoder)
        self.teacher = Teacher(
            architecture.teacher, latent=architecture.autoencoder.latent, tokens=architecture.tokens
        )

    def forward(self, spectra: Tensor) -> Tensor:
        return self.teacher(self.autoencoder.encode(spectra))[0]

    def predict(self, spectra: Rows) -> Tensor:
        """ln(1+ECe) (n,) on the CPU; NaN where a band of the spectrum is NaN.

        Raises BandError for a wrong number of bands.
        """
        return in_batches(self, self, spectra)
