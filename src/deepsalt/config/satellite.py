"""[satellite]: scenes, ground truth, covariates and which pixels count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from deepsalt.config.section import Section
from deepsalt.preprocessing.composites import How
from deepsalt.preprocessing.masks import MAX_NDVI, SurfaceRules
from deepsalt.sampling.rules import PointRules

#: Pixels without a label in all; and of one scene, as many as let a plane be laid through what networks say.
PIXELS, PIXELS_OF_A_SCENE = 12_000, 600
_OF_POINTS = {
    "sheet", "layer", "crs", "x", "y", "position_error", "ec", "ec_column", "ec_unit", "group"
}  # fmt: skip


class MapUnitsConfig(Section):
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


class SatelliteConfig(Section):
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
    unlabelled_pixels: int | None = Field(
        None, ge=0, description=f"{PIXELS:,}, or {PIXELS_OF_A_SCENE} a scene where that is more, by default"
    )
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
    composite: How | None = Field(None, description="dates of a place as one scene")
    min_looks: int = Field(1, ge=1, description="of a composite")
    licence: str = Field("not stated", description="of the scenes: for the card")
    points_licence: str = Field("not stated", description="of the ground points: for the card")

    def rules(self) -> SurfaceRules:
        """What a valid pixel must not show."""
        return SurfaceRules.from_dict(self.model_dump())

    def pixels_wanted(self, scenes: int) -> int:
        """How many pixels without a label are drawn from so many scenes."""
        told = self.unlabelled_pixels
        return max(PIXELS, PIXELS_OF_A_SCENE * scenes) if told is None else told

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
