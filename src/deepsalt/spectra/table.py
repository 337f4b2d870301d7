"""Spectra: values that never travel without their axis, quantity, samples and provenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import SpectraError
from deepsalt.spectra.axis import Axis

if TYPE_CHECKING:
    from deepsalt.spectra.sensor import Sensor

Quantity = Literal["reflectance", "absorbance"]

#: A little outside 0-1 is real (noise, atmospheric correction, bright crusts); percent is not.
_REFLECTANCE_LIMIT = 3.0


@dataclass(frozen=True, eq=False)
class Spectra:
    """A table or an image of spectra, checked once when it is made. Arguments are never changed.

    data        xarray.DataArray, float32, dims (sample, band) or (y, x, band); NaN = missing
    axis        band centres (and FWHM), strictly increasing
    quantity    "reflectance" (fraction 0-1, small negatives allowed) or "absorbance" (log10(1/R))
    samples     one row per sample: ids, places, EC, covariates; empty for an image
    sensor      the sensor that measured the spectra, or None for a laboratory instrument
    provenance  one sentence per step, oldest first

    Make one with `Spectra.of_table` or `Spectra.of_image`.
    """

    data: xr.DataArray
    axis: Axis
    quantity: Quantity
    samples: pd.DataFrame = field(default_factory=pd.DataFrame)
    sensor: Sensor | None = None
    provenance: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        dims = tuple(self.data.dims)
        if dims not in (("sample", "band"), ("y", "x", "band")):
            raise SpectraError(f"spectra have dimensions {dims}", fix="Use (sample, band) or (y, x, band).")
        if self.quantity not in ("reflectance", "absorbance"):
            raise SpectraError(
                f"unknown quantity {self.quantity!r}", fix="Use 'reflectance' or 'absorbance'."
            )
        if dims[0] == "sample" and len(self.samples) != self.data.sizes["sample"]:
            raise SpectraError(f"{self.data.sizes['sample']} spectra but {len(self.samples)} rows of samples")
        object.__setattr__(self, "provenance", tuple(self.provenance))

    @classmethod
    def of_table(
        cls,
        values: ArrayLike,
        axis: Axis,
        quantity: Quantity,
        *,
        samples: pd.DataFrame | None = None,
        sensor: Sensor | None = None,
        provenance: Sequence[str] = (),
        where: str = "",
    ) -> Spectra:
        """Spectra of samples.

        values   (sample, band)
        samples  one row per sample in the same order; a running number is the id where none is given
        where    named in errors: the file the values came from

        Raises SpectraError if a spectrum has no value at all, a value is infinite, or reflectance
        looks like percent.
        """
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused below
            matrix = np.array(values, dtype=np.float32)
        if matrix.ndim != 2:
            raise SpectraError(
                f"a table of spectra has shape {matrix.shape}", where=where, fix="Use (sample, band)."
            )
        table = pd.DataFrame(index=range(len(matrix))) if samples is None else samples.reset_index(drop=True)
        _check_values(matrix, quantity, where)
        return cls(
            _labelled(matrix, axis, ("sample", "band")), axis, quantity, table, sensor, tuple(provenance)
        )

    @classmethod
    def of_image(
        cls,
        values: ArrayLike,
        axis: Axis,
        quantity: Quantity = "reflectance",
        *,
        sensor: Sensor | None = None,
        provenance: Sequence[str] = (),
    ) -> Spectra:
        """Spectra of a window of an image; values (y, x, band), NaN = nodata."""
        cube = np.asarray(values, dtype=np.float32)
        return cls(
            _labelled(cube, axis, ("y", "x", "band")),
            axis,
            quantity,
            pd.DataFrame(),
            sensor,
            tuple(provenance),
        )

    @property
    def values(self) -> NDArray[np.float32]:
        """(sample, band) or (y, x, band), float32. Read only."""
        view = self.data.to_numpy().view()
        view.setflags(write=False)
        return view

    @property
    def is_image(self) -> bool:
        return self.data.dims[0] == "y"

    def __len__(self) -> int:
        """Number of samples, or of pixels."""
        return int(np.prod(self.data.shape[:-1]))

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Spectra:
        """A subset of the samples of a table, by index or mask, in the order given."""
        picked = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, dtype=np.intp)
        return replace(
            self,
            data=self.data.isel(sample=picked),
            samples=self.samples.iloc[picked].reset_index(drop=True),
        )

    def take_bands(self, bands: NDArray[np.intp] | NDArray[np.bool_]) -> Spectra:
        """A subset of the bands, by increasing index or by mask."""
        picked = (
            np.flatnonzero(bands) if np.asarray(bands).dtype == bool else np.asarray(bands, dtype=np.intp)
        )
        axis = self.axis.take(picked)
        return replace(self, data=_labelled(self.values[..., picked], axis, tuple(self.data.dims)), axis=axis)

    def pixels(self, mask: NDArray[np.bool_] | None = None, samples: pd.DataFrame | None = None) -> Spectra:
        """The pixels of an image as a table, row by row; only those where `mask` (y, x) is true."""
        flat = self.values.reshape(-1, len(self.axis))
        if mask is not None:
            flat = _taken(flat, np.flatnonzero(mask))
        table = pd.DataFrame(index=range(len(flat))) if samples is None else samples.reset_index(drop=True)
        data = _labelled(flat, self.axis, ("sample", "band"))
        return replace(self, data=data, samples=table)

    def with_samples(self, **columns: Any) -> Spectra:
        """The same spectra with columns of `samples` added or replaced."""
        return replace(self, samples=self.samples.assign(**columns))

    def with_values(self, values: ArrayLike, axis: Axis, *, sensor: Sensor | None, step: str) -> Spectra:
        """The same samples or pixels with other values on other bands; `step` goes into provenance."""
        data = _labelled(np.asarray(values, dtype=np.float32), axis, tuple(self.data.dims))
        return replace(self, data=data, axis=axis, sensor=sensor, provenance=(*self.provenance, step))

    def noted(self, step: str) -> Spectra:
        """The same spectra with one more sentence of provenance."""
        return replace(self, provenance=(*self.provenance, step))


def _taken(values: NDArray[np.float32], rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Some rows of (sample, band), laid out as they were: a raster's pixels lie band by band."""
    if values.flags.f_contiguous:
        return values.T.take(rows, axis=1).T
    return values.take(rows, axis=0)


def _labelled(values: NDArray[np.float32], axis: Axis, dims: tuple[Any, ...]) -> xr.DataArray:
    if values.shape[-1] != len(axis):
        raise SpectraError(f"{values.shape[-1]} bands of values but {len(axis)} band centres")
    coords: dict[str, Any] = {axis.name: ("band", axis.values, {"units": axis.unit})}
    if axis.fwhm is not None:
        coords["fwhm"] = ("band", axis.fwhm, {"units": axis.unit})
    return xr.DataArray(values, dims=dims, coords=coords)


def _check_values(matrix: NDArray[np.float32], quantity: str, where: str) -> None:
    missing = np.isnan(matrix)
    empty = np.flatnonzero(missing.all(axis=1))
    if len(empty):
        raise SpectraError(
            f"{len(empty)} of {len(matrix)} spectra have no value in any band (first: row {empty[0] + 1})",
            where=where,
            fix="Drop these rows, or read with drop_empty=True.",
        )
    if np.isinf(matrix).any():
        row, band = np.argwhere(np.isinf(matrix))[0]
        raise SpectraError(
            f"row {row + 1}, band {band + 1} is infinite", where=where, fix="Mark missing values as NaN."
        )
    if quantity == "reflectance" and not missing.all():
        typical = float(np.nanmedian(matrix))
        if typical > _REFLECTANCE_LIMIT:
            raise SpectraError(
                f"reflectance has a median of {typical:.3g}, not a fraction of 0-1",
                where=where,
                fix="Divide percent by 100 and scaled integers by their scale (often 10000).",
            )
