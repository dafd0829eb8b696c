"""The reference brain that scans are aligned to: MNI152, or any stripped image on disk."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage

from lesionless.arrays import Affine, Mask, Volume
from lesionless.data.fetch import fetched
from lesionless.data.mni152 import BRAIN, mni152_map
from lesionless.errors import UsageError

MNI152 = "mni152"
SRI24 = "sri24"
MNI152_NAME = "MNI152NLin2009aSym"


@dataclass(frozen=True, eq=False)
class Atlas:
    """Hold one reference brain, axes ordered right, anterior, superior.

    Attributes:
        name: Name of the space, as it stands in file names.
        image: (i, j, k) stripped image, 0 outside the brain.
        mask: (i, j, k) brain mask.
        affine: From voxel to atlas millimetres, RAS+.
    """

    name: str
    image: Volume
    mask: Mask
    affine: Affine

    @cached_property
    def box_mm(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and highest voxel centre of the brain, (x, y, z) each."""
        voxels = np.argwhere(self.mask)
        corners = np.stack([voxels.min(axis=0), voxels.max(axis=0)])
        low, high = corners @ self.affine[:3, :3].T + self.affine[:3, 3]
        return low, high

    @property
    def centre_mm(self) -> np.ndarray:
        """Return the centre of the brain's bounding box, (x, y, z)."""
        low, high = self.box_mm
        return np.asarray((low + high) / 2)

    @cached_property
    def middle_mm(self) -> np.ndarray:
        """Return the brain's centre of mass, (x, y, z)."""
        return np.asarray(
            self.affine[:3, :3] @ np.argwhere(self.mask).mean(axis=0) + self.affine[:3, 3]
        )


def resolve_space(space: str) -> str:
    """Return what a user calls a space as it is kept in stores and models.

    Args:
        space: `mni152`, `sri24`, or the path of a skull-stripped image.

    Returns:
        `mni152` and `sri24` as they are, so that models can go elsewhere; of others an absolute
        path, so that the atlas is found from every folder.

    Raises:
        UsageError: The files of SRI24 were not fetched, or there is no file of that path.
    """
    if space in (MNI152, SRI24):
        _file_of(space)  # must have been fetched
        return space
    path = Path(space)
    if not path.is_file():
        raise UsageError(
            f"{space}: expected an atlas image, found no such file. Give `{MNI152}`, `{SRI24}`, or "
            "the path of a skull-stripped NIfTI image."
        )
    return str(path.parent.resolve() / path.name)  # a link keeps its name, which names the space


@lru_cache(maxsize=4)
def load_atlas(space: str) -> Atlas:
    """Load an atlas once per process.

    Args:
        space: `mni152`, `sri24`, or the path of a skull-stripped image.

    Raises:
        UsageError: SRI24 was not fetched, or the path does not hold a stripped brain image with
            straight axes.
    """
    path = _file_of(space)
    return _mni152() if path is None else _from_file(path)


def placed_as_mni152(index_to_atlas: Affine, space: str) -> Affine:
    """Return the way to millimetres in which the atlas's brain lies where that of MNI152 does.

    The centres of the brains' bounding boxes meet, so that x is 0 at the midline; SRI24, for one,
    has its origin at a corner of the image.

    Args:
        index_to_atlas: From index to atlas millimetres.
        space: Of the atlas, see `load_atlas`.
    """
    if space == MNI152:
        return index_to_atlas
    to_mni152 = np.eye(4)
    to_mni152[:3, 3] = load_atlas(MNI152).centre_mm - load_atlas(space).centre_mm
    return np.asarray(to_mni152 @ index_to_atlas)


def _file_of(space: str) -> Path | None:
    """Return where the image of a space lies; MNI152 comes with a package, without one of ours."""
    if space == MNI152:
        return None
    return fetched(SRI24) / "spgr.nii.gz" if space == SRI24 else Path(space)


def _mni152() -> Atlas:
    image, affine = mni152_map("t1")
    mask = image > BRAIN
    return Atlas(MNI152_NAME, np.where(mask, image, 0).astype(np.float32), mask, affine)


def _from_file(path: Path) -> Atlas:
    try:
        nifti = nib.as_closest_canonical(nib.funcs.squeeze_image(nib.load(path)))
        image = nifti.get_fdata(dtype=np.float32)
    except Exception as error:  # nibabel raises many kinds for a file that is not NIfTI
        raise UsageError(
            f"{path}: expected an atlas image, found {type(error).__name__}: {error}. "
            "Give `mni152`, or the path of a skull-stripped NIfTI image."
        ) from error
    _check(path, image, nifti.affine)
    return _atlas(_name(path), nifti, _brain(image))


def _check(path: Path, image: Volume, affine: Affine) -> None:
    off_axis = affine[:3, :3] - np.diag(np.diag(affine[:3, :3]))
    if image.ndim != 3 or np.abs(off_axis).max() > 1e-3:
        raise UsageError(
            f"{path}: expected a 3-D atlas with axes along x, y and z, found shape {image.shape} "
            f"and affine {affine[:3].tolist()}. Resample it to straight axes."
        )
    share = np.count_nonzero(image > 0) / image.size
    if not 0.05 < share < 0.7:
        raise UsageError(
            f"{path}: expected a skull-stripped atlas, 0 outside the brain, found {share:.0%} of "
            "its voxels above 0. Strip the atlas first."
        )


def _brain(image: Volume) -> Mask:
    labels, n_labels = ndimage.label(image > 0)
    sizes = ndimage.sum_labels(image > 0, labels, np.arange(1, n_labels + 1))
    return np.asarray(ndimage.binary_fill_holes(labels == 1 + int(np.argmax(sizes))))


def _name(path: Path) -> str:
    if SRI24 in f"{path.absolute().parent.name} {path.name}".lower():
        return "SRI24"
    return "".join(letter for letter in path.name.split(".")[0] if letter.isalnum())


def _atlas(name: str, nifti: Any, mask: Mask) -> Atlas:
    image = np.where(mask, nifti.get_fdata(dtype=np.float32), 0).astype(np.float32)
    return Atlas(name, image, mask, np.asarray(nifti.affine, dtype=np.float64))
