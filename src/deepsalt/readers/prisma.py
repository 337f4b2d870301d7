"""PRISMA L2D products: one HDF-EOS5 file with a VNIR and a SWIR cube on a UTM grid, read lazily.

Which bands are delivered, and where a pixel is masked. What a stored number means stands in
`deepsalt.readers.prisma_cube`, which axis is which and where the pixels lie in `prisma_layout`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import ZipFile, is_zipfile

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.bands import Overlap, band_order, faults_of
from deepsalt.readers.file_axis import axis_of_file
from deepsalt.readers.hdf5 import is_hdf5, opened
from deepsalt.readers.prisma_cube import Cube, cubes_of, empty_bands, error_matrix, with_errors
from deepsalt.readers.prisma_layout import read_layout
from deepsalt.readers.prisma_metadata import levels_in, read_metadata
from deepsalt.readers.raster_scene import with_known_facts
from deepsalt.spectra import MaskReason, Scene, Sensor, Spectra, Window, first_reason

#: A pixel is left out where more of its bands are marked: the share that EnMAP pixels are judged by.
_DEFECTIVE_SHARE = 0.10
_NO_LAYERS = "PRISMA L2D has no layer of clouds, shadows, snow or water: pixels under them are not masked"


@dataclass(frozen=True, eq=False, kw_only=True)
class PrismaScene(Scene):
    """A PRISMA L2D product: the co-registered hyperspectral cubes; the panchromatic image is not read."""

    product: Path
    cubes: tuple[Cube, ...]

    def read(self, window: Window | None = None) -> Spectra:
        """Reflectance (y, x, band), float32, the bands of both detectors sorted by wavelength.

        NaN outside the swath, where the product holds no number, and where its error matrix says bad.
        """
        part = self._checked(window)
        values = np.empty((part.rows, len(self.sensor), part.columns), np.float32)
        with opened(self.product, _doing(part)) as file:
            for cube in self.cubes:
                values[:, cube.place] = cube.reflectance(file, part)
        source = f"read from {self.product.name}, rows {part.row}-{part.row + part.rows - 1}"
        image = np.ascontiguousarray(np.moveaxis(values, 1, -1))
        return Spectra.of_image(image, self.sensor.axis, sensor=self.sensor, provenance=(source, *self.notes))

    @property
    def quality_layers(self) -> tuple[str, ...]:
        """The error matrices that there are."""
        return tuple(error_matrix(cube.detector.name) for cube in self.cubes if cube.errors)

    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        """(y, x) MaskReason of each pixel.

        Background: no value in a few bands spread over both detectors. Defective: no value in those of one
        detector, or the error matrices mark more than 10 % of the bands that hold data outside the
        water-vapour bands. Saturated: the same, where at least half of the marked bands are saturated.
        """
        part = self._checked(window)
        shape = (part.rows, part.columns)
        with opened(self.product, _doing(part)) as file:
            dark = [cube.dark(file, part) for cube in self.cubes]
            marked = [cube.marked(file, part) for cube in self.cubes]
        bad, saturated = (np.sum([pair[i] for pair in marked], axis=0) for i in (0, 1))
        spoilt = bad > _DEFECTIVE_SHARE * sum(len(cube.counted) for cube in self.cubes)
        glaring = spoilt & (2 * saturated >= bad)
        return first_reason(
            shape,
            {
                MaskReason.BACKGROUND: np.logical_and.reduce(dark),
                MaskReason.DEFECTIVE: np.logical_or.reduce([*dark, spoilt & ~glaring]),
                MaskReason.SATURATED: glaring,
            },
        )


class PrismaReader:
    """Reader of PRISMA L2D files."""

    name = "prisma"
    description = "PRISMA L2D product: the .he5 file, or a folder with one"
    specificity = 30

    def matches(self, path: Path) -> bool:
        """An HDF5 file with PRISMA swaths of any level; a damaged or packed one by its name."""
        if _is_packed(path):
            return True
        files = _products_in(path) if path.is_dir() else [path] * is_hdf5(path)
        if len(files) != 1:
            return bool(files)
        try:
            with opened(files[0]) as file:
                return bool(levels_in(file))
        except ProductError:
            return _is_named(files[0].name)

    def open(self, path: Path, *, overlap: Overlap = "both") -> PrismaScene:
        """Open a product; metadata and a few rows are read.

        overlap  which detector serves between 943 and 977 nm, where both do: "both", "vnir" or "swir"

        Raises ProductError for another level, a damaged file, and parts that contradict each other.
        """
        product = _product_of(path)
        with opened(product) as file:
            meta = read_metadata(file, str(path), product.stem)
            layout = read_layout(file, meta.detectors, str(path))
            errors, error_notes = with_errors(file, meta.detectors)
            empty = np.concatenate([empty_bands(file, detector, layout) for detector in meta.detectors])
        names = [detector.name for detector in meta.detectors for _ in detector.index]
        centres = np.concatenate([detector.centres_nm for detector in meta.detectors])
        widths = np.concatenate([detector.fwhm_nm for detector in meta.detectors])
        order, order_notes = band_order(centres, names, overlap)
        sensor = _sensor(centres[order], widths[order], [names[i] for i in order], str(path))
        return PrismaScene(
            name=meta.name,
            path=str(path),
            sensor=sensor,
            height=layout.height,
            width=layout.width,
            crs=layout.crs,
            transform=layout.transform,
            block=layout.block,
            acquired=meta.acquired,
            level="L2D",
            band_faults=faults_of(empty[order]),
            facts=meta.facts,
            notes=(*meta.notes, *layout.notes, *order_notes, *error_notes, _NO_LAYERS),
            product=product,
            cubes=cubes_of(meta.detectors, order, sensor, empty[order], layout.axes, errors),
        )


READER = PrismaReader()


def _is_named(name: str) -> bool:
    return name.upper().startswith("PRS_") and name.lower().endswith(".he5")


def _products_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if _is_named(file.name))


def _is_packed(path: Path) -> bool:
    """Whether a file is a zip with a product in it, the form in which PRISMA's are delivered."""
    if path.suffix.lower() != ".zip" or not is_zipfile(path):
        return False
    with ZipFile(path) as packed:
        return any(_is_named(PurePosixPath(name).name) for name in packed.namelist())


def _product_of(path: Path) -> Path:
    if _is_packed(path):
        raise ProductError(
            "the product is still packed", where=str(path), fix="Unpack it and give the .he5 file."
        )
    files = _products_in(path) if path.is_dir() else [path]
    if len(files) == 1:
        return files[0]
    raise ProductError(
        f"{len(files)} PRISMA files lie in one folder",
        where=str(path),
        fix=f"Give one of them, for example {files[0].name}." if files else "Give the .he5 file.",
    )


def _doing(part: Window) -> str:
    return f"read rows {part.row}-{part.row + part.rows - 1}"


def _sensor(
    centres_nm: NDArray[np.float64], fwhm_nm: NDArray[np.float64], detectors: list[str], where: str
) -> Sensor:
    """The product's own bands; whether a band is usable is that of the table's band within half its width."""
    told = bool((fwhm_nm > 0).all())
    axis = axis_of_file(centres_nm, "nm", fwhm_nm if told else None, where=where, error=ProductError)
    sensor = Sensor("prisma", axis, tuple(detectors), about={"source": f"List_Cw and List_Fwhm of {where}"})
    return with_known_facts(sensor, "prisma", within_nm=axis.widths / 2)
