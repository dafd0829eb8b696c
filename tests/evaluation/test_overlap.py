import numpy as np
import pytest
import SimpleITK as sitk
from sklearn.metrics import f1_score, precision_score, recall_score

from lesionless.evaluation import overlap
from lesionless.evaluation.overlap import confusion, pool


def draw(seed=0, n=2000):
    rng = np.random.default_rng(seed)
    lesion = rng.random(n) < 0.1
    return rng.random(n) < 0.05 + 0.5 * lesion, lesion


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_scikit_learn(seed):
    segmentation, lesion = draw(seed)
    counts = confusion(segmentation, lesion, voxel_ml=0.5)
    assert overlap.dice(counts) == pytest.approx(f1_score(lesion, segmentation))
    assert overlap.precision(counts) == pytest.approx(precision_score(lesion, segmentation))
    assert overlap.recall(counts) == pytest.approx(recall_score(lesion, segmentation))


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_simpleitk(seed):
    segmentation, lesion = (mask.reshape(10, 10, 20) for mask in draw(seed))
    measure = sitk.LabelOverlapMeasuresImageFilter()
    # ITK counts as missed what is in its target, the second image, alone
    measure.Execute(
        *(sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (segmentation, lesion))
    )
    counts = confusion(segmentation, lesion, voxel_ml=1)
    assert overlap.dice(counts) == pytest.approx(measure.GetDiceCoefficient())
    assert 1 - overlap.recall(counts) == pytest.approx(measure.GetFalseNegativeError())


def test_known_counts_and_volumes():
    segmentation = np.array([1, 1, 1, 0, 0], bool)
    lesion = np.array([1, 0, 0, 1, 0], bool)
    counts = confusion(segmentation, lesion, voxel_ml=0.1)
    assert (counts.true_positive, counts.false_positive) == (1, 2)
    assert (counts.false_negative, counts.true_negative) == (1, 1)
    assert overlap.dice(counts) == pytest.approx(2 / 5)
    assert overlap.false_positive_rate(counts) == pytest.approx(2 / 3)
    assert overlap.false_positive_ml(counts) == pytest.approx(0.2)
    assert overlap.volume_difference_ml(counts) == pytest.approx(0.1)


def test_an_empty_reference_is_undefined_and_its_false_positives_are_not():
    nothing = np.zeros(4, bool)
    for segmentation in (nothing, ~nothing):
        counts = confusion(segmentation, nothing, voxel_ml=0.1)
        for metric in (overlap.dice, overlap.precision, overlap.recall):
            assert np.isnan(metric(counts))
        expected = pytest.approx(0.1 * segmentation.sum())
        assert overlap.false_positive_ml(counts) == expected
        assert overlap.healthy_false_positive_ml(counts) == expected
    assert np.isnan(overlap.healthy_false_positive_ml(confusion(nothing, ~nothing, voxel_ml=1)))


def test_an_empty_segmentation_has_dice_zero_and_no_precision():
    lesion = np.array([True, False])
    counts = confusion(np.zeros(2, bool), lesion, voxel_ml=1)
    assert overlap.dice(counts) == overlap.recall(counts) == 0
    assert np.isnan(overlap.precision(counts))


def test_pooled_counts_equal_those_of_all_voxels_together():
    parts = [draw(seed) for seed in range(3)]
    together = confusion(*(np.concatenate(masks) for masks in zip(*parts, strict=True)), voxel_ml=1)
    pooled = pool(confusion(*part, voxel_ml=1) for part in parts)
    assert pooled.__dict__ == pytest.approx(together.__dict__)
