"""White matter at the place of each pixel."""

import numpy as np
import pytest

from lesionless.errors import UsageError
from lesionless.preprocess.white_matter import white_matter_at

# Atlas millimetres (right, anterior, superior)
CENTRUM_SEMIOVALE = (-26, -18, 32)
LATERAL_CORTEX = (-66, -20, 8)
OUTSIDE = (0, 110, 90)


def at(place, step_mm=1.0):
    """One slice of 3 x 3 pixels around a place, its rows to posterior, its columns to left."""
    index_to_atlas = np.array(
        [[0, 0, -step_mm, 0], [0, -step_mm, 0, 0], [5.0, 0, 0, 0], [0, 0, 0, 1]]
    )
    index_to_atlas[:3, 3] = np.array(place) - index_to_atlas[:3, :3] @ [0, 1, 1]
    return white_matter_at(index_to_atlas, (1, 3, 3), "mni152")[0, 1, 1]


def test_deep_white_matter_is_told_from_cortex_and_air():
    assert at(CENTRUM_SEMIOVALE) > 0.95
    assert at(LATERAL_CORTEX) < 0.45
    assert at(OUTSIDE) == 0


def test_both_sides_are_alike_and_values_are_shares():
    x, y, z = CENTRUM_SEMIOVALE
    assert at((x, y, z)) == pytest.approx(at((-x, y, z)), abs=0.02)
    assert at((x, y, z), step_mm=2.5) == pytest.approx(at((x, y, z)), abs=1e-5)
    assert at(CENTRUM_SEMIOVALE) <= 1


def test_an_atlas_without_a_map_is_refused():
    with pytest.raises(UsageError, match="outside_white_matter"):
        white_matter_at(np.eye(4), (1, 2, 2), "sri24/spgr.nii.gz")
