"""EMIT L2A granules: reflectance, mask and uncertainty in NetCDF-4, ortho-rectified window by window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.readers.bands import faults_of
from deepsalt.readers.emit_files import granule_of, looks_like_emit
from deepsalt.readers.emit_header import header_of
from deepsalt.readers.emit_mask import (
    AEROSOL_ABOVE,
    BYTE_FILL,
    MaskLayers,
    mask_layers,
    too_many_interpolated,
)
from deepsalt.readers.emit_part import MASK, REFLECTANCE, UNCERTAINTY, data_set
from deepsalt.readers.glt import Table, ortho_rectified, read_table
from deepsalt.readers.hdf5 import opened
from deepsalt.readers.raster_scene import time_from_text
from deepsalt.spectra import MaskReason, Scene, Spectra, Window, first_reason

Geometry = Literal["ortho", "swath"]

#: Why a band is NaN throughout. The product holds -0.01 there, not its fill value.
WATER_VAPOUR = "water vapour: good_wavelengths = 0"
#: Windows of the ortho grid are squares: the box of the raw swath under a flat one would be far larger.
_BLOCK = (256, 256)


@dataclass(frozen=True, eq=False, kw_only=True)
class EmitScene(Scene):
    """An EMIT L2A granule.

    image         the reflectance file
    swath         (downtrack, crosstrack) pixels of the raw image
    fill          stored value that means "no data"
    bands         (band,) index in the file of each band of `sensor`
    layers        what the MASK file offers; None where there is none
    uncertain     the RFLUNCERT file; None where there is none
    geometry      "ortho": the grid of the lookup table; "swath": the raw image
    aerosol_above   optical depth at 550 nm above which a pixel is masked as haze
    """

    image: Path
    swath: tuple[int, int]
    fill: float
    bands: NDArray[np.intp]
    layers: MaskLayers | None
    uncertain: Path | None
    geometry: Geometry
    aerosol_above: float = AEROSOL_ABOVE

    def read(self, window: Window | None = None) -> Spectra:
        """Reflectance (y, x, band), float32, NaN = nodata; bands of water vapour are NaN throughout."""
        part = self._checked(window)
        cube = self._values(self.image, REFLECTANCE, part, self._table(part))
        source = f"read from {self.image.name}, rows {part.row}-{part.row + part.rows - 1}, {self.geometry}"
        return Spectra.of_image(cube, self.sensor.axis, sensor=self.sensor, provenance=(source, *self.notes))

    def uncertainty(self, window: Window | None = None) -> NDArray[np.float32] | None:
        """Standard deviation of the reflectance (y, x, band), fraction, as the producer estimates it.

        NaN where `read` has NaN. None where the granule came without its RFLUNCERT file.
        """
        part = self._checked(window)
        if self.uncertain is None:
            return None
        return self._values(self.uncertain, UNCERTAINTY, part, self._table(part))

    @property
    def quality_layers(self) -> tuple[str, ...]:
        """Names of the layers that `mask` uses."""
        return tuple(sorted(self.layers.positions)) if self.layers else ()

    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        """(y, x) MaskReason of each pixel; where several hold, the first that is named here.

        Background: the swath does not reach there, or the reflectance is the fill value. Cloud: the cloud
        flag, or that of SpecTf (version 002). Cirrus. Cloud shadow: the dilated cloud flag, which is the
        producer's buffer for shadow. Haze: aerosol above `aerosol_above`. Water. Defective: the space station
        is in view, or more than 10 % of the good bands are interpolated.
        """
        part = self._checked(window)
        table = self._table(part)
        holds = {MaskReason.BACKGROUND: self._background(part, table)}
        if self.layers:
            flags = self._picked(self.layers.path, MASK, part, table)
            holds |= self.layers.reasons(flags, self.aerosol_above)
        if self.layers and self.layers.packed:
            packed = self._picked(self.layers.path, "band_mask", part, table, outside=BYTE_FILL)
            good = ~self.empty[np.argsort(self.bands)]
            holds[MaskReason.DEFECTIVE] |= too_many_interpolated(packed, good)
        return first_reason((part.rows, part.columns), holds)

    def places(self, window: Window | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(latitude, longitude) of pixel centres, (y, x), degrees WGS84; NaN = not known.

        Those of the raw pixel that is shown: on the ortho grid they differ from the centres of the grid.
        Raises ProductError for a file without locations.
        """
        part = self._checked(window)
        table = self._table(part)
        latitude, longitude = (
            self._picked(self.image, f"location/{name}", part, table) for name in ("lat", "lon")
        )
        known = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)
        return np.where(known, latitude, np.nan), np.where(known, longitude, np.nan)

    def _values(self, path: Path, variable: str, part: Window, table: Table | None) -> NDArray[np.float32]:
        """Values of all bands in the order of `sensor`, NaN for the fill value and in empty bands."""
        stored = self._picked(path, variable, part, table).astype(np.float32, copy=False)
        if (np.diff(self.bands) < 0).any():
            stored = stored[..., self.bands]
        stored[stored == np.float32(self.fill)] = np.nan
        stored[..., self.empty] = np.nan
        return stored

    def _background(self, part: Window, table: Table | None) -> NDArray[np.bool_]:
        """Pixels without data, judged on one good band: the producer fills whole spectra."""
        band = int(self.bands[np.flatnonzero(~self.empty)[0]])
        seen = self._picked(self.image, REFLECTANCE, part, table, bands=slice(band, band + 1))[..., 0]
        missing: NDArray[np.bool_] = np.isnan(seen) | (seen == np.float32(self.fill))
        return missing

    def _table(self, part: Window) -> Table | None:
        """The lookup table of a window; None for the raw swath, which needs none."""
        if self.geometry == "swath":
            return None
        with opened(self.image, "read its lookup table") as file:
            return read_table(file, part, self.swath, str(self.image))

    def _picked(
        self,
        path: Path,
        variable: str,
        part: Window,
        table: Table | None,
        *,
        outside: float = np.nan,
        bands: slice = slice(None),
    ) -> NDArray[Any]:
        """(y, x, ...) stored values of a window in the scene's geometry; `outside` where the swath is not."""
        doing = f"read rows {part.row}-{part.row + part.rows - 1}, columns "
        doing += f"{part.column}-{part.column + part.columns - 1}"
        with opened(path, doing) as file:
            stored = data_set(file, variable)
            if table is not None:
                return ortho_rectified(stored, table, outside, bands)
            values: NDArray[Any] = stored[(*part.slices, bands)[: stored.ndim]]
            return values


class EmitReader:
    """Reader of EMIT L2A reflectance and of the folder of a granule."""

    name = "emit"
    description = "EMIT L2A granule: the reflectance .nc, or the folder with it, MASK and RFLUNCERT"
    specificity = 30

    def matches(self, path: Path) -> bool:
        """A NetCDF-4 file with an EMIT data set and the group of its bands, or a folder that holds one."""
        try:
            return looks_like_emit(path)
        except OSError:
            return False

    def open(
        self, path: Path, *, geometry: Geometry = "ortho", aerosol_above: float = AEROSOL_ABOVE
    ) -> EmitScene:
        """Open a granule; only metadata are read. MASK and RFLUNCERT are taken from beside the file.

        geometry       "ortho" (default): pixels of the latitude-longitude grid, through the lookup table;
                       "swath": the raw (downtrack, crosstrack) image, without map coordinates
        aerosol_above  optical depth at 550 nm above which a pixel is masked as haze; the producer's is 0.5

        Raises ProductError for a part that is missing, damaged or of another granule.
        """
        if geometry not in get_args(Geometry):
            raise UsageError(f"geometry={geometry!r}", fix=f"Use one of {', '.join(get_args(Geometry))}.")
        granule = granule_of(path)
        reflectance = granule.reflectance
        header = header_of(reflectance, geometry)
        layers = mask_layers(granule.mask.path, len(header.sensor)) if granule.mask else None
        ortho = geometry == "ortho"
        height, width = header.ortho if ortho and header.ortho else reflectance.swath
        return EmitScene(
            name=reflectance.path.stem,
            path=str(path),
            sensor=header.sensor,
            height=height,
            width=width,
            crs=header.crs,
            transform=header.transform,
            block=_BLOCK if ortho else header.chunk or (1, width),
            acquired=time_from_text(reflectance.attributes.get("time_coverage_start", "")),
            level=header.level,
            band_faults=faults_of(header.bad, WATER_VAPOUR),
            facts=granule.facts,
            notes=(*header.notes, *granule.notes, *(layers.notes if layers else ())),
            image=reflectance.path,
            swath=reflectance.swath,
            fill=header.fill,
            bands=header.order,
            layers=layers,
            uncertain=granule.uncertainty.path if granule.uncertainty else None,
            geometry=geometry,
            aerosol_above=aerosol_above,
        )


READER = EmitReader()
