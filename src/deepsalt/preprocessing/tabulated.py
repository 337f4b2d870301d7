"""Weights of a tabulated spectral response over the bands of a source."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.spectra.response import Responses

Floats = NDArray[np.float64]


def tabulated_weights(nodes: Floats, responses: Responses) -> tuple[Floats, Floats]:
    """Integrals of each response times a spectrum that is linear between `nodes`.

    nodes    (source band,) centres, nm, increasing
    returns  weights (band, source band), rows sum to 1, and inside (band,) the share of each response that
             lies between the end nodes; the row is 0 where that is 0

    Both curves are linear between the points of either, so that the integrals are exact.
    """
    weights = np.zeros((len(responses), len(nodes)))
    inside = np.zeros(len(responses))
    for band, (nm, value) in enumerate(zip(responses.wavelengths, responses.values, strict=True)):
        row = _row(nodes, nm, value)
        inside[band] = row.sum() / np.trapezoid(value, nm)
        weights[band] = row / row.sum() if row.sum() > 0 else 0.0
    return weights, inside


def _row(nodes: Floats, nm: Floats, value: Floats) -> Floats:
    """(node,) integral of one response times the hat function of each node."""
    low, high = max(nm[0], nodes[0]), min(nm[-1], nodes[-1])
    if not low < high or len(nodes) < 2:
        return np.zeros(len(nodes))
    points = np.unique(np.clip(np.concatenate([nm, nodes]), low, high))
    left = np.clip(np.searchsorted(nodes, points[:-1], side="right") - 1, 0, len(nodes) - 2)
    response = np.interp(points, nm, value)
    start, stop = response[:-1], response[1:]
    gap = nodes[left + 1] - nodes[left]
    at_start, at_stop = (points[:-1] - nodes[left]) / gap, (points[1:] - nodes[left]) / gap
    step = np.diff(points)
    whole = step * (start + stop) / 2
    right = step * (2 * start * at_start + start * at_stop + stop * at_start + 2 * stop * at_stop) / 6
    count = len(nodes)
    return np.asarray(np.bincount(left, whole - right, count) + np.bincount(left + 1, right, count), float)
