"""Reading ahead gives what reading gives, in order, and stops when asked."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from tests.toys import MemoryScene, toy_scene

from deepsalt.errors import ProductError
from deepsalt.preprocessing.masks import DEFAULT_RULES
from deepsalt.preprocessing.read_ahead import AHEAD, ahead, read_ahead, read_part
from deepsalt.spectra import Spectra, Window


def of_strips() -> MemoryScene:
    return replace(toy_scene(), block=(2, 10))


def test_every_window_comes_once_in_order_with_its_own_pixels() -> None:
    scene = of_strips()
    parts = list(read_ahead(scene, DEFAULT_RULES, scene.windows(40)))
    assert [part.window for part, _ in parts] == list(scene.windows(40))
    assert len(parts) == 3
    for part, reasons in parts:
        np.testing.assert_array_equal(reasons, part.reasons(scene.sensor.axis, DEFAULT_RULES))
        np.testing.assert_array_equal(part.loaded.image().values, scene.read(part.window).values)
        np.testing.assert_array_equal(part.quality, scene.mask(part.window))


def test_no_more_windows_are_read_ahead_than_promised() -> None:
    begun: list[int] = []

    class Counting(MemoryScene):
        def read(self, window: Window | None = None) -> Spectra:
            begun.append((window or self.whole()).row)
            return super().read(window)

    scene = of_strips()
    counting = Counting(**{name: getattr(scene, name) for name in scene.__dataclass_fields__})
    parts = ahead(lambda window: read_part(counting, window), counting.windows(20))
    next(parts)
    assert len(begun) <= 1 + AHEAD
    parts.close()
    assert len(begun) <= 1 + AHEAD
    assert not [t for t in threading.enumerate() if t.name.startswith("read-ahead")]


def test_an_error_is_raised_where_its_window_is_due() -> None:
    class Broken(MemoryScene):
        def read(self, window: Window | None = None) -> Spectra:
            if window and window.row == 4:
                raise ProductError("cut off", where="toy")
            return super().read(window)

    scene = of_strips()
    broken = Broken(**{name: getattr(scene, name) for name in scene.__dataclass_fields__})
    parts = read_ahead(broken, DEFAULT_RULES, broken.windows(20))
    assert [next(parts)[0].window.row, next(parts)[0].window.row] == [0, 2]
    with pytest.raises(ProductError, match="cut off"):
        next(parts)
