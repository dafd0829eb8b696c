"""What a user calls a space, and what is kept of it."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.data.fetch import fetched
from lesionless.errors import UsageError
from lesionless.preprocess import atlas
from lesionless.preprocess.atlas import MNI152, load_atlas, placed_as_mni152, resolve_space


def test_a_path_is_kept_so_that_it_is_found_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.nii.gz").touch()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert resolve_space("../own.nii.gz") == str(tmp_path.resolve() / "own.nii.gz")


def test_a_link_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "object").touch()
    link = tmp_path / "sri24.nii.gz"
    link.symlink_to(tmp_path / "object")
    assert Path(resolve_space(str(link))).name == "sri24.nii.gz"


def test_names_stand_for_the_atlases_that_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stay what they are called, so that a model can go to another machine."""
    known, folder = load_atlas(MNI152), tmp_path / "sri24"
    folder.mkdir()
    nib.save(nib.Nifti1Image(known.image, known.affine), folder / "spgr.nii.gz")
    monkeypatch.setattr(atlas, "fetched", lambda name: folder)
    assert resolve_space("mni152") == "mni152"
    assert resolve_space("sri24") == "sri24"
    load_atlas.cache_clear()
    found = load_atlas("sri24")
    load_atlas.cache_clear()
    assert found.name == "SRI24"
    np.testing.assert_allclose(found.centre_mm, known.centre_mm)


def test_an_atlas_that_was_not_fetched_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlas, "fetched", lambda name: fetched(name, cache=tmp_path))
    with pytest.raises(UsageError, match="lesionless fetch sri24"):
        resolve_space("sri24")


def test_a_path_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none.nii: expected an atlas image, found no such file"):
        resolve_space(str(tmp_path / "none.nii"))


def test_the_brain_of_another_atlas_is_placed_where_that_of_mni152_lies(tmp_path: Path) -> None:
    """SRI24 has its origin at a corner: places by their millimetres would miss the brain."""
    known, moved = load_atlas(MNI152), np.eye(4)
    moved[:3, 3] = (-119.0, 60.0, 67.0)
    path = tmp_path / "moved.nii.gz"
    nib.save(nib.Nifti1Image(known.image, moved @ known.affine), path)
    index_to_atlas = np.diag([2.0, 3.0, 4.0, 1.0])
    np.testing.assert_array_equal(placed_as_mni152(index_to_atlas, MNI152), index_to_atlas)
    placed = placed_as_mni152(moved @ index_to_atlas, str(path))
    np.testing.assert_allclose(placed, index_to_atlas, atol=1e-6)
