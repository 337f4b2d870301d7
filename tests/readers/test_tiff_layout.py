"""Whether a TIFF is whole, in all its forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from deepsalt.errors import ProductError
from deepsalt.readers.tiff_layout import check_whole, is_tiff


@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("big", ["YES", "NO"])
@pytest.mark.parametrize("tiled", [True, False])
@pytest.mark.parametrize("compress", ["deflate", "none"])
def test_every_cut_is_seen(tmp_path: Path, endian: str, big: str, tiled: bool, compress: str) -> None:
    values = np.random.default_rng(1).integers(0, 9999, (3, 40, 50), dtype=np.int16)
    whole = tmp_path / "whole.tif"
    options = {"tiled": True, "blockxsize": 16, "blockysize": 16} if tiled else {"blockysize": 7}
    with rasterio.open(
        whole, "w", driver="GTiff", dtype="int16", count=3, height=40, width=50, crs="EPSG:32632",
        transform=rasterio.Affine(30, 0, 0, 0, -30, 0), compress=compress, endianness=endian, bigtiff=big,
        **options,
    ) as out:  # fmt: skip
        out.write(values)
    check_whole(whole)
    raw = whole.read_bytes()
    assert is_tiff(raw)
    for length in (8, 20, len(raw) // 3, len(raw) - 1):
        cut = tmp_path / "cut.tif"
        cut.write_bytes(raw[:length])
        with pytest.raises(ProductError, match=r"cut.tif: the TIFF is truncated"):
            check_whole(cut)


def test_a_sparse_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    with rasterio.open(
        path, "w", driver="GTiff", dtype="int16", count=2, height=64, width=64, sparse_ok=True, tiled=True,
        blockxsize=16, blockysize=16, crs="EPSG:32632", transform=rasterio.Affine(30, 0, 0, 0, -30, 0),
    ) as out:  # fmt: skip
        out.write(np.ones((16, 16), np.int16), 1, window=rasterio.windows.Window(0, 0, 16, 16))
    assert path.stat().st_size < 2 * 64 * 64 * 2, "the file is not sparse: it proves nothing"
    check_whole(path)  # raises if a block that is not stored counts as missing


def test_other_bytes_are_no_tiff(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"GIF89a" * 10)
    assert not is_tiff(b"GIF89a")
    with pytest.raises(ProductError, match="directory cannot be read"):
        check_whole(path)
