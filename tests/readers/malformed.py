"""What reading a malformed file must end in: one error of ours with a message, or a repair that is told.

Each case of the tests beside this is a file that exists in some laboratory's folder, or that somebody could
send on purpose. Nothing else than a DeepSaltError may come out, and nothing may be allocated on the word of a
header.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

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
