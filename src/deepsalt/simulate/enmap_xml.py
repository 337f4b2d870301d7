"""METADATA.XML of an EnMAP L2A product: the elements that readers use, arranged as in real files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from deepsalt.simulate.acquisition import NODATA, SCALE, WATER, Acquisition
from deepsalt.simulate.place import PIXEL_M

#: Wavelengths of the red, green and blue of the quicklooks, nm.
QUICKLOOKS_NM = {"VNIR": (847.1, 671.21, 548.06), "SWIR": (2201.0, 1645.3, 1051.3)}

_SCHEMA = "metadata_Lx_00-06-00.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_REVISION = "01.01.10"
#: What stands in the statistics of a band without data.
_NO_MEAN = -1_000_000

#: A tree of elements: a mapping holds children, a list repeats its name, `attributes` stand under "@".
Tree = Mapping[str, Any]


def metadata_xml(taken: Acquisition, sizes: Mapping[str, int]) -> bytes:
    """The file's bytes; `sizes` are the product's other files in bytes."""
    root = ET.Element("level_X", {f"{{{_XSI}}}noNamespaceSchemaLocation": _SCHEMA})
    _grow(
        root,
        {
            "metadata": _metadata(taken),
            "processing": _processing(),
            "base": _base(taken, sum(sizes.values())),
            "specific": _specific(taken),
            "product": _product(taken, sizes),
        },
    )
    ET.register_namespace("xsi", _XSI)
    ET.indent(root)
    return b"<?xml version='1.0' encoding='UTF-8'?>\n" + ET.tostring(root) + b"\n"


def _grow(parent: ET.Element, tree: Tree) -> None:
    for name, value in tree.items():
        if name == "@":
            parent.attrib.update({key: str(text) for key, text in value.items()})
        elif name == "#":
            parent.text = str(value)
        else:
            for item in value if isinstance(value, list) else [value]:
                child = ET.SubElement(parent, name)
                if isinstance(item, Mapping):
                    _grow(child, item)
                else:
                    child.text = str(item)


def _degrees(value: float) -> Tree:
    return {"@": {"unit": "DEG"}, "#": f"{value:.7f}"}


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


def _metadata(taken: Acquisition) -> Tree:
    return {
        "schema": {"versionSchema": "00.06.00", "name": _SCHEMA, "processingLevel": "L2A"},
        "name": f"{taken.name}-METADATA.XML",
        "comment": "SIMULATED by deepsalt.simulate: no satellite took this image. The format is that of an "
        f"EnMAP Level 2A product; the ground is an invented region ({taken.region.name}).",
        "citation": "Simulated data, not a product of the EnMAP mission",
    }


def _processing() -> Tree:
    return {
        "terrainCorrection": "Yes",
        "ozoneValue": 300,
        "season": "summer",
        "productFormat": "GeoTIFF+Metadata",
        "mapProjection": "UTM_Zone_of_Scene_Center",
        "imageResampling": "Bilinear_Interpolation",
        "correctionType": "Land_Mode",
        "cirrusHazeRemoval": "No",
        "bandInterpolation": "No",
        "waterType": "Turbid",
    }


def _base(taken: Acquisition, size: int) -> Tree:
    stop = taken.start + timedelta(seconds=taken.grid.rows * PIXEL_M / 6800.0)
    return {
        "spatialCoverage": {"boundingPolygon": {"point": _corners(taken)}},
        "temporalCoverage": {"startTime": _time(taken.start), "stopTime": _time(stop)},
        "revision": _REVISION,
        "sphere": "earth",
        "format": "ENMAP_L2A",
        "level": "L2A",
        "size": size,
        "archivedVersion": _REVISION,
    }


def _corners(taken: Acquisition) -> list[Tree]:
    """The four outermost pixels of the swath, and its centre."""
    rows, columns = np.nonzero(taken.inside)
    outermost = {
        "upper_left": int(np.argmin(rows * 1000 + columns)),
        "lower_left": int(np.argmin(columns * 1000 - rows)),
        "lower_right": int(np.argmax(rows * 1000 + columns)),
        "upper_right": int(np.argmax(columns * 1000 - rows)),
    }
    row = [float(rows[i]) + 0.5 for i in outermost.values()] + [taken.grid.rows / 2]
    column = [float(columns[i]) + 0.5 for i in outermost.values()] + [taken.grid.columns / 2]
    latitude, longitude = taken.grid.places(np.array(row), np.array(column))
    return [
        {"frame": frame, "latitude": _degrees(lat), "longitude": _degrees(lon), "utcTime": _time(taken.start)}
        for frame, lat, lon in zip([*outermost, "center"], latitude, longitude, strict=True)
    ]


def _specific(taken: Acquisition) -> Tree:
    return {
        "qualityFlag": _quality(taken),
        "vnirProductQuality": _channels(taken, "VNIR"),
        "swirProductQuality": _channels(taken, "SWIR"),
        "missionPhase": "nominal",
        "mission": "EnMAP",
        "satelliteID": "01",
        "sensor": "HSI",
        "datatakeID": taken.name.split("DT")[1][:10],
        "numberOfSWIRBands": taken.sensor.detector.count("SWIR"),
        "numberOfVNIRBands": taken.sensor.detector.count("VNIR"),
        "productType": "STANDARD_ALL",
        "datatakeStart": _time(taken.start),
        # Real files say 0 here although the images hold -32768: readers must trust the images.
        "backgroundValue": 0,
        "tileID": taken.name.split("_V")[0][-3:],
        "status": "NOMINAL",
        "sunElevationAngle": {"center": _degrees(taken.sun_elevation)},
        "sunAzimuthAngle": {"center": _degrees(taken.sun_azimuth)},
        "pixelSize": int(PIXEL_M),
        "code": "L2A",
        "bandCharacterisation": {"bandID": _band_characterisation(taken)},
        "widthOfOrthoScene": taken.grid.columns,
        "heightOfOrthoScene": taken.grid.rows,
    }


def _quality(taken: Acquisition) -> Tree:
    inside = max(int(taken.inside.sum()), 1)

    def percent(layer: np.ndarray) -> int:
        return round(100 * float(layer[taken.inside].sum()) / inside)

    return {
        "overallQualityVNIR": 0,
        "overallQualitySWIR": 0,
        "overallQuality": 0,
        "sceneSZA": f"{90 - taken.sun_elevation:.6f}",
        "qualityAtmosphere": 0,
        "cloudCover": percent(taken.flags["CLOUD"] > 0),
        "hazeCover": percent(taken.flags["HAZE"] > 0),
        "cirrusCover": percent(taken.flags["CIRRUS"] > 0),
        "snowCover": percent(taken.flags["SNOW"] > 0),
        "waterCover": percent(taken.classes == WATER),
        "cloudShadow": percent(taken.flags["CLOUDSHADOW"] > 0),
        "sceneWV": 1600,
        "sceneAOT": 180,
    }


def _channels(taken: Acquisition, detector: str) -> Tree:
    numbers = [str(i + 1) for i, name in enumerate(taken.sensor.detector) if name == detector]
    return {
        f"{detector.lower()}ProductStatus": "OK",
        "numChannelsExpected": len(numbers),
        "expectedChannelsList": ",".join(numbers),
        "numChannelsMissing": 0,
        "missingChannelsList": "",
    }


def _band_characterisation(taken: Acquisition) -> list[Tree]:
    axis = taken.sensor.axis
    return [
        {
            "@": {"number": number},
            "wavelengthCenterOfBand": f"{centre:g}",
            "FWHMOfBand": f"{width:g}",
            "GainOfBand": f"{1 / SCALE:g}",
            "OffsetOfBand": 0,
        }
        for number, (centre, width) in enumerate(zip(axis.values, axis.widths, strict=True), start=1)
    ]


def _product(taken: Acquisition, sizes: Mapping[str, int]) -> Tree:
    shape = {"columns": taken.grid.columns, "rows": taken.grid.rows}
    image = f"{taken.name}-SPECTRAL_IMAGE.TIF"
    quicklooks = {
        detector.lower(): {
            "channels": 3,
            "qlChannels": dict(zip(("red", "green", "blue"), nm, strict=True)),
            "name": f"{taken.name}-QL_{detector}.TIF",
            "dimension": shape,
        }
        for detector, nm in QUICKLOOKS_NM.items()
    }
    files = [(f"{taken.name}-METADATA.XML", "xml", None)] + [(n, "binary", s) for n, s in sizes.items()]
    return {
        "image": {"merge": {"channels": len(taken.sensor), "name": image, "dimension": shape}},
        "quicklook": quicklooks,
        "ortho": {"projection": taken.grid.projection, "resolution": int(PIXEL_M), "resampling": "bilinear"},
        "productFileInformation": {
            "file": [
                {"@": {"number": number}, "name": name, "version": _REVISION, "format": kind}
                | ({} if size is None else {"size": {"@": {"unit": "Kbyte"}, "#": max(1, size // 1024)}})
                for number, (name, kind, size) in enumerate(files, start=1)
            ]
        },
        "bandStatistics": {"bandID": _statistics(taken)},
    }


def _statistics(taken: Acquisition) -> list[Tree]:
    rows: list[Tree] = []
    for number, (centre, band) in enumerate(zip(taken.sensor.axis.values, taken.dn, strict=True), start=1):
        values = band[band != NODATA].astype(np.float64) / SCALE
        mean, spread = (f"{values.mean():.7g}", f"{values.std():.7g}") if len(values) else (_NO_MEAN, 0)
        rows.append(
            {"@": {"number": number}, "waveLength": f"{centre:g}", "mean": mean, "stdDeviation": spread}
        )
    return rows
