"""What EC means: methods, conversion to ECe with its error, texture, classes, sodicity, spectral indices."""

from deepsalt.salinity.classes import FAO, SCHEMES, USDA, ClassScheme, SalinityClass, scheme
from deepsalt.salinity.conversion import Converted, convert
from deepsalt.salinity.equations import Equation
from deepsalt.salinity.indices import INDICES, salinity_index
from deepsalt.salinity.methods import METHODS, parse_method
from deepsalt.salinity.published import EQUATIONS
from deepsalt.salinity.temperature import to_25c
from deepsalt.salinity.texture import parse_texture, texture_class

__all__ = [
    "EQUATIONS",
    "FAO",
    "INDICES",
    "METHODS",
    "SCHEMES",
    "USDA",
    "ClassScheme",
    "Converted",
    "Equation",
    "SalinityClass",
    "convert",
    "parse_method",
    "parse_texture",
    "salinity_index",
    "scheme",
    "texture_class",
    "to_25c",
]
