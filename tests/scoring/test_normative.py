"""Centre and spread of normals: known ones are found again, by place and overall."""

import numpy as np
import pytest

from lesionless.scoring.normative import Normative, by_location, overall


def index_to_atlas(z_mm=10.0, spacing_mm=2.0):
    """From (slice, row, column) to atlas (x, y, z): column 0 is right, row 0 anterior."""
    affine = np.zeros((4, 4))
    affine[0, 2], affine[0, 3] = -spacing_mm, 63 * spacing_mm / 2
    affine[1, 1], affine[1, 3] = -spacing_mm, 63 * spacing_mm / 2
    affine[2, 0], affine[2, 3] = 4.0, z_mm
    affine[3, 3] = 1
    return affine


SHAPE = (4, 64, 64)
BRAIN = np.zeros(SHAPE, bool)
BRAIN[:, 8:56, 12:52] = True
X_MM = np.broadcast_to(index_to_atlas()[0, 2] * np.arange(64) + index_to_atlas()[0, 3], SHAPE)
Y_MM = np.broadcast_to(
    (index_to_atlas()[1, 1] * np.arange(64) + index_to_atlas()[1, 3])[:, np.newaxis], SHAPE
)


def normals(centre, spread, number=12, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(number):
        score = centre + spread * rng.standard_normal(SHAPE)
        yield score.astype(np.float32), BRAIN, index_to_atlas()


def test_overall_is_mean_and_deviation_of_all_pixels_together():
    scans = list(normals(0.3, 0.1, number=3))
    pooled = np.concatenate([score[mask] for score, mask, _ in scans])
    found = overall(iter(scans))
    assert found.centre == pytest.approx(pooled.mean(), rel=1e-6)
    assert found.spread == pytest.approx(pooled.std(), rel=1e-5)


def test_overall_standardises_by_hand():
    score = np.float32([[[1.0, 3.0], [5.0, 7.0]]])
    brain = np.array([[[True, True], [True, False]]])
    found = Normative(np.float64(3.0), np.float64(2.0)).standardise(score, brain, np.eye(4))
    np.testing.assert_array_equal(found, [[[-1, 0], [1, 0]]])
    assert found.dtype == np.float32


@pytest.mark.parametrize("fit", [overall, by_location])
def test_known_centre_and_spread_are_found(fit):
    found = fit(normals(0.3, 0.1))
    inside = found.standardise(np.full(SHAPE, 0.3, np.float32), BRAIN, index_to_atlas())
    above = found.standardise(np.full(SHAPE, 0.4, np.float32), BRAIN, index_to_atlas())
    np.testing.assert_allclose(inside[BRAIN], 0, atol=0.08)
    np.testing.assert_allclose(above[BRAIN], 1, atol=0.12)


@pytest.mark.parametrize("fit", [overall, by_location])
def test_the_normals_themselves_become_standard(fit):
    found = fit(normals(0.3, 0.1))
    (score, mask, affine), *_ = normals(0.3, 0.1, seed=9)
    standard = found.standardise(score, mask, affine)
    assert standard[mask].mean() == pytest.approx(0, abs=0.05)
    assert standard[mask].std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("fit", [overall, by_location])
def test_outside_of_the_brain_nothing_is_anomalous(fit):
    found = fit(normals(0.3, 0.1, number=2))
    standard = found.standardise(np.ones(SHAPE, np.float32), BRAIN, index_to_atlas())
    assert not standard[~BRAIN].any()
    assert standard[BRAIN].all()
    assert standard.dtype == np.float32


def test_differences_by_place_are_found():
    """Front and back differ in centre and in spread; where few pixels lie, or both, is left out."""
    front = Y_MM > 0
    centre, spread = np.where(front, 0.6, 0.5), np.where(front, 0.2, 0.1)
    found = by_location(normals(centre, spread, number=150))
    away = BRAIN & (np.abs(Y_MM) > 20) & (np.abs(Y_MM) < 40) & (np.abs(X_MM) < 30)
    at_centre = found.standardise(centre.astype(np.float32), BRAIN, index_to_atlas())
    above = found.standardise((centre + spread).astype(np.float32), BRAIN, index_to_atlas())
    np.testing.assert_allclose(at_centre[away], 0, atol=0.25)
    np.testing.assert_allclose(above[away], 1, atol=0.25)
    flat = overall(normals(centre, spread, number=4))
    missed = flat.standardise((centre + spread).astype(np.float32), BRAIN, index_to_atlas())
    assert np.abs(missed[away] - 1).min() > 0.4


def test_left_and_right_share_their_figures():
    centre = np.where(X_MM > 0, 0.6, 0.2)
    found = by_location(normals(centre, 0.1))
    np.testing.assert_allclose(found.centre, found.centre[::-1], rtol=1e-9)
    np.testing.assert_allclose(found.spread, found.spread[::-1], rtol=1e-9)
    standard = found.standardise(np.full(SHAPE, 0.5, np.float32), BRAIN, index_to_atlas())
    np.testing.assert_allclose(standard, standard[:, :, ::-1], atol=1e-4)


def test_places_without_normals_lean_on_the_overall_figures():
    found = by_location(normals(np.where(Y_MM > 0, 0.6, 0.2), 0.1))
    whole = overall(normals(np.where(Y_MM > 0, 0.6, 0.2), 0.1))
    assert found.centre[0, 0, 0] == pytest.approx(whole.centre, rel=1e-6)
    assert found.spread[0, 0, 0] == pytest.approx(whole.spread, rel=1e-6)
    assert np.isfinite(found.centre).all()
    assert (found.spread > 0).all()


def test_the_place_is_the_atlas_s_and_not_the_array_s():
    """A scan cut out elsewhere and at another pixel size meets the same figures."""
    centre = 0.3 + Y_MM / 500
    found = by_location(normals(centre, 0.1, number=100))
    other = index_to_atlas(z_mm=14.0, spacing_mm=1.0)
    y_mm = other[1, 1] * np.arange(64) + other[1, 3]
    score = np.broadcast_to((0.3 + y_mm / 500)[:, np.newaxis], SHAPE).astype(np.float32)
    standard = found.standardise(score, np.ones(SHAPE, bool), other)
    np.testing.assert_allclose(standard, 0, atol=0.2)


def test_pixels_outside_of_the_mask_do_not_count():
    clean = list(normals(0.3, 0.1, number=2))
    lesions = [(np.where(BRAIN, score, 99).astype(np.float32), m, a) for score, m, a in clean]
    for fit in (overall, by_location):
        np.testing.assert_array_equal(fit(clean).centre, fit(lesions).centre)


def test_the_order_of_the_scans_does_not_matter():
    scans = list(normals(np.where(Y_MM > 0, 0.6, 0.2), 0.1, number=5))
    first, second = by_location(scans), by_location(scans[::-1])
    np.testing.assert_allclose(first.centre, second.centre, rtol=1e-9)
    np.testing.assert_allclose(first.spread, second.spread, rtol=1e-9)


def test_constant_scores_give_a_spread_above_zero():
    constant = [(np.full(SHAPE, 0.25, np.float32), BRAIN, index_to_atlas())]
    for fit in (overall, by_location):
        found = fit(constant)
        assert (found.spread > 0).all()
        standard = found.standardise(constant[0][0], BRAIN, index_to_atlas())
        np.testing.assert_allclose(standard, 0, atol=1e-3)
