"""The order of the steps: residual, prior, filter, mask."""

from dataclasses import replace

import numpy as np
import pytest

from lesionless.errors import UsageError
from lesionless.scoring.filters import FILTERS
from lesionless.scoring.recipe import ScoreSettings, score, scored
from lesionless.scoring.residual import RESIDUALS, equalise

PLAIN = ScoreSettings(filter="none")


@pytest.fixture
def scan():
    rng = np.random.default_rng(0)
    image, reconstruction = rng.random((2, 3, 16, 16)).astype(np.float32)
    brain = np.zeros(image.shape, bool)
    brain[:, 2:14, 3:13] = True
    return image, reconstruction, brain


def test_the_default_is_the_paper_s(scan):
    """Absolute residual, then a median in the slice, inside the brain."""
    image, reconstruction, brain = scan
    by_hand = FILTERS["median-2d"](np.abs(image - reconstruction) * brain, size=5) * brain
    np.testing.assert_allclose(score(*scan, ScoreSettings()), by_hand, rtol=1e-6)


@pytest.mark.parametrize("residual", RESIDUALS)
def test_each_residual_is_used(residual, scan):
    found = score(*scan, replace(PLAIN, residual=residual))
    np.testing.assert_array_equal(found, RESIDUALS[residual](*scan))


@pytest.mark.parametrize("residual", RESIDUALS)
@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("prior", [{}, {"times_equalised": True}, {"times_intensity": True}])
@pytest.mark.parametrize("erosion_pixels", [0, 2])
def test_every_recipe_scores_inside_the_scored_brain_only(
    residual, name, prior, erosion_pixels, scan
):
    how = ScoreSettings(residual, filter=name, filter_size=3, erosion_pixels=erosion_pixels)
    settings = replace(how, **prior)
    found = score(*scan, settings)
    assert found.dtype == np.float32
    assert found.shape == scan[0].shape
    assert np.isfinite(found).all()
    inside = scored(scan[2], settings)
    assert not found[~inside].any()
    assert found[inside].any()


@pytest.mark.parametrize("prior", ["times_equalised", "times_intensity"])
def test_the_prior_multiplies_before_the_filter(prior, scan):
    image, reconstruction, brain = scan
    settings = replace(ScoreSettings(filter_size=3), **{prior: True})
    weight = image if prior == "times_intensity" else equalise(image, brain)
    product = np.abs(image - reconstruction) * brain * weight
    by_hand = FILTERS["median-2d"](product, size=3) * brain
    np.testing.assert_allclose(score(*scan, settings), by_hand, rtol=1e-6)


def test_erosion_hides_the_rim_and_changes_no_score_within(scan):
    settings = ScoreSettings(erosion_pixels=2)
    inside = scored(scan[2], settings)
    assert inside.sum() == 3 * 8 * 6
    np.testing.assert_array_equal(
        score(*scan, settings)[inside], score(*scan, ScoreSettings())[inside]
    )


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("filter_size", 0, "finite filter_size of at least 1, found 0"),
        ("erosion_pixels", -1, "finite erosion_pixels of at least 0, found -1"),
        ("reach_mm", -2.0, "finite reach_mm of at least 0, found -2.0"),
        (
            "outside_white_matter",
            float("nan"),
            "finite outside_white_matter of at least 0, found nan",
        ),
        ("min_lesion_mm3", float("inf"), "finite min_lesion_mm3 of at least 0, found inf"),
    ],
)
def test_numbers_out_of_their_range_are_refused(field, value, said):
    with pytest.raises(UsageError, match=said):
        ScoreSettings(**{field: value})


def test_the_ends_of_the_ranges_are_taken(scan):
    """A window of one pixel and no erosion leave the residual as it is."""
    least = ScoreSettings(
        filter_size=1,
        erosion_pixels=0,
        reach_mm=0.0,
        outside_white_matter=0.0,
        min_lesion_mm3=0.0,
    )
    np.testing.assert_array_equal(score(*scan, least), score(*scan, PLAIN))
