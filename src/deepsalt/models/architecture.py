"""What a network is built from, as plain numbers: stored in a model's card, checked when read back.

A card may come from a stranger, so every number is bounded before anything is built from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from reprlib import repr as short
from typing import Any, TypeGuard

from deepsalt.errors import ModelFileError

#: Largest value a card may ask for; far above any sensible network, far below what exhausts a machine.
_LIMITS = {
    "bands": 20_000,
    "directions": 20_000,
    "latent": 4_096,
    "layers": 64,
    "width": 4_096,
    "heads": 256,
    "feedforward": 16_384,
    "tokens": 1_024,
    "covariates": 1_024,
    "channels": 4_096,
    "members": 64,
    "lands": 256,
    "width of the inputs": 20_000,
    "vectors": 1_000_000,
    "centres": 4_096,
    "rest": 4_096,
    "points": 4_096,
}
_MOST_DOMAINS = 8
_MAX_HIDDEN = (16, 16_384)  # layers, units in one


@dataclass(frozen=True)
class AutoencoderShape:
    """bands - directions (the scaler) - hidden - latent, mirrored in the decoder down to the directions."""

    bands: int
    directions: int
    hidden: tuple[int, ...]
    latent: int


@dataclass(frozen=True)
class TransformerShape:
    """width and heads of a token, number of layers, width of the feed-forward part, dropout in training."""

    width: int
    heads: int
    layers: int
    feedforward: int
    dropout: float


@dataclass(frozen=True)
class LabArchitecture:
    """Autoencoder and teacher for one laboratory domain."""

    autoencoder: AutoencoderShape
    tokens: int
    teacher: TransformerShape


@dataclass(frozen=True)
class PaperArchitecture:
    """Satellite autoencoder and student, with the laboratory half where there is one.

    lab          the laboratory half, None for a student trained on its own
    covariates   number of covariates beside the spectrum; 0 for none
    """

    satellite: AutoencoderShape
    tokens: int
    covariates: int
    student: TransformerShape
    lab: LabArchitecture | None = None


@dataclass(frozen=True)
class BridgeArchitecture:
    """Student of the preset `deepsalt`.

    bands       of the sensor
    channels    windows of the wavelength axis that any sensor's bands are brought to
    directions  principal directions of the channels that the members read
    hidden      units of each hidden layer of a member
    members     networks side by side
    lands       of the library that have networks of their own
    centres, rest, points   what it knows of its training pixels, see `Familiar`
    """

    bands: int
    channels: int
    directions: int
    hidden: tuple[int, ...]
    members: int
    lands: int = 0
    dropout: float = 0.0
    centres: int = 0
    rest: int = 0
    points: int = 0


#: What may stand behind the readers of a laboratory model.
LAB_NETWORKS = ("scores", "convolutions", "tokens", "vectors")


@dataclass(frozen=True)
class LabNetArchitecture:
    """Laboratory model of the preset `deepsalt`, or the simple model chosen in its stead.

    bands        of each domain
    widths       inputs each domain gives
    reflectance  whether a domain's values are reflectance (absorbance is read)
    network      "scores" (principal directions), "convolutions", "tokens" (windows), or "vectors" (a kernel)
    hidden       units of each hidden layer; () makes "scores" a line
    members      networks side by side
    vectors      support vectors kept, for "vectors" alone
    """

    bands: tuple[int, ...]
    widths: tuple[int, ...]
    reflectance: tuple[bool, ...]
    network: str
    hidden: tuple[int, ...] = ()
    members: int = 1
    dropout: float = 0.0
    vectors: int = 0

    @property
    def inputs(self) -> int:
        """All widths, and a flag for each domain where there are several."""
        return sum(self.widths) + (len(self.widths) if len(self.widths) > 1 else 0)


Architecture = LabArchitecture | PaperArchitecture | BridgeArchitecture | LabNetArchitecture


_KINDS: Mapping[type, str] = {
    LabArchitecture: "lab",
    PaperArchitecture: "paper",
    BridgeArchitecture: "deepsalt",
    LabNetArchitecture: "laboratory",
}


def to_card(architecture: Architecture) -> dict[str, Any]:
    """Plain dictionary for the model's card, with the kind that `from_card` looks at."""
    return {"kind": _KINDS[type(architecture)], **asdict(architecture)}


def from_card(card: object) -> Architecture:
    """The architecture a card describes.

    Raises ModelFileError for an unknown kind, a missing entry or a number out of bounds.
    """
    section = _mapping(card, "architecture")
    kind = section.get("kind")
    if kind == "lab":
        return _lab(section)
    if kind == "paper":
        lab = section.get("lab")
        return PaperArchitecture(
            satellite=_autoencoder(_mapping(section.get("satellite"), "architecture.satellite")),
            tokens=_count(section, "tokens"),
            covariates=_count(section, "covariates", least=0),
            student=_transformer(_mapping(section.get("student"), "architecture.student")),
            lab=None if lab is None else _lab(_mapping(lab, "architecture.lab")),
        )
    if kind == "deepsalt":
        return _bridge(section)
    if kind == "laboratory":
        return _lab_net(section)
    raise ModelFileError(
        f"unknown architecture {short(kind)}",
        fix=f"This version knows {', '.join(_KINDS.values())}; read the file with the version that wrote it.",
    )


def _bridge(section: Mapping[str, Any]) -> BridgeArchitecture:
    channels, directions = _count(section, "channels"), _count(section, "directions")
    if directions > channels:
        raise ModelFileError(f"{directions} directions of {channels} channels")
    return BridgeArchitecture(
        bands=_count(section, "bands"),
        channels=channels,
        directions=directions,
        hidden=_hidden(section),
        members=_count(section, "members"),
        lands=_count(section, "lands", least=0),
        dropout=_dropout(section),
        centres=_count(section, "centres", least=0),
        rest=_count(section, "rest", least=0),
        points=_count(section, "points", least=0),
    )


def _lab_net(section: Mapping[str, Any]) -> LabNetArchitecture:
    bands, widths = _counts(section, "bands", "bands"), _counts(section, "widths", "width of the inputs")
    reflectance, network = section.get("reflectance"), section.get("network")
    if not isinstance(reflectance, list | tuple) or not all(isinstance(one, bool) for one in reflectance):
        raise ModelFileError(f"architecture entry 'reflectance' cannot be used: {short(reflectance)}")
    if not 1 <= len(bands) == len(widths) == len(reflectance) <= _MOST_DOMAINS:
        raise ModelFileError(f"{len(bands)} domains of bands, {len(widths)} of widths")
    if network not in LAB_NETWORKS:
        raise ModelFileError(f"unknown network {short(network)}", fix=f"Known: {', '.join(LAB_NETWORKS)}.")
    return LabNetArchitecture(
        bands=bands,
        widths=widths,
        reflectance=tuple(reflectance),
        network=network,
        hidden=_hidden(section, least=0),
        members=_count(section, "members"),
        dropout=_dropout(section),
        vectors=_count(section, "vectors", least=0),
    )


def _counts(section: Mapping[str, Any], key: str, limit: str) -> tuple[int, ...]:
    values = section.get(key)
    if not isinstance(values, list | tuple) or not all(
        _is_count(v) and 1 <= v <= _LIMITS[limit] for v in values
    ):
        raise ModelFileError(f"architecture entry {key!r} cannot be used: {short(values)}")
    return tuple(values)


def _lab(section: Mapping[str, Any]) -> LabArchitecture:
    return LabArchitecture(
        autoencoder=_autoencoder(_mapping(section.get("autoencoder"), "architecture.autoencoder")),
        tokens=_count(section, "tokens"),
        teacher=_transformer(_mapping(section.get("teacher"), "architecture.teacher")),
    )


def _autoencoder(section: Mapping[str, Any]) -> AutoencoderShape:
    return AutoencoderShape(
        _count(section, "bands"), _count(section, "directions"), _hidden(section), _count(section, "latent")
    )


def _hidden(section: Mapping[str, Any], least: int = 1) -> tuple[int, ...]:
    hidden = section.get("hidden")
    most_layers, most_units = _MAX_HIDDEN
    if not isinstance(hidden, list | tuple) or not least <= len(hidden) <= most_layers:
        raise ModelFileError(f"architecture entry 'hidden' cannot be used: {short(hidden)}")
    if not all(_is_count(units) and 1 <= units <= most_units for units in hidden):
        raise ModelFileError(f"architecture entry 'hidden' cannot be used: {short(hidden)}")
    return tuple(hidden)


def _dropout(section: Mapping[str, Any]) -> float:
    dropout = section.get("dropout")
    if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        raise ModelFileError(f"architecture entry 'dropout' must be in [0, 1), found {short(dropout)}")
    return float(dropout)


def _transformer(section: Mapping[str, Any]) -> TransformerShape:
    shape = TransformerShape(
        width=_count(section, "width"),
        heads=_count(section, "heads"),
        layers=_count(section, "layers"),
        feedforward=_count(section, "feedforward"),
        dropout=_dropout(section),
    )
    if shape.width % shape.heads:
        raise ModelFileError(f"width {shape.width} cannot be divided among {shape.heads} attention heads")
    return shape


def _count(section: Mapping[str, Any], key: str, least: int = 1) -> int:
    value, most = section.get(key), _LIMITS[key]
    if not _is_count(value) or not least <= value <= most:
        raise ModelFileError(
            f"architecture entry '{key}' must be a whole number {least} to {most}, found {short(value)}"
        )
    return value


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ModelFileError(f"the card has no usable section '{name}'")
    return value
