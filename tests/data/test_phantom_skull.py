"""The layers of the head around the brain, at points of known depth."""

import numpy as np
import pytest

from lesionless.data.phantom import Skull
from lesionless.data.phantom.skull import HeadAt, skull_signal

FIXED = Skull(
    fluid_mm=(2, 2),
    bone_mm=(8, 8),
    scalp_mm=(5, 5),
    marrow=(0.4, 0.4),
    fat=(1.5, 1.5),
    muscle=(0.6, 0.6),
)


def _signal(outside_mm: list[float], *, face_mm: float = -50, eye_mm: float = -50) -> np.ndarray:
    n = len(outside_mm)
    at = HeadAt(np.array(outside_mm), np.full(n, face_mm), np.full(n, eye_mm))
    generator = np.random.default_rng(0)
    return skull_signal(generator, at, np.zeros((2, n)), skull=FIXED, fluid_level=0.2)


def test_layers_follow_each_other_from_the_brain_to_the_air() -> None:
    fluid, inner_table, marrow, outer_table, scalp, air = _signal([1, 3, 6, 9, 12, 17])
    assert fluid == pytest.approx(0.2)
    assert inner_table == outer_table < 0.1
    assert marrow == pytest.approx(0.4)
    assert scalp == pytest.approx(1.5)
    assert air == 0


def test_a_border_is_half_of_either_side() -> None:
    (border,) = _signal([15.0])
    assert border == pytest.approx(0.75)


def test_the_face_has_skin_flesh_and_dark_eyes_in_fat() -> None:
    far = [18.0]
    assert _signal(far, face_mm=2) == pytest.approx(1.5)
    assert _signal(far, face_mm=20) == pytest.approx(0.6)
    assert _signal(far, face_mm=20, eye_mm=-2) == pytest.approx(1.5)
    assert _signal(far, face_mm=20, eye_mm=5) == pytest.approx(0.2)


def test_bone_lies_over_the_face() -> None:
    assert _signal([3.0], face_mm=20) == pytest.approx(_signal([3.0]))
