"""Absorption features of a spectrum that stand for one mineral."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.spectra import Spectra

#: Gypsum's own overtone, and shoulders where neither it nor clay absorbs, nm (Moreira et al. 2014).
_GYPSUM_NM = (1690.0, 1750.0, 1800.0)
#: Depth that is noise, and depth from which gypsum is taken as plenty (about half a percent).
_NOISE_DEPTH, _PLENTY_DEPTH = 0.006, 0.026


def band_depth(spectra: Spectra, left_nm: float, centre_nm: float, right_nm: float) -> NDArray[np.float64]:
    """(sample,) depth below the straight continuum between two shoulders; 0 = none, NaN where a band is.

    Source: Clark & Roush (1984), J. Geophys. Res. 89, 6329.
    """
    at, values = spectra.axis.values, spectra.values.astype(np.float64)
    left, centre, right = (values[:, int(np.abs(at - nm).argmin())] for nm in (left_nm, centre_nm, right_nm))
    share = (centre_nm - left_nm) / (right_nm - left_nm)
    return 1.0 - centre / (left + share * (right - left))


def gypsum_depth(spectra: Spectra) -> NDArray[np.float64]:
    """(sample,) depth of the 1750 nm band of gypsum; of dry soil."""
    return band_depth(spectra, *_GYPSUM_NM)


def gypsum_presence(depth: NDArray[np.float64]) -> NDArray[np.float64]:
    """(sample,) 0 where the band of gypsum (`gypsum_depth`) is lost in noise, 1 where it is plain."""
    return np.clip((depth - _NOISE_DEPTH) / (_PLENTY_DEPTH - _NOISE_DEPTH), 0.0, 1.0)
