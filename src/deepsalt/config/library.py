"""[library]: the laboratory spectra and how they are read."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from deepsalt.config.section import Section
from deepsalt.errors import LabelError
from deepsalt.salinity import parse_method


class LibraryConfig(Section):
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
