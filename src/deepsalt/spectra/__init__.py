"""Spectra, the one object that flows; the Sensor that measured them; the Scene they are read from."""

from deepsalt.spectra.axis import Axis
from deepsalt.spectra.loaded import Loaded
from deepsalt.spectra.response import Responses
from deepsalt.spectra.scene import MaskReason, Scene, Window, first_reason
from deepsalt.spectra.sensor import Sensor
from deepsalt.spectra.table import Quantity, Spectra

__all__ = [
    "Axis",
    "Loaded",
    "MaskReason",
    "Quantity",
    "Responses",
    "Scene",
    "Sensor",
    "Spectra",
    "Window",
    "first_reason",
]
