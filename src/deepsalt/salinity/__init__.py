"""What EC means: methods, conversion to ECe with its error, classes."""

from deepsalt.salinity.classes import USDA, ClassScheme, SalinityClass
from deepsalt.salinity.conversion import Conversion, to_ece
from deepsalt.salinity.methods import METHODS, parse_method

__all__ = ["METHODS", "USDA", "ClassScheme", "Conversion", "SalinityClass", "parse_method", "to_ece"]
