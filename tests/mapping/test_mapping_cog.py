"""The files of a map: valid COGs with colours, whole or an error."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from tests.mapping.conftest import Brightness, MemoryScene, scene_of, soil

from deepsalt.errors import OutputError
from deepsalt.mapping import map_scene, qml, style
from deepsalt.mapping.cog import Grid, LayerWriter
from deepsalt.mapping.quicklook import read_small
from deepsalt.readers.raster import open_raster
from deepsalt.salinity import USDA
from deepsalt.spectra import MaskReason, Window

GRID = Grid(40, 30, "EPSG:32614", (30.0, 0.0, 500_000.0, 0.0, -30.0, 2_000_000.0))


@pytest.mark.parametrize("size", [(3, 2), (300, 500), (1100, 600)])
def test_every_layer_is_a_valid_cog_without_warnings(size: tuple[int, int], tmp_path: Path) -> None:
    from rio_cogeo.cogeo import cog_validate

    ramp = np.linspace(0, 0.3, size[0] * size[1]).reshape(size)
    result = map_scene(Brightness(), scene_of(soil(*size, ramp), block=(64, size[1])), tmp_path)
    for layer in (result.ece, result.classes, result.mask):
        assert cog_validate(layer, strict=True, quiet=True) == (True, [], [])
    with open_raster(result.classes) as dataset:
        assert bool(dataset.overviews(1)) == (max(size) > 512)


def test_overviews_average_ece_and_keep_classes(tmp_path: Path) -> None:
    swir = np.tile(np.array([[0.01, 0.03], [0.01, 0.01]]), (300, 300))
    result = map_scene(Brightness(), scene_of(soil(600, 600, swir)), tmp_path)
    with rasterio.open(result.ece, overview_level=0) as dataset:
        np.testing.assert_allclose(dataset.read(1), np.full((300, 300), 1.5), rtol=1e-5)
    with rasterio.open(result.classes, overview_level=0) as dataset:
        assert set(np.unique(dataset.read(1))) <= {0, 1}


def test_class_colours_are_in_the_colour_table_and_names_beside_it(
    six_pixels: MemoryScene, tmp_path: Path
) -> None:
    result = map_scene(Brightness(), six_pixels, tmp_path)
    with open_raster(result.classes) as dataset:
        colours = dataset.colormap(1)
        assert dataset.nodata == 255
        assert dataset.tags(1)["CATEGORY_4"] == "strongly saline (≥ 16 dS/m)"
    assert colours[0] == (0x2C, 0x7F, 0xB8, 255)
    assert colours[4] == (0xBD, 0x00, 0x26, 255)
    names = ElementTree.parse(result.folder / "class.tif.aux.xml").findall(".//Category")
    assert [name.text for name in names][:2] == ["non-saline (0–2 dS/m)", "very slightly saline (2–4 dS/m)"]
    with open_raster(result.mask) as dataset:
        assert dataset.colormap(1)[MaskReason.WATER] == (0x9D, 0xB7, 0xC9, 255)
        assert dataset.tags(1)["CATEGORY_3"] == "cloud shadow"


def test_qgis_styles_hold_the_scheme() -> None:
    ramp = ElementTree.fromstring(qml.ece_qml(USDA)).findall(".//item")
    assert [item.get("value") for item in ramp] == ["2", "4", "8", "16", "inf"]
    assert [item.get("color") for item in ramp] == [c.colour for c in USDA.classes]
    palette = ElementTree.fromstring(qml.class_qml(USDA)).findall(".//paletteEntry")
    assert [entry.get("value") for entry in palette] == ["0", "1", "2", "3", "4"]
    assert palette[2].get("label") == "slightly saline (4–8 dS/m)"


def test_every_reason_has_a_colour_of_its_own() -> None:
    assert set(style.REASON_COLOURS) == set(MaskReason)
    assert len(set(style.REASON_COLOURS.values())) == len(MaskReason)


def test_a_scene_without_coordinates_still_gives_a_map(tmp_path: Path) -> None:
    scene = scene_of(soil(4, 4, 0.1), crs="", transform=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    result = map_scene(Brightness(), scene, tmp_path)
    with open_raster(result.ece) as dataset:
        assert dataset.crs is None
    assert result.summary["classes"][3]["pixels"] == 16
    assert result.summary["classes"][3]["hectares"] is None


def test_a_copy_that_lost_its_end_is_not_accepted(tmp_path: Path, monkeypatch: Any) -> None:
    """GDAL may report success although the last bytes did not reach the disk."""
    real = rasterio.shutil.copy

    def short(source: Path, destination: Path, **options: Any) -> None:
        real(source, destination, **options)
        whole = destination.read_bytes()
        destination.write_bytes(whole[: len(whole) - 200])

    monkeypatch.setattr(rasterio.shutil, "copy", short)
    writer = LayerWriter(tmp_path, style.ece_layer(), GRID, {})
    writer.write(Window(0, 0, 40, 30), np.random.default_rng(0).uniform(0, 9, (40, 30)))
    with pytest.raises(OutputError, match=r"ece\.tif: the file did not reach the disk whole"):
        writer.finish()
    assert not (tmp_path / "ece.tif").exists()


def test_changed_pixels_are_not_accepted(tmp_path: Path, monkeypatch: Any) -> None:
    real = rasterio.shutil.copy

    def wrong(source: Path, destination: Path, **options: Any) -> None:
        with rasterio.open(source, "r+") as dataset:
            dataset.write(np.full((1, 1), 3.0, np.float32), 1, window=((7, 8), (7, 8)))
        real(source, destination, **options)

    monkeypatch.setattr(rasterio.shutil, "copy", wrong)
    writer = LayerWriter(tmp_path, style.ece_layer(), GRID, {})
    writer.write(Window(0, 0, 40, 30), np.zeros((40, 30)))
    with pytest.raises(OutputError, match="did not reach the disk whole"):
        writer.finish()


FULL_DISK = """
    import resource, signal, sys
    import numpy as np
    from deepsalt.errors import OutputError
    from deepsalt.mapping import map_scene
    import tests.mapping.conftest as toys

    swir = np.random.default_rng(0).uniform(0, 0.3, (400, 400))
    scene = toys.scene_of(toys.soil(400, 400, swir), block=(40, 400))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        map_scene(toys.Brightness(), scene, sys.argv[1], pixels_per_window=40 * 400)
    except OutputError as error:
        sys.stdout.write(str(error))
"""


@pytest.mark.parametrize("limit", [10_000, 300_000, 600_000])
def test_a_full_disk_is_one_clear_error_and_leaves_nothing(limit: int, tmp_path: Path) -> None:
    """The pixels alone need 640 000 bytes: the limit hits the header, the windows, or the copy."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path / "maps"), str(limit)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ece.tif" in done.stdout
    assert "disk" in done.stdout
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "maps").iterdir()) == []


def test_the_quicklook_is_a_picture_with_the_map_north_up(six_pixels: MemoryScene, tmp_path: Path) -> None:
    from matplotlib.image import imread

    result = map_scene(Brightness(), six_pixels, tmp_path)
    picture = imread(result.quicklook)[..., :3]

    def middle_of(colour: str) -> tuple[float, float]:
        wanted = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        rows, columns = np.nonzero(np.abs(picture - wanted).max(axis=-1) < 0.01)
        assert len(rows) > 500
        inside = columns < picture.shape[1] * 0.7  # left of the legend
        return float(np.median(rows[inside])), float(np.median(columns[inside]))

    north_west, south_west = middle_of("#2c7fb8"), middle_of("#fd8d3c")
    assert north_west[0] < south_west[0]
    assert north_west[1] == pytest.approx(south_west[1], abs=10)  # the scale bar hides some
    assert north_west[1] < middle_of("#7fcdbb")[1]


def test_big_layers_are_shrunk_for_pictures(tmp_path: Path) -> None:
    result = map_scene(Brightness(), scene_of(soil(1800, 20, 0.1), block=(100, 20)), tmp_path)
    values, extent, unit = read_small(result.ece)
    assert values.shape == (900, 10)
    assert extent == (500_000.0, 500_600.0, 1_946_000.0, 2_000_000.0)
    assert unit == "m"
