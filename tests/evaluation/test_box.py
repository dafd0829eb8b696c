import numpy as np
import pytest
from scipy import ndimage

from lesionless.evaluation.box import bounding_box


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scipy(seed):
    mask = np.random.default_rng(seed).random((9, 8, 7)) > 0.995
    mask[4, 3, 2] = True
    assert bounding_box(mask) == ndimage.find_objects(mask.astype(int))[0]


def test_an_empty_mask_has_an_empty_box():
    mask = np.zeros((3, 3, 3), bool)
    assert mask[bounding_box(mask)].size == 0
