"""One NetCDF-4 file of an EMIT granule, written through HDF5: dimensions, groups, attributes, fill values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.emit_grid import SPACING_DEGREES, LookupTable
from deepsalt.simulate.view import View
from deepsalt.spectra import Sensor

_SWATH, _ORTHO = ("downtrack", "crosstrack"), ("ortho_y", "ortho_x")
_PIXELS = "pixel location"
#: By kind of number: -9999, and what becomes of it in an unsigned byte.
_FILL = {"f": -9999.0, "u": 241, "i": 0}
#: Chunks of what is deflated: lines and samples at most.
_CHUNK = 256
_DEFLATE_LEVEL = 9
_WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],'
    'AUTHORITY["EPSG","4326"]]'
)
#: How the NetCDF-4 library names a dimension that has no values of its own.
_BARE_DIMENSION = "This is a netCDF dimension but not a netCDF variable.{:10d}"


class EmitFile:
    """A file that is being written; use it in a `with` statement.

    Location and lookup table are in every file of a granule, as the producer has it.
    """

    def __init__(self, path: Path, view: View, table: LookupTable, attributes: Mapping[str, str]) -> None:
        import h5py

        self._file = h5py.File(path, "w")
        self._file.attrs.update(attributes)
        west, north = table.geotransform[0], table.geotransform[3]
        rows, columns = table.glt_x.shape
        self._file.attrs["westernmost_longitude"] = west
        self._file.attrs["northernmost_latitude"] = north
        self._file.attrs["easternmost_longitude"] = west + columns * SPACING_DEGREES
        self._file.attrs["southernmost_latitude"] = north - rows * SPACING_DEGREES
        self._file.attrs["spatialResolution"] = SPACING_DEGREES
        self._file.attrs["spatial_ref"] = _WGS84
        self._file.attrs["geotransform"] = np.array(table.geotransform)
        for name, size in zip(
            ("downtrack", "crosstrack", "ortho_y", "ortho_x"), (*view.shape, rows, columns), strict=True
        ):
            self._dimension(name, size)
        swath, ortho = ("downtrack", "crosstrack"), ("ortho_y", "ortho_x")
        self._variable(
            "location/lon", view.longitude.astype("f8"), swath, "Longitude (WGS-84)", "degrees east"
        )
        self._variable(
            "location/lat", view.latitude.astype("f8"), swath, "Latitude (WGS-84)", "degrees north"
        )
        self._variable("location/elev", np.zeros(view.shape), swath, "Surface Elevation", "m")
        self._variable(
            "location/glt_x", table.glt_x, ortho, "GLT Sample Lookup", "pixel location", deflate=True
        )
        self._variable(
            "location/glt_y", table.glt_y, ortho, "GLT Line Lookup", "pixel location", deflate=True
        )

    def __enter__(self) -> EmitFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def title(self, text: str) -> None:
        self._file.attrs["title"] = text

    def bands(self, sensor: Sensor) -> None:
        """Centres, widths and which bands are good."""
        self._dimension("bands", len(sensor))
        group = "sensor_band_parameters"
        centres, widths = sensor.axis.values.astype("f4"), sensor.axis.widths.astype("f4")
        self._variable(f"{group}/wavelengths", centres, ("bands",), "Wavelength Centers", "nm")
        self._variable(f"{group}/fwhm", widths, ("bands",), "Full Width at Half Max", "nm")
        good = np.asarray(sensor.good).astype("u1")
        about = "Wavelengths where reflectance is useable: 1 = good data, 0 = bad data"
        self._variable(f"{group}/good_wavelengths", good, ("bands",), about, "unitless")

    def mask_names(self, names: Sequence[str]) -> None:
        """The names of the bands of `mask`."""
        import h5py

        self._dimension("bands", len(names))
        place = "sensor_band_parameters/mask_bands"
        stored = self._file.create_dataset(place, data=list(names), dtype=h5py.string_dtype())
        stored.attrs["long_name"] = "Mask Band Names"
        stored.dims[0].attach_scale(self._file["bands"])

    def cube(self, name: str, about: str, values: NDArray[Any], *, deflate: bool = False) -> None:
        """A (downtrack, crosstrack, band) data set at the root; bytes have a dimension of their own."""
        last = "bands" if values.dtype.kind == "f" else "packed_wavelength_bands"
        if last not in self._file:
            self._dimension(last, values.shape[2])
        self._variable(name, values, (*_SWATH, last), about, "unitless", deflate=deflate)

    def _dimension(self, name: str, size: int) -> None:
        scale = self._file.create_dataset(name, (size,), ">f4")
        scale.make_scale(_BARE_DIMENSION.format(size))

    def _variable(
        self,
        name: str,
        values: NDArray[Any],
        axes: Sequence[str],
        about: str,
        units: str,
        *,
        deflate: bool = False,
    ) -> None:
        fill = np.array(_FILL[values.dtype.kind], values.dtype)
        how: dict[str, Any] = {"fillvalue": fill}
        if deflate:
            chunks = tuple(min(_CHUNK, size) for size in values.shape)
            how |= {"chunks": chunks, "compression": "gzip", "compression_opts": _DEFLATE_LEVEL}
        stored = self._file.create_dataset(name, data=values, **how)
        stored.attrs["_FillValue"] = fill.reshape(1)
        stored.attrs["long_name"], stored.attrs["units"] = about, units
        for at, axis in enumerate(axes):
            stored.dims[at].attach_scale(self._file[axis])
