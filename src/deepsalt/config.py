"""The config file: TOML, checked whole before any work starts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deepsalt.errors import ConfigError, LabelError
from deepsalt.preprocessing.masks import MAX_NDVI, SurfaceRules
from deepsalt.salinity import parse_method
from deepsalt.sampling.rules import PointRules

BaselineName = Literal["mean", "plsr", "boosting", "svr", "svr-wide", "ridge", "forest", "local"]
#: What runs unless others are asked for; published tables of `deepsalt compare` rest on these.
DEFAULT_BASELINES: tuple[BaselineName, ...] = ("mean", "plsr", "boosting", "svr")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LibraryConfig(_Section):
    """The laboratory library: whatever `deepsalt.read` opens as a table of spectra with EC.

    The keys are the options of the readers; which of them a format takes is checked when it is read.
    """

    path: str
    reader: str | None = Field(None, description="name of the reader; default the one that knows the path")
    domain: Literal["mir", "visnir", "nir"] | None = None
    metadata: str | None = Field(None, description="table of the samples, joined on the id")
    metadata_sheet: str | None = None
    sheet: str | None = Field(None, description="of an Excel workbook with several")
    block: str | None = Field(None, description="result of OPUS files that hold several")
    wavelengths: str | None = Field(None, description="file of wavelengths of USGS spectra")
    unit: Literal["nm", "um", "cm-1"] | None = None
    quantity: Literal["reflectance", "absorbance"] | None = None
    scale: float | None = Field(None, gt=0, description="factor of the values: 0.01 for percent")
    axis_column: str | None = None
    value_column: str | None = None
    ec: str | None = Field(None, description="method of the EC column, for example ec1:2")
    ec_column: str | None = None
    ec_unit: str | None = None
    id: str | None = None
    group: str | None = Field(None, description="column of profiles; layers of one are never split")
    region: str | None = None
    latitude: str | None = None
    longitude: str | None = None
    date: str | None = None
    texture: str | None = Field(None, description="auto, or columns: EC is converted by texture")
    properties: list[str] = Field(
        default_factory=list, description="laboratory-only: columns that the teacher learns beside EC"
    )
    target: Literal["ece", "measured"] = "ece"
    drop_empty: bool = False
    drop_damaged: bool = False
    quality: Literal["flag", "drop", "off"] = "flag"
    splice_correction: bool | Literal["add", "multiply"] = False
    replicates: str | None = Field(None, description="equal values are scans of one sample: averaged")
    licence: str = Field("not stated", description="of the library, in words or as SPDX id: for the card")

    @model_validator(mode="after")
    def _method_is_known(self) -> LibraryConfig:
        if self.ec is not None:
            try:
                parse_method(self.ec)
            except LabelError as error:
                raise ValueError(str(error)) from error
        return self

    def reading(self) -> dict[str, Any]:
        """Options for `deepsalt.read`; a switch that is off is none."""
        not_read = {"path", "target", "texture", "properties", "quality", "splice_correction", "replicates"}
        not_read |= {"licence"}
        chosen = self.model_dump(exclude=not_read, exclude_none=True)
        return {key: value for key, value in chosen.items() if value is not False}

    def files(self) -> tuple[str, ...]:
        """Files that are read beside `path`, as far as the config names them."""
        return tuple(name for name in (self.metadata, self.wavelengths) if name is not None)


_OF_POINTS = {
    "sheet", "layer", "crs", "x", "y", "position_error", "ec", "ec_column", "ec_unit", "group"
}  # fmt: skip


class MapUnitsConfig(_Section):
    """A soil survey: polygons with `mukey`, and the tables of components and horizons (SSURGO names)."""

    polygons: list[str] = Field(min_length=1, description="vector files, paths or globs")
    components: list[str] = Field(min_length=1, description="tables, paths or globs")
    horizons: list[str] = Field(min_length=1, description="tables, paths or globs")
    top_cm: float = Field(0.0, ge=0)
    bottom_cm: float = Field(5.0, gt=0)
    dominant: bool = Field(False, description="the largest component alone")

    def anchored(self, at: Callable[[str], str]) -> MapUnitsConfig:
        """The same with every path put through `at`."""
        names = ("polygons", "components", "horizons")
        return self.model_copy(update={name: [at(path) for path in getattr(self, name)] for name in names})

    def files(self) -> list[str]:
        """Every path and glob."""
        return [*self.polygons, *self.components, *self.horizons]


class SatelliteConfig(_Section):
    """Scenes, ground points and which of them count, rasters of covariates and of classes."""

    scenes: list[str] = Field(min_length=1, description="paths or globs")
    points: str
    sheet: str | None = Field(None, description="of points that are an Excel workbook with several")
    layer: str | None = Field(None, description="of points that are a vector file with several")
    crs: str | None = Field(None, description="of the points' x and y, such as EPSG:32642; default degrees")
    x: str | None = Field(None, description="column of eastings, if its name does not tell; needs crs")
    y: str | None = Field(None, description="column of northings")
    position_error: str | None = Field(None, description="column of the error of each point's place, m")
    ec: str | None = None
    ec_column: str | None = None
    ec_unit: str | None = None
    group: str | None = None
    texture: str | None = Field(None, description="auto, or columns: EC is converted by texture")
    covariates: list[str] = Field(default_factory=list, description="rasters, paths or globs")
    strata: list[str] = Field(
        default_factory=list,
        description="rasters of classes (climate, soil), told beside results",
    )
    map_units: MapUnitsConfig | None = Field(None, description="a survey, learned from by whole units")
    unlabelled_pixels: int = Field(12_000, ge=0)
    max_ndvi: float = Field(MAX_NDVI, gt=0, le=1)
    max_days: float | None = Field(None, ge=0, description="between a point's sample and its image")
    months: list[Annotated[int, Field(ge=1, le=12)]] | None = Field(
        None, min_length=1, description="of sample and image"
    )
    same_season_days: float | None = Field(None, ge=0, description="apart in the year, whichever year")
    max_depth_top_cm: float | None = Field(None, ge=0, description="samples that begin deeper are left out")
    position_error_m: float | None = Field(None, ge=0, description="of points that do not state theirs")
    min_purity: float | None = Field(None, ge=0, le=1, description="of the 3 x 3 around a point, 1 uniform")
    dry_vegetation: float | None = Field(None, ge=-0.5, le=0.5, description="largest cellulose index")
    water: float | None = Field(None, ge=-1, le=1, description="largest MNDWI of dark pixels")
    nbr2: float | None = Field(None, ge=-1, le=1, description="largest NBR2")
    max_reflectance: float | None = Field(None, ge=0.5, le=10)
    salt_crust_guard: bool = True
    composite: Literal["median", "medoid"] | None = Field(None, description="dates of a place as one scene")
    min_looks: int = Field(1, ge=1, description="of a composite")
    licence: str = Field("not stated", description="of the scenes: for the card")
    points_licence: str = Field("not stated", description="of the ground points: for the card")

    def rules(self) -> SurfaceRules:
        """What a valid pixel must not show."""
        return SurfaceRules.from_dict(self.model_dump())

    def reading(self) -> dict[str, Any]:
        """Options for the reader of ground points."""
        return self.model_dump(include=_OF_POINTS, exclude_none=True)

    def point_rules(self) -> PointRules:
        """Which ground points may label which image."""
        return PointRules(
            max_days=self.max_days,
            months=None if self.months is None else tuple(self.months),
            same_season_days=self.same_season_days,
            max_depth_top_cm=self.max_depth_top_cm,
            position_error_m=self.position_error_m,
            min_purity=self.min_purity,
        )


class SplitConfig(_Section):
    """Who is held out."""

    test_share: float = Field(0.2, gt=0, lt=1)
    unseen_region: str | None = None
    library_covers_unseen: bool = False
    pixels_of_unseen: bool = Field(False, description="its scene may be seen, without labels")
    folds: int = Field(5, ge=2, description="laboratory-only: folds of the cross-validation")


class MethodConfig(_Section):
    """The preset, its hyperparameters, and what runs beside it."""

    preset: Literal["deepsalt", "paper"] = "deepsalt"
    adaptation: bool = True
    distillation: bool = True
    student_alone: bool = True
    baselines: list[BaselineName] = Field(default_factory=lambda: list(DEFAULT_BASELINES))
    pair_within_m: float = Field(60.0, gt=0)
    settings: dict[str, Any] = Field(default_factory=dict)


class ModelConfig(_Section):
    """What the model's card says of whose it is; nothing learns from it."""

    author: str = "not stated"
    contact: str = "not stated"
    licence: str = Field("not stated", description="of the model, in words or as SPDX id")


class CompareConfig(_Section):
    """What `deepsalt compare` runs; every list that is left out has a default.

    methods    rows of the table; default all, of the baselines DEFAULT_BASELINES
    points     numbers of ground points to learn from, "all" for every one; default 150 on simulated worlds,
               "all" on the config's own data
    draws      how often the ground points are drawn anew
    repeats    own data: random grouped splits
    worlds     seeds of simulated worlds to compare on instead of the own data
    world      settings of these worlds, see deepsalt.simulate.WorldSettings
    covered    whether the library covers the unseen region; default both on worlds, as in [split] on own data
    reference  the method the others are compared with; default the full preset
    workers    processes; default one a core
    """

    methods: list[str] | None = Field(None, min_length=1)
    points: list[Annotated[int, Field(ge=0)] | Literal["all"]] | None = Field(None, min_length=1)
    draws: int = Field(1, ge=1)
    repeats: int = Field(5, ge=1)
    worlds: list[Annotated[int, Field(ge=0)]] | None = Field(None, min_length=1)
    world: dict[str, Any] = Field(default_factory=dict)
    covered: list[bool] | None = Field(None, min_length=1)
    reference: str | None = None
    workers: int | None = Field(None, ge=1)


class Config(_Section):
    """One run. Without a [satellite] section it is a laboratory-only run: a cross-validated teacher."""

    name: str = "run"
    seed: int = Field(0, ge=0)
    simulated: bool = False
    allow_leak: bool = Field(
        False, description="go on with what was learned from a held-out side, and say so"
    )
    library: LibraryConfig
    satellite: SatelliteConfig | None = None
    split: SplitConfig = Field(default_factory=SplitConfig)
    method: MethodConfig = Field(default_factory=MethodConfig)
    model: ModelConfig = Field(default_factory=ModelConfig)
    compare: CompareConfig = Field(default_factory=CompareConfig)


def load_config(path: str | Path) -> Config:
    """Read and check a config file; relative paths in it are taken from its own folder.

    Raises ConfigError for a file that is not TOML, an unknown key (naming the nearest known one) or
    a value that cannot be used.
    """
    file = Path(path)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            "no such file", where=str(path), fix="Write one with: deepsalt init > config.toml"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot be read as TOML: {error}", where=str(path)) from error
    return _anchored(parse_config(content, where=str(path)), file.resolve().parent)


def parse_config(content: dict[str, Any], where: str = "config") -> Config:
    """A Config from plain values. Raises ConfigError as `load_config` does."""
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise _config_error(error, where) from error


def compare_config(base: CompareConfig, changes: Mapping[str, Any]) -> CompareConfig:
    """[compare] with other values. Raises ConfigError for a value that cannot be used."""
    try:
        return CompareConfig.model_validate({**base.model_dump(), **changes})
    except ValidationError as error:
        raise _config_error(error, "compare", CompareConfig) from error


def _config_error(error: ValidationError, where: str, base: type[_Section] | None = None) -> ConfigError:
    """The first of the errors in one line; `base` is the section that was checked, None for all of Config."""
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] != "extra_forbidden":
        found = "" if first["type"] == "missing" else f", found {str(first['input'])[:60]!r}"
        return ConfigError(f"{place}: {first['msg']}{found}{more}", where=where, fix=_nearest_value(first))
    known = _keys_at(tuple(str(step) for step in first["loc"][:-1]), base or Config)
    key = str(first["loc"][-1])
    close = get_close_matches(key, known, n=1)
    fix = f"Did you mean {close[0]!r}?" if close else f"Known there: {', '.join(known)}."
    return ConfigError(f"unknown key {place!r}{more}", where=where, fix=fix)


def _nearest_value(error: Mapping[str, Any]) -> str:
    """The known word most like the one that was given, where only some words are allowed."""
    if error["type"] != "literal_error":
        return ""
    close = get_close_matches(str(error["input"]), re.findall("'([^']+)'", error["ctx"]["expected"]), n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


def _keys_at(steps: tuple[str, ...], base: type[_Section]) -> list[str]:
    section: Any = base
    sections = {
        "library": LibraryConfig,
        "satellite": SatelliteConfig,
        "split": SplitConfig,
        "method": MethodConfig,
        "model": ModelConfig,
        "compare": CompareConfig,
    }
    for step in steps:
        section = sections.get(step, section)
    return sorted(section.model_fields)


def _anchored(config: Config, folder: Path) -> Config:
    """The same config with its relative paths made absolute."""

    def at(path: str) -> str:
        return str(folder / Path(path).expanduser())

    named = {name: getattr(config.library, name) for name in ("path", "metadata", "wavelengths")}
    files = {name: at(path) for name, path in named.items() if path is not None}
    library = config.library.model_copy(update=files)
    satellite = config.satellite
    if satellite is not None:
        satellite = satellite.model_copy(
            update={
                "scenes": [at(path) for path in satellite.scenes],
                "points": at(satellite.points),
                "covariates": [at(path) for path in satellite.covariates],
                "strata": [at(path) for path in satellite.strata],
                "map_units": satellite.map_units and satellite.map_units.anchored(at),
            }
        )
    return config.model_copy(update={"library": library, "satellite": satellite})
