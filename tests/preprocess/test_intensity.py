"""Air, tissue, bias field and curvature flow: known answers and what they must not react to."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from lesionless.errors import ScanError
from lesionless.preprocess import intensity

SHAPE = (32, 32, 16)
SPACING = (6.0, 6.0, 8.0)
PLACES = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij"))
BRAIN = np.linalg.norm(PLACES, axis=0) < 0.8


def head(seed: int = 0, noise: float = 6.0) -> np.ndarray:
    """White matter at 95, grey at 105, ventricles at 20, a scalp at 160, Rician noise in air."""
    rng = np.random.default_rng(seed)
    radius = np.linalg.norm(PLACES, axis=0)
    signal = np.select([radius < 0.25, radius < 0.6, BRAIN, radius < 0.9], [20, 95, 105, 160], 0)
    return np.hypot(signal + rng.normal(0, noise, SHAPE), rng.normal(0, noise, SHAPE))


def test_tissue_lies_between_white_and_grey_matter():
    assert intensity.tissue_level(head(), BRAIN) == pytest.approx(100, abs=7)


def test_air_is_the_level_of_noise_or_padding():
    assert 0 < intensity.air_level(head(), BRAIN) < 5
    assert intensity.air_level(np.where(BRAIN, head(), 0), BRAIN) == 0
    assert intensity.air_level(np.where(BRAIN, head(), -3), BRAIN) == -3


def test_air_does_not_follow_ringing_below_zero():
    image = head()
    image[::7, ::7] = -200
    assert intensity.air_level(image, BRAIN) > 0


def test_a_mask_without_outside_takes_the_minimum():
    assert intensity.air_level(head(), np.ones(SHAPE, dtype=bool)) == head().min()


def z_scored(image: np.ndarray) -> np.ndarray:
    """Return a stripped scan with its brain standardised and exactly 0 elsewhere."""
    values = image[BRAIN]
    return np.where(BRAIN, (image - values.mean()) / values.std(), 0)


def test_a_z_scored_brain_is_told_from_others():
    assert intensity.is_standardised(z_scored(head()), BRAIN)
    for other in (head(), np.where(BRAIN, head(), 0), np.where(BRAIN, head(), -3), -head()):
        assert not intensity.is_standardised(other, BRAIN)


def test_a_brain_without_outside_is_not_standardised():
    assert not intensity.is_standardised(z_scored(head()), np.ones(SHAPE, dtype=bool))


def test_the_darkest_of_a_z_scored_brain_becomes_its_padding():
    image = intensity.padded_below(z_scored(head()), BRAIN)
    air, tissue = (level(image, BRAIN) for level in (intensity.air_level, intensity.tissue_level))
    np.testing.assert_array_equal(image[BRAIN], z_scored(head())[BRAIN])
    assert np.mean(image[BRAIN] < air) <= 0.002
    fluid = head()[np.linalg.norm(PLACES, axis=0) < 0.25].min()
    assert tissue - air == pytest.approx((100 - fluid) / head()[BRAIN].std(), rel=0.15)


@given(scale=st.sampled_from([1e-3, 1.0, 1e3, 7e5]), offset=st.sampled_from([0.0, 100.0, -40.0]))
@settings(max_examples=12, deadline=None)
def test_levels_follow_the_units(scale, offset):
    moved = head() * scale + offset * scale
    for level in (intensity.air_level, intensity.tissue_level):
        wanted = (level(head(), BRAIN) + offset) * scale
        assert level(moved, BRAIN) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("brightness", [1.4, 1.8, 2.5])
def test_a_lesion_of_a_quarter_of_the_brain_hardly_moves_the_tissue(brightness):
    image = head()
    lesion = BRAIN & (PLACES[0] > 0.32)
    assert 0.2 < lesion.sum() / BRAIN.sum() < 0.3
    image[lesion] *= brightness
    assert intensity.tissue_level(image, BRAIN) == pytest.approx(
        intensity.tissue_level(head(), BRAIN), rel=0.03
    )


@pytest.mark.parametrize("steps", [-1, 1, 2])
def test_a_mask_that_is_a_little_wrong_hardly_moves_the_tissue(steps):
    change = ndimage.binary_dilation if steps > 0 else ndimage.binary_erosion
    wrong = change(BRAIN, iterations=abs(steps))
    assert intensity.tissue_level(head(), wrong) == pytest.approx(
        intensity.tissue_level(head(), BRAIN), rel=0.05
    )


@pytest.mark.parametrize("mask", [np.zeros(SHAPE, dtype=bool), PLACES[0] > 2])
def test_no_tissue_is_said(mask):
    with pytest.raises(ScanError, match="Expected tissue contrast"):
        intensity.tissue_level(head(), mask)


def test_one_value_is_no_tissue():
    with pytest.raises(ScanError, match="of one value"):
        intensity.tissue_level(np.ones(SHAPE), BRAIN)


@pytest.fixture(scope="module")
def uneven():
    even = (head(noise=1.0) / 100).astype(np.float32)
    field = np.exp(0.5 * PLACES[0] + 0.2 * PLACES[1] * PLACES[2]).astype(np.float32)
    return even, even * field


def test_bias_field_is_found(uneven):
    even, seen = uneven
    corrected = intensity.correct_bias(seen, BRAIN, SPACING)
    white = ndimage.binary_erosion(BRAIN, iterations=2) & (even > 0.85) & (even < 1.0)
    before, after = (np.std(part[white] / even[white]) for part in (seen, corrected))
    assert before > 0.1
    assert after < before / 3


def test_bias_correction_keeps_the_mean_level(uneven):
    _, seen = uneven
    corrected = intensity.correct_bias(seen, BRAIN, SPACING)
    ratio = np.log(np.maximum(corrected[BRAIN], 1e-3) / np.maximum(seen[BRAIN], 1e-3))
    assert abs(ratio.mean()) < 0.02


def test_flow_takes_noise_and_leaves_edges():
    rng = np.random.default_rng(0)
    clean = np.zeros((8, 48, 48), dtype=np.float32)
    clean[:, 12:36, 12:36] = 1
    noisy = clean + rng.normal(0, 0.1, clean.shape).astype(np.float32)
    for in_plane in (True, False):
        smooth = intensity.smooth_by_curvature(noisy, in_plane=in_plane)
        flat = np.s_[2:6, 16:32, 16:32]
        assert smooth[flat].std() < noisy[flat].std() / 2
        step = smooth[:, 20:28, 13].mean() - smooth[:, 20:28, 10].mean()
        assert step > 0.9


def test_flow_within_slices_mixes_none():
    image = np.random.default_rng(0).random((6, 24, 24)).astype(np.float32)
    other = image.copy()
    other[2] = 0
    one, two = (intensity.smooth_by_curvature(part, in_plane=True) for part in (image, other))
    np.testing.assert_array_equal(np.delete(one, 2, axis=0), np.delete(two, 2, axis=0))
    assert np.any(
        intensity.smooth_by_curvature(image, in_plane=False)[1]
        != intensity.smooth_by_curvature(other, in_plane=False)[1]
    )


def test_flow_does_not_depend_on_units_or_threads():
    image = np.random.default_rng(0).random((4, 24, 24)).astype(np.float32)
    one = intensity.smooth_by_curvature(image, in_plane=True)
    np.testing.assert_allclose(
        intensity.smooth_by_curvature(image * 1000, in_plane=True) / 1000, one, atol=1e-5
    )
    np.testing.assert_array_equal(
        intensity.smooth_by_curvature(image, in_plane=True, threads=2), one
    )


def test_no_iterations_is_no_change():
    image = np.random.default_rng(0).random((4, 24, 24)).astype(np.float32)
    np.testing.assert_array_equal(
        intensity.smooth_by_curvature(image, in_plane=True, iterations=0), image
    )
