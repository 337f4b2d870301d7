"""Names of the classes of a raster: from a table beside it, or from what GDAL and QGIS keep beside it.

`zones.csv` beside `zones.tif` holds columns code and name, and band (its description) where bands differ;
`zones.tif.aux.xml` holds category names or an attribute table by band (GDAL, PAM).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

from deepsalt.errors import ProductError
from deepsalt.readers.columns import as_text, rows_text
from deepsalt.readers.product_xml import parsed, text_at
from deepsalt.readers.tabular import columns_of, open_table

#: Uses of the columns of an attribute table (GDALRATFieldUsage): the name, the single value.
_USED_AS_NAME, _USED_AS_VALUE = "2", "5"


def class_names(path: Path, bands: tuple[str, ...]) -> tuple[Mapping[int, str], ...]:
    """(band,) code -> name of each band, empty where nothing names its classes.

    bands   descriptions of the bands

    Raises ProductError for a table or metadata that cannot be read, or name one code twice.
    """
    table, metadata = path.with_suffix(".csv"), path.with_name(f"{path.name}.aux.xml")
    if table.is_file() and {"code", "name"} <= {name.lower() for name in columns_of(table)}:
        return _from_table(table, bands)
    if metadata.is_file():
        return _from_metadata(metadata, len(bands))
    return tuple({} for _ in bands)


def named_by(path: Path) -> tuple[Path, ...]:
    """A raster and the files beside it that may name its classes."""
    beside = (path.with_suffix(".csv"), path.with_name(f"{path.name}.aux.xml"))
    return (path, *(file for file in beside if file.is_file()))


def _from_table(table: Path, bands: tuple[str, ...]) -> tuple[Mapping[int, str], ...]:
    file = open_table(table)
    frame, _ = file.load(other=file.columns, text={c for c in file.columns if c.lower() != "code"})
    frame.columns = [name.lower() for name in file.columns]
    if frame["code"].dtype.kind not in "iu":
        raise ProductError("column code does not hold whole numbers", where=str(table), fix="Write 1, 2, 3.")
    rows = frame.assign(name=as_text(frame["name"]).fillna(""))
    rows["band"] = as_text(rows["band"]) if "band" in rows else None
    twice = rows.duplicated(["band", "code"], keep=False)
    if twice.any():
        raise ProductError(
            f"a code stands in {rows_text(twice.to_numpy().nonzero()[0])}",
            where=str(table),
            fix="Name every code once.",
        )
    found = []
    for band in bands:
        mine = rows[rows["band"].isna() | (rows["band"] == band)]
        found.append({int(code): str(name) for code, name in zip(mine["code"], mine["name"], strict=True)})
    return tuple(found)


def _from_metadata(metadata: Path, count: int) -> tuple[Mapping[int, str], ...]:
    found: list[Mapping[int, str]] = [{} for _ in range(count)]
    for entry in parsed(metadata).iter("pamrasterband"):
        number = int(entry.get("band", "1")) - 1
        if 0 <= number < count:
            found[number] = _categories(entry) or _attributes(entry)
    return tuple(found)


def _categories(band: Element) -> dict[int, str]:
    names = [(one.text or "").strip() for one in band.iterfind("categorynames/category")]
    return {code: name for code, name in enumerate(names) if name}


def _attributes(band: Element) -> dict[int, str]:
    """Code -> name of a raster attribute table that has a column of each."""
    table = band.find("gdalrasterattributetable")
    if table is None:
        return {}
    uses = [text_at(field, "usage") for field in table.iterfind("fielddefn")]
    if _USED_AS_NAME not in uses or _USED_AS_VALUE not in uses:
        return {}
    value, name = uses.index(_USED_AS_VALUE), uses.index(_USED_AS_NAME)
    rows = [[(cell.text or "").strip() for cell in row.iterfind("f")] for row in table.iterfind("row")]
    return {int(float(row[value])): row[name] for row in rows if row[name]}
