"""What reading a malformed file must end in: one error of ours with a message, or a repair that is told.

Each case of the tests beside this is a file that exists in some laboratory's folder, or that somebody could
send on purpose. Nothing else than a DeepSaltError may come out, and nothing may be allocated on the word of a
header.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

import deepsalt as ds
from deepsalt.errors import DeepSaltError

#: What a read may take beside the file itself: nothing near what the lying headers claim.
MOST_BYTES = 200 << 20


def refused(path: Path, **options: object) -> str:
    """The message of the DeepSaltError that reading must end in."""
    with pytest.raises(DeepSaltError) as caught:
        ds.read(path, **options)
    told = str(caught.value)
    assert len(told) > 20
    assert "\n" not in told
    assert "Traceback" not in told
    return told


def told(path: Path, **options: object) -> str:
    """What reading says: the error of ours, or the provenance of spectra that could be saved."""
    try:
        found = ds.read(path, **options)
    except DeepSaltError as error:
        said = str(error)
    else:
        said = " | ".join(found.provenance)
        assert len(found) > 0
        assert not np.isinf(found.values).any()
    assert said.strip()
    return said


@dataclass(frozen=True)
class Damage:
    """Bytes that come into a file, at a share of its length."""

    where: float
    noise: bytes
    how: str

    def of(self, raw: bytes) -> bytes:
        at = int(self.where * len(raw))
        rest = {"cut": b"", "over": raw[at + len(self.noise) :], "in": raw[at:]}[self.how]
        return raw[:at] + self.noise + rest


@st.composite
def damages(draw: st.DrawFn) -> Damage:
    """Cut off anywhere, written over, or with bytes put in."""
    where, noise = draw(st.floats(0, 1)), draw(st.binary(max_size=12))
    return Damage(where, noise, draw(st.sampled_from(["cut", "over", "in"])))


def told_of_scene(file: Path, damage: Damage) -> None:
    """Nothing but an error of ours may come out of a damaged product, or a scene that can be read."""
    raw = file.read_bytes()
    said = "a scene that can be read"
    try:
        file.write_bytes(damage.of(raw))
        scene = ds.read(file)
        scene.mask()
        assert not np.isinf(scene.read().values).any()
    except DeepSaltError as error:
        said = str(error)
    finally:
        file.write_bytes(raw)
    assert len(said) > 20
