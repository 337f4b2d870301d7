"""The teacher: a transformer that answers ln(1+ECe) for a latent, trained on laboratory latents.

As published: 64-d, 4 heads, 3 layers, feed-forward 128, bounded output. The published bound was
0.05 to 77 dS/m; ours is 0 to a ceiling from the training labels, on the ln(1+ECe) scale.
"""

from __future__ import annotations

from torch import Tensor, nn

from deepsalt.models.architecture import TransformerShape
from deepsalt.models.tokens import LatentTokens
from deepsalt.models.transformer import BoundedHead, TransformerEncoder


class Teacher(nn.Module):
    """Latent (n, latent) to ln(1+ECe) (n,) and the features of every layer (n, 1 + tokens, width)."""

    def __init__(self, shape: TransformerShape, *, latent: int, tokens: int) -> None:
        super().__init__()
        self.tokens = LatentTokens(latent, tokens, shape.width)
        self.encoder = TransformerEncoder(shape)
        self.head = BoundedHead(shape.width)

    def forward(self, latent: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = self.encoder(self.tokens(latent))
        return self.head(features[-1].mean(dim=1)), features
