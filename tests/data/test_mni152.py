"""Our reading of nilearn's maps is nilearn's own."""

import numpy as np
import pytest
from nilearn import datasets

from lesionless.data.mni152 import BRAIN, mni152_map

LOADERS = {
    "t1": datasets.load_mni152_template,
    "gm": datasets.load_mni152_gm_template,
    "wm": datasets.load_mni152_wm_template,
}


@pytest.mark.parametrize("name", LOADERS)
def test_a_map_is_the_one_that_nilearn_gives(name):
    image, affine = mni152_map(name)
    theirs = LOADERS[name](resolution=1)
    np.testing.assert_array_equal(image, theirs.get_fdata(dtype=np.float32))
    np.testing.assert_array_equal(affine, theirs.affine)
    assert image.dtype == np.float32


def test_the_brain_is_the_one_that_nilearn_gives():
    theirs = datasets.load_mni152_brain_mask(resolution=1).get_fdata() > 0
    np.testing.assert_array_equal(mni152_map("t1")[0] > BRAIN, theirs)
