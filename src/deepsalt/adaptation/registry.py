"""Every adaptation by its name. A new one is a file beside this, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from deepsalt.adaptation.base import Adaptation
from deepsalt.adaptation.coral import Coral
from deepsalt.adaptation.dann import DANN
from deepsalt.adaptation.daregram import DAREGRAM
from deepsalt.adaptation.epo import Epo
from deepsalt.adaptation.finetune import FineTune
from deepsalt.adaptation.mmd import MMD
from deepsalt.adaptation.ot import OptimalTransport
from deepsalt.adaptation.reference import LabOnly, Pooled
from deepsalt.adaptation.standardisation import DirectStandardisation, PiecewiseDirectStandardisation
from deepsalt.adaptation.subspace import Subspace
from deepsalt.errors import UsageError

_ALL: tuple[Adaptation, ...] = (
    LabOnly(),
    Pooled(),
    Epo(),
    DirectStandardisation(),
    PiecewiseDirectStandardisation(),
    Coral(),
    Subspace(),
    OptimalTransport(),
    MMD,
    DANN,
    DAREGRAM,
    FineTune(),
)

ADAPTATIONS: Mapping[str, Adaptation] = MappingProxyType({method.name: method for method in _ALL})


def adaptation(name: str) -> Adaptation:
    """An adaptation by name. Raises UsageError, with the known names, for another."""
    if name not in ADAPTATIONS:
        raise UsageError(f"unknown adaptation {name!r}", fix=f"Known: {', '.join(ADAPTATIONS)}.")
    return ADAPTATIONS[name]
