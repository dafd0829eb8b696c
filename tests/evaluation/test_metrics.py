"""One contract for every metric of the catalogue."""

import numpy as np
import pytest

from lesionless.evaluation.lesions import LesionRules, count_lesions, label_reference
from lesionless.evaluation.metrics import METRICS
from lesionless.evaluation.overlap import confusion
from lesionless.evaluation.score_counts import count_scores
from lesionless.evaluation.surface import surface_distances

SPACING = (1.0, 1.0, 2.0)
RULES = LesionRules(minimum_mm3=0, small_ml=0.02, large_ml=0.1)
PERFECT = {"higher": 1, "lower": 0}

every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
judging = pytest.mark.parametrize(
    "metric",
    [metric for metric in METRICS.values() if metric.better != "neither"],
    ids=[name for name, metric in METRICS.items() if metric.better != "neither"],
)


def blocks(*corners, size=2):
    mask = np.zeros((14, 14, 14), bool)
    for corner in corners:
        mask[tuple(slice(at, at + size) for at in corner)] = True
    return mask


LESION = blocks((1, 1, 1), (6, 6, 6)) | blocks((10, 1, 6), size=3) | blocks((1, 9, 9), size=4)
NOTHING = np.zeros_like(LESION)


def evaluate(metric, segmentation, lesion, spacing_mm=SPACING):
    """Compute a metric from two masks; a score metric takes the mask as score."""
    if metric.statistic == "scores":
        counts = count_scores(segmentation.astype(np.float32).ravel(), lesion.ravel())
    elif metric.statistic == "voxels":
        counts = confusion(segmentation.ravel(), lesion.ravel(), voxel_ml=0.002)
    elif metric.statistic == "lesions":
        reference = label_reference(lesion, spacing_mm=spacing_mm, rules=RULES)
        counts = count_lesions(segmentation, reference, spacing_mm=spacing_mm, rules=RULES)
    else:
        counts = surface_distances(segmentation, lesion, spacing_mm=spacing_mm, tolerance_mm=1.0)
    return metric.function(counts)


def noisy(seed):
    rng = np.random.default_rng(seed)
    return (LESION & (rng.random(LESION.shape) < 0.6)) | (rng.random(LESION.shape) < 0.02)


@every_metric
def test_entries_describe_themselves(metric):
    assert METRICS[metric.name] is metric
    assert metric.label and metric.function.__doc__
    assert metric.needs_threshold == (metric.statistic != "scores")
    assert not (metric.is_pooled and metric.unit)  # a volume has no pooled form


@every_metric
def test_the_order_of_the_voxels_does_not_matter(metric):
    segmentation = noisy(0)
    expected = evaluate(metric, segmentation, LESION)
    if metric.statistic in ("scores", "voxels"):
        order = np.random.default_rng(1).permutation(LESION.size)
        moved = [mask.ravel()[order].reshape(LESION.shape) for mask in (segmentation, LESION)]
        assert evaluate(metric, *moved) == pytest.approx(expected, nan_ok=True)
    for axis in range(3):
        flipped = [np.flip(mask, axis) for mask in (segmentation, LESION)]
        assert evaluate(metric, *flipped) == pytest.approx(expected, nan_ok=True)
    swapped = [mask.transpose(2, 0, 1) for mask in (segmentation, LESION)]
    spacing_mm = (SPACING[2], SPACING[0], SPACING[1])
    assert evaluate(metric, *swapped, spacing_mm) == pytest.approx(expected, nan_ok=True)


@judging
def test_the_reference_itself_is_perfect(metric):
    if metric.name == "healthy_false_positive_ml":
        assert evaluate(metric, NOTHING, NOTHING) == 0
    else:
        assert evaluate(metric, LESION, LESION) == PERFECT[metric.better]


@judging
def test_an_empty_segmentation_gains_nothing(metric):
    value = evaluate(metric, NOTHING, LESION)
    if metric.better == "lower":
        assert np.isnan(value) or value == 0
    elif metric.name == "auroc":
        assert value == 0.5
    elif metric.name == "auprc":
        assert value == pytest.approx(LESION.mean())
    elif metric.name == "oracle_dice":  # the threshold below everything
        assert value == pytest.approx(2 * LESION.mean() / (1 + LESION.mean()))
    else:
        assert np.isnan(value) or value == 0


@judging
def test_without_reference_lesions_a_quality_is_undefined(metric):
    for segmentation in (NOTHING, noisy(0)):
        value = evaluate(metric, segmentation, NOTHING)
        counts_false = metric.name.removeprefix("healthy_").startswith("false_positive")
        assert np.isfinite(value) if counts_false else np.isnan(value)


@judging
@pytest.mark.parametrize("seed", range(3))
def test_correcting_voxels_never_makes_it_worse(metric, seed):
    """Put right the voxels one lesion or one false component at a time, the false ones first."""
    segmentation = noisy(seed)
    if metric.name == "healthy_false_positive_ml":
        values = [
            evaluate(metric, segmentation & ~LESION, NOTHING),
            evaluate(metric, NOTHING, NOTHING),
        ]
    else:
        steps = [segmentation, segmentation & LESION]
        for corner, size in (((1, 1, 1), 2), ((6, 6, 6), 2), ((10, 1, 6), 3), ((1, 9, 9), 4)):
            steps.append(steps[-1] | blocks(corner, size=size))
        values = [evaluate(metric, step, LESION) for step in steps]
    values = [value for value in values if not np.isnan(value)]
    change = np.diff(values) if metric.better == "higher" else -np.diff(values)
    assert (change >= -1e-12).all()


def test_every_kind_of_count_has_a_metric():
    kinds = {metric.statistic for metric in METRICS.values()}
    assert kinds == {"scores", "voxels", "lesions", "surfaces"}
