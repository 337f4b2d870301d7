"""Zonal statistics as a file: table, GeoPackage, GeoParquet or GeoJSON, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from deepsalt.errors import OutputError, UsageError
from deepsalt.files import written_whole
from deepsalt.readers.columns import listed
from deepsalt.readers.vector import in_wgs84

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

#: What zonal statistics can be written as.
SUFFIXES = (".csv", ".gpkg", ".parquet", ".geojson")
_LAYER = "zonal"


def with_own_columns(polygons: GeoDataFrame, table: pd.DataFrame, keep: list[str] | None) -> GeoDataFrame:
    """The features as they were read, with their own columns first and the statistics after them.

    keep   names of own columns; None keeps all

    Raises UsageError for a column that is not there, or that has the name of a statistic.
    """
    own = [name for name in polygons.columns if name != polygons.geometry.name]
    missing = [name for name in keep or () if name not in own]
    if missing:
        raise UsageError(f"no column {listed(missing)}", where="polygons", fix=f"Columns: {listed(own)}.")
    kept = own if keep is None else [name for name in own if name in keep]
    taken = [name for name in kept if name in table]
    if taken:
        raise UsageError(
            f"the polygons have columns with names of statistics: {listed(taken)}",
            where="polygons",
            fix="Name the columns to keep with --keep, without these.",
        )
    features = polygons[[*kept, polygons.geometry.name]].reset_index(drop=True)
    return features.join(table)[[*kept, *table.columns, polygons.geometry.name]]


def write(features: GeoDataFrame, path: Path) -> None:
    """Write features in the format of the suffix; CSV holds no geometry, GeoJSON is in degrees WGS84.

    Raises OutputError for what cannot be written; nothing half-written stays.
    """
    from pyogrio.errors import DataSourceError

    with written_whole(path) as aside:
        try:
            _write(features, aside)
        except (DataSourceError, RuntimeError, ValueError) as error:
            raise OutputError(
                f"could not be written ({str(error).partition(chr(10))[0]})",
                where=str(path),
                fix="Check that the disk is not full, or choose another format.",
            ) from error
        finally:
            aside.with_name(f"{aside.name}-journal").unlink(missing_ok=True)


def _write(features: GeoDataFrame, path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix == ".csv":
        features.drop(columns=features.geometry.name).to_csv(path, index=False)
    elif suffix == ".parquet":
        features.to_parquet(path, index=False)
    elif suffix == ".gpkg":
        features.to_file(path, layer=_LAYER, driver="GPKG", engine="pyogrio")
    else:
        finite = features.replace([np.inf, -np.inf], np.nan)  # JSON has no such numbers
        in_wgs84(finite).to_file(path, layer=_LAYER, driver="GeoJSON", engine="pyogrio")
