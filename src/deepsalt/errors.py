"""Every exception deepsalt raises on purpose.

Each one carries what was found, where, and what to do next, and prints as a single line.
`exit_code` is what the command line returns: 1 the work failed, 2 the call was wrong.
"""

from __future__ import annotations

import unicodedata


class DeepSaltError(Exception):
    """Base of all errors meant for the user.

    found  what is wrong, with the offending value
    where  file, column, band, row or config key it was found in
    fix    what to do next
    """

    exit_code = 1

    def __init__(self, found: str, *, where: str = "", fix: str = "") -> None:
        self.found, self.where, self.fix = found, where, fix
        line = f"{where}: {found}" if where else found
        if fix:
            line = f"{line.rstrip('.')}. {fix}"
        super().__init__("".join(map(_printed, " ".join(line.split()))))


def _printed(letter: str) -> str:
    """A letter as it may reach a terminal: names of a stranger's file must not steer it."""
    return "?" if unicodedata.category(letter) in ("Cc", "Cs") else letter


class UsageError(DeepSaltError):
    """The call was wrong: a bad argument, a missing file, contradicting options."""

    exit_code = 2


class ConfigError(UsageError):
    """The config file has an unknown key or a value that cannot be used."""


class AxisError(DeepSaltError):
    """Wavelengths or wavenumbers that are unsorted, repeated, or in another unit than claimed."""


class SpectraError(DeepSaltError):
    """Spectra that cannot be used: all NaN, wrong shape, wrong quantity."""


class BandError(DeepSaltError):
    """The bands at hand are not those a model or a sensor needs."""


class LabelError(DeepSaltError):
    """EC labels or places that cannot be true: negative EC, no method, swapped coordinates."""


class ProductError(DeepSaltError):
    """A file or satellite product that is broken or contradicts itself."""


class ModelFileError(DeepSaltError):
    """A model file that is damaged, or that this version cannot honour."""


class TrainingError(DeepSaltError):
    """Training ended without a usable model, for example collapsed to a constant."""


class OutputError(DeepSaltError):
    """A result could not be written: disk full, no permission, destination in the way."""
