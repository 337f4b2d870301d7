"""What is this path? A run, a model, a world, a map, a catalogue, or anything that `deepsalt.read` opens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deepsalt.errors import ProductError, UsageError
from deepsalt.files import written_whole
from deepsalt.pipeline.run import Run

#: Longer lists are cut on the screen.
_LONG = 12
#: Rules of quality control that `describe` has told already.
_SAID = ("flat", "out of range", "all out of range")


def inspect_path(path: str | Path, **options: Any) -> dict[str, Any]:
    """Facts about a path, as plain values; the key `kind` says what it is.

    Raises UsageError for a path that does not exist or is nothing deepsalt knows, and what the readers
    raise for a file that is broken.
    """
    place = Path(path)
    if not place.exists():
        raise UsageError("no such file or folder", where=str(path), fix="Check the path.")
    if (place / "metrics.json").is_file() and (place / "config.json").is_file():
        return _run(Run(place))
    if (place / "world.json").is_file():
        return {"kind": "world", **_json(place / "world.json")}
    if (place / "map.json").is_file():
        return {"kind": "map", **_json(place / "map.json")}
    if place.suffix == ".safetensors":
        return _model(place)
    return _readable(place, options)


def _readable(place: Path, options: dict[str, Any]) -> dict[str, Any]:
    from deepsalt.pipeline.catalogue_facts import describe_stac
    from deepsalt.readers import read
    from deepsalt.readers.describe import describe
    from deepsalt.readers.enmap_xml import describe_metadata, looks_like_metadata
    from deepsalt.readers.stac import is_stac
    from deepsalt.readers.vector import is_vector

    if not options.get("reader") and is_stac(place):
        return describe_stac(place)
    if place.is_file() and looks_like_metadata(place):
        return describe_metadata(place)
    if is_vector(place):
        return _features(place, options)
    if _is_table_without_spectra(place, options):
        return _points(place, options)
    found = read(place, **options)
    facts = describe(found)
    return _with_quality(facts, found) if facts["kind"] == "library" else facts


def _with_quality(facts: dict[str, Any], library: Any) -> dict[str, Any]:
    """Facts about a library with what its quality control finds; nothing is dropped."""
    from deepsalt.preprocessing.quality import check_quality
    from deepsalt.preprocessing.quality_report import QualitySettings

    _, report = check_quality(library, QualitySettings(drop=()))
    new = [one.sentence() for one in report.findings if one.rule not in _SAID]
    return {**facts, "looks_wrong": [*facts["looks_wrong"], *new], "quality": report.as_dict()}


def _is_table_without_spectra(place: Path, options: dict[str, Any]) -> bool:
    from deepsalt.readers import reader_for
    from deepsalt.readers.spectral_columns import count_bands
    from deepsalt.readers.tabular import columns_of

    if options.get("reader") or reader_for(place).name != "table":
        return False
    return count_bands(columns_of(place, options.get("sheet"))) == 0


def _features(place: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Facts about ground points in a vector file, or about its polygons."""
    from deepsalt.readers.vector import in_wgs84, read_vector

    found = read_vector(place, layer=options.get("layer"), crs=options.get("crs"))
    kinds = sorted(found.geometry.geom_type.dropna().unique())
    if kinds == ["Point"]:
        return _points(place, options)
    left, low, right, high = (float(value) for value in in_wgs84(found).total_bounds)
    columns = [str(name) for name in found.columns if name != found.geometry.name]
    units = next((name for name in columns if name.lower() == "mukey"), None)
    return {
        "kind": "map units" if units else "features",
        "features": len(found),
        "geometry": kinds,
        "map_units": int(found[units].nunique()) if units else None,
        "columns": columns,
        "crs": found.crs.name,
        "latitude": [low, high],
        "longitude": [left, right],
    }


def _points(place: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Facts about ground points; options of spectra do not concern them."""
    import inspect

    from deepsalt.readers.points import read_points

    known = inspect.signature(read_points).parameters
    points = read_points(place, **{key: value for key, value in options.items() if key in known})
    ec = points["ec_ds_m"].dropna()
    return {
        "kind": "points",
        "points": len(points),
        "ec": {
            "method": sorted(points["ec_method"].dropna().unique()),
            "unit": "dS/m",
            "n": len(ec),
            **{name: float(getattr(ec, name)()) for name in ("min", "median", "max")},
        },
        "fields": int(points["group"].nunique()) if "group" in points else None,
        "regions": sorted(points["region"].dropna().unique()) if "region" in points else None,
        "latitude": [float(points["latitude"].min()), float(points["latitude"].max())],
        "longitude": [float(points["longitude"].min()), float(points["longitude"].max())],
        "notes": list(points.attrs["notes"]),
    }


def _run(run: Run) -> dict[str, Any]:
    config, metrics = run.read("config"), run.read("metrics")
    return {
        "kind": "run",
        "name": config["name"],
        "seed": config["seed"],
        "simulated": metrics["simulated"],
        "target": metrics["target"],
        "methods": metrics["methods"],
        "results": metrics["results"],
        "model": run.model.name if run.model.is_file() else None,
        "maps": sorted(folder.name for folder in run.maps.glob("*") if (folder / "map.json").is_file()),
        "report": run.report.name if run.report.is_file() else None,
        "leaks": metrics.get("leaks", []),
        "notes": metrics["notes"],
    }


def _model(place: Path) -> dict[str, Any]:
    """The card of a model file that was read whole: a damaged one is refused."""
    from deepsalt.estimators.model_card import model_card
    from deepsalt.training import load_model

    tensors, card = load_model(place)
    weights = sum(tensor.numel() for tensor in tensors.values())
    size = {"weights": weights, "bytes": place.stat().st_size}
    return {**model_card(card, place).model_dump(mode="json"), **size}


def write_card(model: str | Path, out: str | Path | None = None) -> str:
    """The card of a model file as Markdown; written to `out` where it is given. Raises ModelFileError."""
    from deepsalt.estimators.model_card import ModelCard
    from deepsalt.report.card import card_markdown

    text = card_markdown(ModelCard.model_validate(_model(Path(model))))
    if out is not None:
        with written_whole(out) as aside:
            aside.write_text(text, encoding="utf-8")
    return text


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ProductError(f"cannot be read as JSON ({error})", where=str(path)) from error
    if not isinstance(content, dict):
        raise ProductError("holds no JSON object", where=str(path))
    return content


def shortened(value: Any) -> Any:
    """The same facts with long lists cut, for reading on a screen."""
    if isinstance(value, dict):
        return {key: shortened(entry) for key, entry in value.items()}
    if isinstance(value, list) and len(value) > _LONG and not isinstance(value[0], dict):
        return [*value[:3], f"... ({len(value)} in all)", value[-1]]
    if isinstance(value, list):
        return [shortened(entry) for entry in value]
    return value
