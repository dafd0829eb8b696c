import numpy as np
import pytest
import SimpleITK as sitk

from lesionless.errors import UsageError
from lesionless.evaluation import detection
from lesionless.evaluation.lesions import (
    LesionRules,
    count_lesions,
    label_components,
    label_reference,
    pool,
)

UNIT = (1.0, 1.0, 1.0)
LOOSE = LesionRules(minimum_overlap=0, minimum_mm3=0, small_ml=0.004, large_ml=0.02)


def count(segmentation, lesion, rules=LOOSE, spacing_mm=UNIT):
    reference = label_reference(lesion, spacing_mm=spacing_mm, rules=rules)
    return count_lesions(segmentation, reference, spacing_mm=spacing_mm, rules=rules)


def mask(*boxes):
    volume = np.zeros((16, 16, 16), bool)
    for box in boxes:
        volume[box] = True
    return volume


SMALL = np.s_[1:2, 1:3, 1:2]  # 2 voxels
MEDIUM = np.s_[5:7, 5:7, 5:7]  # 8
LARGE = np.s_[10:13, 10:13, 10:13]  # 27
ELSEWHERE = np.s_[1:2, 13:15, 13:15]  # 4


def test_known_counts_by_size():
    counts = count(mask(SMALL, LARGE, ELSEWHERE), mask(SMALL, MEDIUM, LARGE))
    assert (counts.small, counts.medium, counts.large) == (1, 1, 1)
    detected = (counts.small_detected, counts.medium_detected, counts.large_detected)
    assert detected == (1, 0, 1)
    assert (counts.true, counts.false) == (2, 1)
    assert detection.lesion_sensitivity(counts) == pytest.approx(2 / 3)
    assert detection.lesion_precision(counts) == pytest.approx(2 / 3)
    assert detection.lesion_f1(counts) == pytest.approx(2 / 3)
    assert detection.medium_sensitivity(counts) == 0
    assert detection.large_sensitivity(counts) == 1
    assert detection.false_positive_lesions(counts) == 1


@pytest.mark.parametrize(("n_covered", "is_detected"), [(0, 0), (2, 0), (3, 1), (27, 1)])
def test_a_lesion_is_detected_from_the_minimum_overlap_on(n_covered, is_detected):
    lesion = mask(LARGE)
    segmentation = np.zeros_like(lesion)
    segmentation.flat[np.flatnonzero(lesion)[:n_covered]] = True
    rules = LesionRules(minimum_overlap=0.1, minimum_mm3=0)  # 10 % of 27 voxels: 3 voxels
    assert count(segmentation, lesion, rules).n_detected == is_detected


def test_one_blob_over_everything_is_false_unless_overlap_is_free():
    lesion = mask(SMALL, MEDIUM, LARGE)
    everything = np.ones_like(lesion)
    strict = count(everything, lesion, LesionRules(minimum_overlap=0.1, minimum_mm3=0))
    assert (strict.true, strict.false) == (0, 1)
    assert detection.lesion_f1(strict) == 0
    loose = count(everything, lesion, LOOSE)
    assert (loose.true, loose.false) == (1, 0)


def test_small_components_count_neither_way():
    rules = LesionRules(minimum_overlap=0, minimum_mm3=3)
    counts = count(mask(SMALL, MEDIUM), mask(SMALL, MEDIUM), rules)
    assert (counts.n_lesions, counts.n_detected) == (1, 1)
    assert (counts.true, counts.false) == (1, 0)
    # a component large enough, on a lesion that is too small: neither true nor false
    wide = count(mask(np.s_[1:2, 1:5, 1:2]), mask(SMALL, MEDIUM), rules)
    assert (wide.true, wide.false, wide.n_detected) == (0, 0, 0)
    # what is dropped from the segmentation does not detect
    assert count(mask(np.s_[5:6, 5:6, 5:7]), mask(MEDIUM), rules).n_detected == 0


def test_the_minimum_is_a_volume_not_a_number_of_voxels():
    rules = LesionRules(minimum_mm3=3)
    assert count(mask(SMALL), mask(SMALL), rules, spacing_mm=(1, 1, 1)).n_lesions == 0
    assert count(mask(SMALL), mask(SMALL), rules, spacing_mm=(1, 1, 6)).n_lesions == 1


def test_connectivity_joins_corners_or_not():
    corner = mask(np.s_[1:2, 1:2, 1:2], np.s_[2:3, 2:3, 2:3])
    edge = mask(np.s_[1:2, 1:2, 1:2], np.s_[2:3, 2:3, 1:2])
    numbers = {
        neighbours: [label_components(volume, neighbours)[1].size for volume in (edge, corner)]
        for neighbours in (6, 18, 26)
    }
    assert numbers == {6: [2, 2], 18: [1, 2], 26: [1, 1]}


@pytest.mark.parametrize("is_full", [False, True])
def test_components_agree_with_simpleitk(is_full):
    volume = np.random.default_rng(0).random((16, 16, 16)) < 0.15
    image = sitk.ConnectedComponent(sitk.GetImageFromArray(volume.astype(np.uint8)), is_full)
    expected = np.bincount(sitk.GetArrayFromImage(image).ravel())[1:]
    _, sizes = label_components(volume, 26 if is_full else 6)
    assert sorted(sizes) == sorted(expected)


@pytest.mark.parametrize("seed", range(4))
def test_counts_agree_with_counting_lesion_by_lesion(seed):
    rng = np.random.default_rng(seed)
    lesion, segmentation = rng.random((2, 16, 16, 16)) < 0.04
    rules = LesionRules(connectivity=18, minimum_overlap=0.5, minimum_mm3=2, small_ml=0.003)
    ours, theirs = (label_components(volume, 18)[0] for volume in (segmentation, lesion))
    kept = [ours == n for n in range(1, ours.max() + 1) if np.sum(ours == n) >= 2]
    known = [theirs == n for n in range(1, theirs.max() + 1) if np.sum(theirs == n) >= 2]
    union = np.any(kept, axis=0)
    expected = sum(np.sum(each & union) >= 0.5 * each.sum() for each in known)
    true = sum(np.sum(each & np.any(known, axis=0)) >= 0.5 * each.sum() for each in kept)
    any_true = sum(np.sum(each & lesion) >= 0.5 * each.sum() for each in kept)
    counts = count(segmentation, lesion, rules)
    assert (counts.n_lesions, counts.n_detected) == (len(known), expected)
    assert (counts.true, counts.false) == (true, len(kept) - any_true)


def test_flips_and_axis_orders_change_nothing():
    rng = np.random.default_rng(0)
    lesion, segmentation = rng.random((2, 12, 10, 8)) < 0.1
    expected = count(segmentation, lesion)
    for axes in ((0, 2, 1), (2, 1, 0), (1, 2, 0)):
        moved = [np.flip(volume.transpose(axes), 1) for volume in (segmentation, lesion)]
        assert count(*moved) == expected


def test_undefined_without_lesions_and_zero_without_segmentation():
    nothing = mask()
    for metric in (detection.lesion_sensitivity, detection.lesion_precision, detection.lesion_f1):
        assert np.isnan(metric(count(mask(SMALL), nothing)))
    assert detection.false_positive_lesions(count(mask(SMALL), nothing)) == 1
    missed = count(nothing, mask(SMALL))
    assert detection.lesion_f1(missed) == detection.lesion_sensitivity(missed) == 0
    assert np.isnan(detection.lesion_precision(missed))


def test_pooled_counts_add_up():
    one, two = count(mask(SMALL), mask(SMALL, LARGE)), count(mask(ELSEWHERE), mask(LARGE))
    both = pool([one, two])
    assert (both.n_lesions, both.n_detected, both.true, both.false) == (3, 1, 1, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"connectivity": 8}, "6, 18 or 26, found 8"),
        ({"minimum_overlap": 1.1}, "between 0 and 1"),
        ({"minimum_mm3": -1}, "minimum_mm3 >= 0"),
        ({"small_ml": 2}, "small_ml <= large_ml"),
    ],
)
def test_rules_out_of_range_are_refused(change, message):
    with pytest.raises(UsageError, match=message):
        LesionRules(**change)
