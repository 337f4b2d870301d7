"""Rasters of classes: names at places, never numbers in between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasterio.transform import Affine
from tests.readers.conftest import COLUMNS, ROWS
from tests.readers.test_covariates import lat_lon

from deepsalt.errors import ProductError
from deepsalt.readers.categories import CategoryRaster, CategorySet
from deepsalt.readers.covariates import CovariateRaster

BANDS = ("climate_zone", "soil_class")
PAM = """<PAMDataset>
 <PAMRasterBand band="1"><CategoryNames><Category></Category><Category>BSk</Category><Category/>
  <Category>BWk</Category></CategoryNames></PAMRasterBand>
 <PAMRasterBand band="2"><GDALRasterAttributeTable>
  <FieldDefn index="0"><Name>Value</Name><Type>0</Type><Usage>5</Usage></FieldDefn>
  <FieldDefn index="1"><Name>Count</Name><Type>0</Type><Usage>1</Usage></FieldDefn>
  <FieldDefn index="2"><Name>Class</Name><Type>2</Type><Usage>2</Usage></FieldDefn>
  <Row index="0"><F>1</F><F>60</F><F>Calcisol</F></Row><Row index="1"><F>2</F><F>60</F><F>Vertisol</F></Row>
 </GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"""


def codes() -> np.ndarray:
    """Zone 1 to the left and 3 to the right; soil 1 above and 2 below; no data in the first pixel."""
    zone = np.full((ROWS, COLUMNS), 1, np.uint8)
    zone[:, 5:] = 3
    soil = np.full((ROWS, COLUMNS), 1, np.uint8)
    soil[6:] = 2
    zone[0, 0] = soil[0, 0] = 0
    return np.stack([zone, soil])


@pytest.fixture
def zones(make_tiff) -> Path:
    return make_tiff(codes(), "zones.tif", nodata=0, descriptions=BANDS)


def test_names_come_from_what_gdal_keeps_beside_the_raster(zones: Path) -> None:
    zones.with_name("zones.tif.aux.xml").write_text(PAM)
    found = CategoryRaster.open(zones).at(*lat_lon([1.5, 11.5, 0.5, -3], [1.5, 9.5, 0.5, 1]))
    assert found["climate_zone"].tolist() == ["BSk", "BWk", None, None]
    assert found["soil_class"].tolist() == ["Calcisol", "Vertisol", None, None]


def test_the_class_of_the_pixel_not_of_the_middle_between_two(zones: Path) -> None:
    """Between zone 1 and zone 3 there is no zone 2."""
    columns = np.linspace(3.9, 6.1, 45)
    found = CategoryRaster.open(zones).at(*lat_lon([4.5] * 45, list(columns)))["climate_zone"]
    assert set(found) == {"1", "3"}


def test_names_from_a_table_beside_it(zones: Path) -> None:
    table = zones.with_suffix(".csv")
    table.write_text("code,name,band\n1,BSk,climate_zone\n1,Calcisol,soil_class\n2,Vertisol,soil_class\n")
    found = CategoryRaster.open(zones).at(*lat_lon([1.5, 11.5], [1.5, 9.5]))
    assert found["climate_zone"].tolist() == ["BSk", "3"], "a class without a name is its code"
    assert found["soil_class"].tolist() == ["Calcisol", "Vertisol"]
    table.write_text("code,name\n1,a\n3,b\n1,c\n")
    with pytest.raises(ProductError, match=r"zones.csv: a code stands in rows 1, 3. Name every code once"):
        CategoryRaster.open(zones)
    table.write_text("code,name\none,a\n")
    with pytest.raises(ProductError, match="column code does not hold whole numbers"):
        CategoryRaster.open(zones)
    table.write_text("id,ece\n1,2\n")
    assert CategoryRaster.open(zones).classes == ({}, {}), "another table of that name names no classes"


def test_a_class_is_no_quantity_and_a_quantity_no_class(zones: Path, make_tiff) -> None:
    zones.with_name("zones.tif.aux.xml").write_text(PAM)
    with pytest.raises(ProductError, match=r"climate_zone holds classes .1 is BSk.*strata instead"):
        CovariateRaster.open(zones)
    sand = make_tiff(np.ones((1, ROWS, COLUMNS), np.float32), "sand.tif", descriptions=("sand_pct",))
    with pytest.raises(ProductError, match=r"it holds float32, not codes.*under covariates"):
        CategoryRaster.open(sand)


def test_damaged_names_are_told(zones: Path) -> None:
    zones.with_name("zones.tif.aux.xml").write_text(PAM[:300])
    with pytest.raises(ProductError, match="XML is damaged"):
        CategoryRaster.open(zones)


def test_several_rasters_answer_together(zones: Path, make_tiff) -> None:
    south = make_tiff(codes()[:, 1:], "south.tif", nodata=0, descriptions=BANDS,
                      transform=Affine(30, 0, 600_000, 0, -30, 5_800_000 - 30 * ROWS))  # fmt: skip
    south.with_suffix(".csv").write_text("code,name\n1,south one\n2,south two\n3,south three\n")
    both = CategorySet.open([zones, south])
    found = both.at(*lat_lon([1.5, ROWS + 0.5, 100.0], [1.5, 8.5, 1.5]))
    assert found["climate_zone"].tolist() == ["1", "south three", None]
    other = make_tiff(codes()[:1], "other.tif", descriptions=("lithology",))
    with pytest.raises(ProductError, match=r"it holds lithology; zones.tif holds climate_zone, soil_class"):
        CategorySet.open([zones, other])
