"""A sensor: band centres, widths, detector, noise and which bands the atmosphere leaves usable.

The tables in `sensors/` are small CSV files in our own format. Their first lines start with `#` and
name the sensor, the source of the numbers and the date of reading; the columns are

    band         running number, 1-based, by increasing wavelength
    centre_nm    band centre, nm
    fwhm_nm      full width at half maximum, nm
    detector     name of the detector
    good         1 where a surface reflectance is normally delivered, 0 in water-vapour bands
    noise        noise-equivalent reflectance over a surface of reflectance 0.3; empty = not known
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import BandError, UsageError
from deepsalt.spectra.axis import Axis
from deepsalt.spectra.response import Responses


@dataclass(frozen=True, eq=False)
class Sensor:
    """What a spectrometer in space delivers.

    name      short name in lower case: "enmap", "prisma", "emit", "sentinel2", or a user's own
    axis      band centres and FWHM, nm
    detector  (band,) detector name of each band
    good      (band,) False where the atmosphere normally leaves no surface signal
    noise     (band,) noise-equivalent reflectance (fraction) at reflectance 0.3, NaN = not known
    about     free text by key: source, date, licence
    responses tabulated response of each band, in the order of `axis`, or None: then bands are Gaussians
    """

    name: str
    axis: Axis
    detector: tuple[str, ...] = ()
    good: NDArray[np.bool_] | None = None
    noise: NDArray[np.float64] | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    responses: Responses | None = None

    def __post_init__(self) -> None:
        bands = len(self.axis)
        object.__setattr__(self, "detector", tuple(self.detector) or ("",) * bands)
        good = np.ones(bands, bool) if self.good is None else np.asarray(self.good, bool)
        noise = np.full(bands, np.nan) if self.noise is None else np.asarray(self.noise, float)
        object.__setattr__(self, "good", good)
        object.__setattr__(self, "noise", noise)
        object.__setattr__(self, "about", dict(self.about))
        for what in (self.detector, good, noise, self.responses or self.detector):
            if len(what) != bands:
                raise BandError(
                    f"sensor {self.name}: {bands} band centres but {len(what)} entries beside them"
                )

    def __len__(self) -> int:
        return len(self.axis)

    @classmethod
    def of_responses(cls, name: str, responses: Responses) -> Sensor:
        """A sensor whose bands are those of tabulated responses."""
        return cls(name, responses.axis, responses=responses)

    @classmethod
    def load(cls, name: str) -> Sensor:
        """A sensor of the shipped tables, by name.

        >>> len(Sensor.load("enmap"))
        224
        """
        return _load(name.strip().lower())

    @staticmethod
    def known() -> tuple[str, ...]:
        """Names of the shipped tables."""
        folder = resources.files("deepsalt.spectra") / "sensors"
        return tuple(sorted(file.name[:-4] for file in folder.iterdir() if file.name.endswith(".csv")))


@cache
def _load(name: str) -> Sensor:
    if name not in Sensor.known():
        close = get_close_matches(name, Sensor.known(), n=1)
        raise UsageError(
            f"unknown sensor {name!r}",
            fix=f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(Sensor.known())}.",
        )
    text = (resources.files("deepsalt.spectra") / "sensors" / f"{name}.csv").read_text(encoding="utf-8")
    head = [line[1:].partition(":") for line in text.splitlines() if line.startswith("#")]
    about = {key.strip(): value.strip() for key, _, value in head}
    table = pd.read_csv(io.StringIO(text), comment="#")
    return Sensor(
        name=name,
        axis=Axis(table["centre_nm"].to_numpy(), "nm", table["fwhm_nm"].to_numpy()),
        detector=tuple(table["detector"]),
        good=table["good"].to_numpy(bool),
        noise=table["noise"].to_numpy(float),
        about=about,
    )
