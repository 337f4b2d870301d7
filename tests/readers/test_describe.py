"""What `deepsalt inspect` says, checked against files whose content is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.readers.conftest import COLUMNS, LAYERS, NAME, ROWS, Product

import deepsalt as ds
from deepsalt.readers.describe import describe


def test_a_scene(product: Product) -> None:
    product.layers["CLASSES"][0, 0, :] = 2
    product.layers["CLOUD"][0, 1, :5] = 1
    facts = describe(ds.read(product.write()))
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["product"], facts["kind"], facts["sensor"], facts["level"]) == (
        NAME,
        "scene",
        "enmap",
        "L2A",
    )
    assert facts["acquired"] == "2023-06-15T10:30:12.123456Z"
    assert (facts["height"], facts["width"], facts["bands"]) == (ROWS, COLUMNS, 12)
    assert facts["wavelength_nm"] == [418.2, 2200.0]
    assert facts["empty_bands"] == {"count": 2, "numbers": "9-10", "wavelength_nm": [[1340.0, 1360.0]]}
    assert facts["band_faults"] == {
        "no data in the product": {"count": 2, "numbers": "9-10", "wavelength_nm": [[1340.0, 1360.0]]}
    }
    assert facts["quality_layers"] == sorted(LAYERS)
    assert facts["memory_mb"] == round(ROWS * COLUMNS * 12 * 4 / 1e6, 1)
    assert facts["detectors"] == {"SWIR": 6, "VNIR": 6}
    assert {name: found["pixels"] for name, found in facts["masks"].items()} == {
        "valid": 105,
        "cloud": 5,
        "water": 10,
    }
    assert facts["masks"]["water"]["share"] == pytest.approx(10 / 120)
    assert facts["pixel_size"] == [30, 30]
    assert facts["crs"] == "EPSG:32632"
    assert facts["extent"]["latitude"] == pytest.approx([52.337, 52.340], abs=0.002)
    assert facts["extent"]["longitude"] == pytest.approx([10.467, 10.472], abs=0.002)


def test_a_scene_without_place(product: Product) -> None:
    product.crs = None
    facts = describe(ds.read(product.write()))
    assert facts["crs"] is None
    assert facts["extent"] is None


def test_a_library(write_csv) -> None:
    path = write_csv(
        "id,profile,lat,lon,depth_top_cm,depth_bottom_cm,date,ece_ds_m,450nm,550nm,650nm",
        "a,p1,36,-120,0,10,2020-01-02,0,.1,.2,.3",
        "b,p1,37,-121,10,30,2021-01-02,3,.2,.2,.2",
        "c,p2,,,,,,20,.1,.2,2.5",
        "d,p2,,,,,,,.1,,.3",
        "d,p2,,,,,,4,.1,.2,.3",
    )
    facts = describe(ds.read(path))
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["kind"], facts["samples"], facts["bands"], facts["unit"]) == ("library", 5, 3, "nm")
    assert facts["values"] == {
        "min": 0.1,
        "median": 0.2,
        "max": 2.5,
        "look_like": "reflectance or absorbance",
    }
    assert facts["ec"] == {
        "column": "ece_ds_m", "unit": "dS/m", "method": {"ECe": 4}, "n": 4,
        "min": 0.0, "median": 3.5, "max": 20.0, "zeros": 1,
        "share": {"above_2": 0.75, "above_4": 0.25, "above_8": 0.25, "above_16": 0.25},
    }  # fmt: skip
    assert facts["groups"] == 2
    assert facts["places"] == {"n": 2, "latitude": [36.0, 37.0], "longitude": [-121.0, -120.0]}
    assert facts["depth_cm"] == [0.0, 30.0]
    assert facts["dates"] == ["2020-01-02", "2021-01-02"]
    assert facts["looks_wrong"] == [
        "6.67% of all values are missing",
        "1 spectra are flat: one value in all bands",
        "1 spectra have reflectance below -0.2 or above 1.6",
        "1 ids stand there more than once",
    ]


def test_a_library_without_ec_and_an_image(write_csv, product: Product) -> None:
    facts = describe(ds.read(write_csv("450nm,550nm,650nm", ".1,.2,.3")))
    assert facts["ec"] is facts["groups"] is facts["places"] is facts["dates"] is None
    assert facts["looks_wrong"] == []
    image = describe(ds.read(product.write()).read())
    assert (image["kind"], image["samples"]) == ("image", ROWS * COLUMNS)
    assert np.isfinite(image["memory_mb"])
