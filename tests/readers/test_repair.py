"""Geometries as files hold them: what is valid stays, what can be mended is, what cannot is named."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from deepsalt.errors import LabelError
from deepsalt.readers.repair import repaired

SQUARE = shapely.box(1, 0, 3, 1)
BOW_TIE = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
COLLAPSED = shapely.MultiPolygon([shapely.Polygon([(0, 0)] * 4), SQUARE])


def of(*shapes: shapely.Geometry | None) -> np.ndarray:
    return np.array([*shapes], dtype=object)


def test_each_is_mended_in_its_place_and_told() -> None:
    whole, invalid = repaired(of(SQUARE, BOW_TIE, None, COLLAPSED), where="fields.gpkg")
    assert invalid.tolist() == [False, True, False, True]
    assert whole[0].equals(SQUARE)
    assert whole[1].area == pytest.approx(2.0)
    assert whole[2] is None
    assert whole[3].geom_type == "Polygon"  # no point is left of the part without extent
    assert whole[3].equals(SQUARE)


def test_what_cannot_be_mended_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object, **__: object) -> None:
        raise shapely.errors.GEOSException("no way")

    monkeypatch.setattr(shapely, "make_valid", give_up)
    with pytest.raises(LabelError, match=r"fields.gpkg, feature 2: invalid geometry .*no way"):
        repaired(of(SQUARE, BOW_TIE), where="fields.gpkg")
