"""The stage `zonal`: finished maps and polygons to statistics a polygon, and a file of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deepsalt.errors import UsageError
from deepsalt.files import destination_of
from deepsalt.mapping.zonal import open_maps, zonal_statistics
from deepsalt.mapping.zonal.files import SUFFIXES, with_own_columns, write
from deepsalt.progress import Progress
from deepsalt.readers.columns import listed
from deepsalt.readers.vector import read_vector


def zonal(
    maps: Sequence[str | Path],
    polygons: str | Path,
    progress: Progress,
    *,
    out: str | Path | None = None,
    layer: str | None = None,
    crs: str | None = None,
    name: str | None = None,
    keep: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Statistics of the maps under each polygon, written to `out`, and the same as a document.

    maps      map folders, or folders of them
    polygons  a vector file; `layer` of a file with several, `crs` of a file that does not say it
    out       a .csv, .gpkg, .parquet or .geojson file that is not there yet; None writes nothing
    name      column that names a polygon on the screen; else they are numbered from 1
    keep      own columns of the polygons to keep; None keeps all

    Raises what `zonal_statistics` and reading raise, OutputError where `out` cannot be written.
    """
    destination = None if out is None else destination_of("zonal statistics", out, SUFFIXES)
    opened = open_maps(maps)
    features = read_vector(_there(polygons), layer=layer, crs=crs)
    if name is not None and name not in features:
        columns = listed([column for column in features if column != features.geometry.name])
        raise UsageError(f"no column {name!r}", where=str(polygons), fix=f"Columns: {columns}.")
    found = zonal_statistics(opened, features, progress=partial(progress, "measuring polygons"))
    result = with_own_columns(features, found.table, None if keep is None else list(keep))
    if destination is not None:
        write(result, destination)
    names = range(1, len(result) + 1) if name is None else features[name].tolist()
    rows = result.drop(columns=result.geometry.name).to_dict(orient="records")
    return {
        "kind": "zonal",
        "maps": [str(one.folder) for one in opened],
        "polygons": str(polygons),
        "out": None if destination is None else str(destination),
        "simulated": any(one.simulated for one in opened),
        "level": opened[0].level,
        "units": found.units,
        "names": [str(one) for one in names],
        "rows": rows,
        "total": found.total,
        "notes": list(found.notes),
    }


def _there(path: str | Path) -> Path:
    place = Path(path).expanduser()
    if not place.exists():
        raise UsageError("no such file", where=str(place), fix="Check the path of the polygons.")
    return place
