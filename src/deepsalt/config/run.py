"""The config of a run: all its sections."""

from __future__ import annotations

from pydantic import Field

from deepsalt.config.library import LibraryConfig
from deepsalt.config.method import CompareConfig, MethodConfig, ModelConfig, SplitConfig
from deepsalt.config.satellite import SatelliteConfig
from deepsalt.config.section import Section


class Config(Section):
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
