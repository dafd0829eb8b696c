"""Smooth random fields: what a cubic B-spline must do, whatever the grid."""

import numpy as np
import pytest

from lesionless.data.phantom.smooth_field import SmoothField, node_axis, random_field


def test_constant_and_linear_nodes_are_reproduced() -> None:
    axis = node_axis(20)
    x, y, _ = np.meshgrid(axis, axis, axis, indexing="ij")
    nodes = np.stack([np.full_like(x, 3.0), 2 * x - y + 1], axis=-1)
    at = [np.array([-70.5, 0.0, 33.3]), np.array([1.0, 140.0]), np.array([-140.0, 7.0])]
    constant, linear = SmoothField(nodes=nodes, spacing_mm=20).on(at)
    assert constant == pytest.approx(3.0, abs=1e-5)
    expected = 2 * at[0][:, None, None] - at[1][None, :, None] + 1
    assert linear == pytest.approx(np.broadcast_to(expected, linear.shape), abs=1e-3)


def test_random_field_has_mean_0_and_spread_1() -> None:
    field = random_field(np.random.default_rng(0), spacing_mm=8)
    values = field.on([np.linspace(-139, 139, 80)] * 3)
    assert values.mean() == pytest.approx(0, abs=0.05)
    assert values.std() == pytest.approx(1, abs=0.05)


def test_value_at_a_place_does_not_depend_on_the_grid() -> None:
    field = random_field(np.random.default_rng(1), spacing_mm=15)
    fine = field.on([np.arange(-30.0, 31.0)] * 3)
    coarse = field.on([np.arange(-30.0, 31.0, 4)] * 3)
    assert coarse == pytest.approx(fine[::4, ::4, ::4], abs=1e-4)


def test_far_places_are_independent_and_near_ones_are_not() -> None:
    field = random_field(np.random.default_rng(2), spacing_mm=8)
    values = field.on([np.arange(-120.0, 121, 2)] * 3)
    near = np.corrcoef(values[1:].ravel(), values[:-1].ravel())[0, 1]
    far = np.corrcoef(values[20:].ravel(), values[:-20].ravel())[0, 1]
    assert near > 0.9
    assert abs(far) < 0.05
