"""RAS order: the same for every way of storing a scan, and undone exactly."""

import itertools

import nibabel as nib
import numpy as np
import pytest

from lesionless.preprocess.canonical import from_ras, ras_affine, to_ras


def orientations():
    return [
        np.column_stack([axes, flips])
        for axes in itertools.permutations(range(3))
        for flips in itertools.product((1, -1), repeat=3)
    ]


@pytest.mark.parametrize("orientation", orientations())
def test_every_storage_order_has_the_same_ras_volume(orientation):
    volume = np.arange(60.0).reshape(3, 4, 5)
    oblique = nib.affines.from_matvec(
        nib.eulerangles.euler2mat(0.2, 0.1, -0.3) * [1, 2, 3], [5, 6, 7]
    )
    stored = nib.orientations.apply_orientation(volume, orientation)
    affine = oblique @ nib.orientations.inv_ornt_aff(orientation, volume.shape)
    np.testing.assert_array_equal(to_ras(stored, affine), volume)
    np.testing.assert_array_equal(from_ras(volume, affine), stored)
    np.testing.assert_allclose(ras_affine(stored.shape, affine), oblique, atol=1e-9)
