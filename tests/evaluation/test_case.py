import numpy as np
import pytest

from lesionless.errors import ScanError

EMPTY = np.zeros((20, 18, 12), bool)


def test_truth_is_derived_from_the_reference_inside_the_brain(make_case):
    assert make_case().truth == "lesion"
    assert make_case(lesion=None).truth == "unknown"
    assert make_case(lesion=EMPTY).is_healthy
    outside = EMPTY.copy()
    outside[0, 0, 0] = True
    assert make_case(lesion=outside).truth == "healthy"


def test_voxel_volume_comes_from_the_spacing(make_case):
    assert make_case().voxel_ml == pytest.approx(0.0045)


def test_regions_lie_inside_the_brain(make_case):
    case = make_case()
    assert case.inside("all") is case.brain
    assert not (case.inside("mid") & ~case.brain).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"brain": EMPTY}, "a brain mask with voxels in it"),
        ({"brain": EMPTY[1:]}, r"brain mask of shape \(20, 18, 12\) like the score map"),
        ({"lesion": EMPTY.astype(np.uint8)}, "a boolean lesion mask, found uint8"),
        ({"segmentations": {"p98": EMPTY[1:]}}, "segmentation 'p98' of shape"),
        ({"regions": {"all": EMPTY}}, "region names other than 'all'"),
        ({"spacing_mm": (1.0, 0.0, 1.0)}, "positive voxel sizes"),
        ({"score": np.full(EMPTY.shape, np.nan, np.float32)}, "finite scores inside the brain"),
        ({"score": np.zeros(3, np.float32)}, "a score map with 3 axes"),
    ],
)
def test_faults_are_named(make_case, change, message):
    with pytest.raises(ScanError, match=message):
        make_case(**change)


def test_scores_outside_the_brain_may_be_anything(make_case):
    case = make_case()
    make_case(score=np.where(case.brain, case.score, np.nan))
