"""Classical domain adaptations on one interface: what a lab library can teach about pixels.

    from deepsalt.adaptation import ADAPTATIONS, Domains
    answer = ADAPTATIONS["coral"].fit(domains, seed=0)
    log_ece = answer(pixels)

torch is imported only when one of the deep methods is fitted.
"""

from deepsalt.adaptation.base import Adaptation, Answer, Domains
from deepsalt.adaptation.registry import ADAPTATIONS, adaptation

__all__ = ["ADAPTATIONS", "Adaptation", "Answer", "Domains", "adaptation"]
