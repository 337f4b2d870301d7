"""Writing the GeoTIFFs of a product on the grid of its scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from deepsalt.simulate.place import Grid


def write_tiff(
    path: Path,
    values: NDArray[Any],
    grid: Grid,
    options: Mapping[str, Any],
    describe: Callable[[Any], None] | None = None,
) -> None:
    """Write (band, y, x) values; `options` are GDAL's, `describe` may set tags on the open rasterio file."""
    import rasterio
    from rasterio.transform import Affine

    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=values.dtype.name,
        count=len(values),
        height=grid.rows,
        width=grid.columns,
        crs=grid.crs,
        transform=Affine(*grid.transform),
        **options,
    ) as file:
        if describe:
            describe(file)
        file.write(values)
