"""The method's own nuisance draws: what stands between a jar of dry soil and a pixel.

Nothing here knows `deepsalt.simulate`, nor that room this one: a world must be able to surprise the method.
"""

from deepsalt.augment.bridge import Drawn, PhysicsBridge
from deepsalt.augment.settings import BridgeSettings

__all__ = ["BridgeSettings", "Drawn", "PhysicsBridge"]
