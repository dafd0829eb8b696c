"""Deformations: one to one, and visibly different from head to head."""

import numpy as np
import pytest

from lesionless.data.phantom.deformation import (
    MAX_STRAIN,
    NODE_MM,
    Shape,
    random_deformation,
    strain_bound,
)
from lesionless.data.phantom.regions import load_regions
from lesionless.data.phantom.smooth_field import node_axis

AXES = [np.arange(-100.0, 101, 2.5)] * 3


def _jacobian(shape: Shape, seed: int) -> np.ndarray:
    deformation = random_deformation(np.random.default_rng(seed), load_regions(4), shape=shape)
    slopes = np.gradient(deformation.on(AXES), 2.5, axis=(1, 2, 3))
    return np.linalg.det(np.moveaxis(np.stack(slopes), (0, 1), (-1, -2)))


@pytest.mark.parametrize("seed", range(3))
def test_the_jacobian_is_positive(seed: int) -> None:
    jacobian = _jacobian(Shape(), seed)
    assert jacobian.min() > 0.1
    assert jacobian.max() < 5


def test_the_jacobian_stays_positive_when_far_too_much_is_asked() -> None:
    wild = Shape(coarse_mm=30, fine_mm=15, ventricles_mm=(40, 40))
    assert _jacobian(wild, 0).min() > 0


def test_strain_of_a_stretch_is_its_slope() -> None:
    axis = node_axis(NODE_MM)
    displacement = np.zeros((3, *[len(axis)] * 3))
    displacement[1] = 0.3 * axis[:, None, None]
    assert strain_bound(displacement) == pytest.approx(0.3)
    assert MAX_STRAIN < 1


def test_no_variation_gives_a_shift_alone() -> None:
    still = Shape((1, 1), turn_deg=0, shift_mm=0, coarse_mm=0, fine_mm=0, ventricles_mm=(0, 0))
    deformation = random_deformation(np.random.default_rng(0), load_regions(4), shape=still)
    x, y, z = deformation.on([np.array([-10.0, 40.0])] * 3)
    # the three axes may still differ by 3 % in size
    assert x[1, 0, 0] - x[0, 0, 0] == pytest.approx(50, rel=0.035)
    assert y[0, 1, 0] - y[0, 0, 0] == pytest.approx(50, rel=0.035)
    assert z[0, 0, 1] == pytest.approx(z[1, 1, 1], abs=1e-3)


def test_wider_ventricles_push_the_white_matter_outward() -> None:
    narrow, wide = (
        random_deformation(
            np.random.default_rng(0), load_regions(4), shape=Shape(ventricles_mm=(mm, mm))
        ).on([np.array([25.0]), np.array([-20.0]), np.array([10.0])])
        for mm in (0.0, 3.0)
    )
    # the same place in the scanner shows a place nearer to the midline
    assert narrow[0].item() - wide[0].item() > 0.5
