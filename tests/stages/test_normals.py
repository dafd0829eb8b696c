"""What of a store counts as normal."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from lesionless import store
from lesionless.stages.normals import Normals, check_held_out
from lesionless.training.normals import NormalsSettings


@pytest.fixture
def with_patient(prepared: Path, tmp_path: Path) -> Path:
    """The store, its patient among those who train."""
    folder = tmp_path / "store"
    shutil.copytree(prepared, folder)
    rows = ["participant_id\tgroup\tsplit"]
    for path in store.paths(folder):
        group = "patient" if "patient" in path.name else "control"
        rows.append(f"{path.parent.name}\t{group}\ttrain")
    (folder / "participants.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def patient(folder: Path, settings: NormalsSettings):
    found = [n for n in Normals(folder, "train", settings) if n.scan.subject == "patient001"]
    val = [n for n in Normals(folder, "val", settings) if n.scan.subject == "patient001"]
    return (found + val)[0]


def test_tissue_beside_lesions_is_left_out_and_the_rest_of_the_slice_kept(with_patient: Path):
    whole = next(s for s in store.scans(with_patient) if s.subject == "patient001")
    normal = patient(with_patient, NormalsSettings(beside_lesions_mm=20.0))
    spacing_mm = np.linalg.norm(whole.geometry.index_to_atlas[:3, :3], axis=0)
    far = ndimage.distance_transform_edt(~whole.lesion, sampling=spacing_mm) > 20
    np.testing.assert_array_equal(normal.scan.brain, whole.brain & far)
    np.testing.assert_array_equal(normal.scan.image, whole.image * (whole.brain & far))
    assert not normal.scan.lesion.any()
    assert (normal.is_normal & whole.lesion.any(axis=(1, 2))).any()
    assert whole.lesion.any()  # the store's own scan stays as it was


def test_healthy_scans_are_taken_whole_either_way(with_patient: Path):
    scans = {s.name: s for s in store.scans(with_patient)}
    for normal in Normals(with_patient, "train", NormalsSettings(beside_lesions_mm=20.0)):
        if normal.scan.subject != "patient001":
            np.testing.assert_array_equal(normal.scan.brain, scans[normal.scan.name].brain)
            assert normal.is_normal.all()


def test_a_share_that_plays_no_part_is_named(
    prepared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The table of the phantoms says who is held back; without it a share of them is."""
    drawn = tmp_path / "drawn"
    shutil.copytree(prepared, drawn)
    (drawn / "participants.tsv").unlink()
    half = NormalsSettings(val_fraction=0.5)
    with caplog.at_level(logging.INFO):
        check_held_out(Normals(drawn, "val", half))
        check_held_out(Normals(prepared, "val", NormalsSettings()))
    assert "plays no part" not in caplog.text
    assert f"{prepared}: 1 subjects are held back" in caplog.text
    check_held_out(Normals(prepared, "val", half))
    assert "--val-fraction plays no part" in caplog.text
    table = (prepared / "participants.tsv").read_text(encoding="utf-8")
    (drawn / "participants.tsv").write_text(table.replace("val", "train"), encoding="utf-8")
    caplog.clear()
    check_held_out(Normals(drawn, "val", half))  # drawn from those who train
    assert "plays no part" not in caplog.text
