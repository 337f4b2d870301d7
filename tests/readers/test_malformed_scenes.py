"""Damage at random in whole products: one error of ours, or a scene that can be read to its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from tests.readers.conftest import Product
from tests.readers.test_desis import Desis
from tests.readers.test_envi_cube import Image

import deepsalt as ds
from deepsalt.errors import DeepSaltError


def _zip(folder: Path) -> tuple[Path, Path]:
    product = Product(folder)
    product.write()
    path = product.zipped()
    return path, path


def _envi_header(folder: Path) -> tuple[Path, Path]:
    path = Image(fields={"bbl": "{1, 0, 1}", "data ignore value": "-9999"}).write(folder)
    return path.with_suffix(".hdr"), path


def _desis_xml(folder: Path) -> tuple[Path, Path]:
    desis = Desis(folder)
    desis.write()
    return desis.file("METADATA.xml"), desis.path


def _quality_layer(folder: Path) -> tuple[Path, Path]:
    product = Product(folder)
    product.write()
    return product.layer_file("CLOUD"), product.path


#: How a good product is made: the file to be damaged and the path to be read.
WHOLE: dict[str, Callable[[Path], tuple[Path, Path]]] = {
    "zip": _zip,
    "ENVI header": _envi_header,
    "DESIS metadata": _desis_xml,
    "quality layer": _quality_layer,
}
READERS = {"zip": "enmap", "ENVI header": "envi_cube", "DESIS metadata": "desis", "quality layer": "enmap"}


def read_to_its_end(path: Path, reader: str) -> str:
    """What is said of a path: an error of ours, or the notes of a scene whose pixels can all be read."""
    try:
        scene = ds.read(path, reader=reader)
        assert scene.read().values.shape[:2] == scene.mask().shape
    except DeepSaltError as error:
        return str(error)
    return " | ".join(scene.notes)


@pytest.mark.parametrize("kind", WHOLE)
def test_damage_anywhere(tmp_path_factory: pytest.TempPathFactory, kind: str) -> None:
    folder = tmp_path_factory.mktemp("damage")
    file, path = WHOLE[kind](folder)
    whole = file.read_bytes()
    read_to_its_end(path, READERS[kind])

    @seed(7)
    @settings(max_examples=20, database=None, deadline=None)
    @given(where=st.floats(0, 1), noise=st.binary(min_size=1, max_size=24), how=st.sampled_from("ocid"))
    def damaged(where: float, noise: bytes, how: str) -> None:
        if kind == "ENVI header":  # GDAL writes what it cannot decode to the screen, past every handler
            noise = bytes(byte & 0x7F for byte in noise)
        at = int(where * (len(whole) - 1))
        changed = {
            "o": whole[:at] + noise + whole[at + len(noise) :],  # overwritten
            "c": whole[:at],  # cut off
            "i": whole[:at] + noise + whole[at:],  # inserted
            "d": whole[:at] + whole[at + len(noise) :],  # taken out
        }[how]
        file.write_bytes(changed)
        assert "\n" not in read_to_its_end(path, READERS[kind])

    damaged()
