import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless import store
from lesionless.errors import UsageError
from lesionless.models import bundle as bundles
from lesionless.models.catalogue import CATALOGUE
from lesionless.preprocess.atlas import MNI152, load_atlas
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.stages.apply import apply
from lesionless.stages.normals import Normals, split_of, stack
from lesionless.stages.rebuild import rebuilder
from lesionless.stages.request import TrainRequest
from lesionless.stages.segment import segment_scans
from lesionless.stages.train import train_model
from lesionless.training.loop import TrainSettings
from lesionless.training.normals import NormalsSettings

from .conftest import COARSE, restated

REQUEST = TrainRequest(model="sAE3", training=TrainSettings(epochs=2, seed=3))


@pytest.fixture(scope="session")
def model(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "intensity"
    train_model(prepared, folder, TrainRequest(model="intensity"))
    return folder


def test_patients_are_never_learnt_from(prepared: Path) -> None:
    settings = NormalsSettings()
    learnt = {n.scan.subject for n in Normals(prepared, "train", settings)}
    held_out = {n.scan.subject for n in Normals(prepared, "val", settings)}
    assert learnt and held_out and not learnt & held_out
    assert "patient001" not in learnt | held_out


def test_no_normal_slices_is_said(prepared: Path) -> None:
    with pytest.raises(UsageError, match="without lesions"):
        stack(iter(()))


def test_subjects_without_a_mask_are_named_once_and_counted(
    cohort: Path, prepared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "store"
    shutil.copytree(prepared, folder)
    (folder / "participants.tsv").write_text("participant_id\tgroup\nsub-healthy001\thealthy\n")
    for path in store.paths(folder):
        store.save(folder, replace(store.load(path), lesion=None))
    bundle = train_model(folder, tmp_path / "model", TrainRequest(model="intensity"))
    named = [message for message in caplog.messages if "no lesion mask" in message]
    assert len(named) == len(set(named)) == len(store.paths(folder)) - 1
    counted = bundle.training["n_slices_of"]
    assert counted["healthy"] > 0 and counted["others"] > 0
    assert sum(counted.values()) == bundle.training["n_slices"]


def test_every_second_normal_slice_of_each_scan(prepared: Path) -> None:
    learn = Normals(prepared, "train", NormalsSettings())
    wanted = [normal.scan.image[normal.is_normal][::2] for normal in learn]
    np.testing.assert_array_equal(stack(learn, every=2), np.concatenate(wanted))


def test_further_stores_are_learnt_from_but_set_no_threshold(
    prepared: Path, tmp_path: Path
) -> None:
    alone = train_model(prepared, tmp_path / "alone", TrainRequest(model="intensity"))
    both = train_model(
        prepared, tmp_path / "both", TrainRequest(model="intensity"), also=[prepared]
    )
    assert both.thresholds == alone.thresholds
    one = TrainRequest(model="sAE3", training=TrainSettings(epochs=1))
    more = train_model(prepared, tmp_path / "more", one, also=[prepared])
    n_slices = len(stack(Normals(prepared, "train", NormalsSettings())))
    assert more.training["n_slices"] == 2 * n_slices


def test_a_further_store_may_hold_one_subject(prepared: Path, tmp_path: Path) -> None:
    scan = store.load(store.paths(prepared)[0])
    store.save(tmp_path / "single", scan)
    shutil.copy(prepared / "prepare.json", tmp_path / "single")
    request = TrainRequest(model="sAE3", training=TrainSettings(epochs=1))
    alone = train_model(prepared, tmp_path / "alone", request)
    both = train_model(prepared, tmp_path / "both", request, also=[tmp_path / "single"])
    assert both.training["n_slices"] == alone.training["n_slices"] + len(scan.image)


def test_subjects_that_set_thresholds_and_are_learnt_from_are_named(
    prepared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    held_back = split_of(prepared, NormalsSettings()).val
    request = TrainRequest(model="intensity")
    train_model(prepared, tmp_path / "both", request, also=[prepared])
    said = " ".join(caplog.messages)
    assert all(f"sub-{subject}" in said for subject in held_back)
    caplog.clear()
    others = [p for p in store.paths(prepared) if store.subject_of(p) not in held_back]
    store.save(tmp_path / "single", store.load(others[0]))
    shutil.copy(prepared / "prepare.json", tmp_path / "single")
    train_model(prepared, tmp_path / "other", request, also=[tmp_path / "single"])
    assert "same people" not in " ".join(caplog.messages)


@pytest.mark.parametrize(
    ("key", "value", "way_out"),
    [
        ("matrix", 128, "--matrix 64"),
        ("space", "sri24", "--space mni152"),
        ("suffix", "T1w", "expected FLAIR scans"),
    ],
)
def test_a_further_store_of_other_pixels_atlas_or_contrast_is_refused(
    prepared: Path, tmp_path: Path, key: str, value: object, way_out: str
) -> None:
    other = tmp_path / "other"
    shutil.copytree(prepared, other)
    how = json.loads((other / "prepare.json").read_text(encoding="utf-8"))
    (other / "prepare.json").write_text(json.dumps({**how, key: value}), encoding="utf-8")
    with pytest.raises(UsageError, match=way_out):
        train_model(prepared, tmp_path / "model", REQUEST, also=[other])
    assert not (tmp_path / "model").exists()


def test_the_same_seed_gives_the_same_model(prepared: Path, tmp_path: Path) -> None:
    first, second = (train_model(prepared, tmp_path / name, REQUEST) for name in "ab")
    assert first.thresholds == second.thresholds
    assert (tmp_path / "a" / bundles.WEIGHTS).read_bytes() == (
        tmp_path / "b" / bundles.WEIGHTS
    ).read_bytes()


def test_a_finished_model_is_read_and_another_one_refused(prepared: Path, model: Path) -> None:
    assert train_model(prepared, model, TrainRequest(model="intensity")).name == "intensity"
    with pytest.raises(UsageError, match="--overwrite"):
        train_model(prepared, model, REQUEST)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_method_can_be_trained_and_calibrated(
    name: str, prepared: Path, tmp_path: Path
) -> None:
    settings = {"search_steps": 2} if name == "AnoGAN" else {}
    request = TrainRequest(
        model=name, training=TrainSettings(epochs=1), settings=settings, calibration_slices=8
    )
    bundle = train_model(prepared, tmp_path / name, request)
    finite = {p: t for p, t in bundle.thresholds.items() if not p.startswith("conformal")}
    assert np.isfinite(list(finite.values())).all()
    assert finite["fpr-1e-2"] <= finite["fpr-1e-3"] <= finite["fpr-1e-4"]


def test_an_atlas_without_white_matter_leaves_the_place_out(
    prepared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nib.save(nib.Nifti1Image(np.pad(np.ones((40, 40, 40)), 20), np.eye(4)), tmp_path / "own.nii")
    other = restated(prepared, tmp_path / "other", space=str(tmp_path / "own.nii"))
    request = TrainRequest(model="intensity", scoring={"outside_white_matter": 0.5})
    bundle = train_model(other, tmp_path / "model", request)
    assert bundle.scoring["outside_white_matter"] == 1
    assert "no map of white matter" in caplog.text


def test_where_an_atlas_has_its_origin_does_not_matter(prepared: Path, tmp_path: Path) -> None:
    known, moved = load_atlas(MNI152), np.eye(4)
    moved[:3, 3] = (-119.0, 60.0, 67.0)
    atlas = tmp_path / "moved.nii.gz"
    nib.save(nib.Nifti1Image(known.image, moved @ known.affine), atlas)
    other = restated(prepared, tmp_path / "other", space=str(atlas))
    for path in store.paths(other):
        scan = store.load(path)
        place = moved @ scan.geometry.index_to_atlas
        store.save(other, replace(scan, geometry=replace(scan.geometry, index_to_atlas=place)))
    models = [
        train_model(folder, tmp_path / f"model{n}", TrainRequest(model="local-contrast"))
        for n, folder in enumerate((prepared, other))
    ]
    assert models[0].scoring["location"]
    assert models[1].thresholds == pytest.approx(models[0].thresholds, rel=1e-4)
    scores = [
        apply(model, store.load(store.paths(folder)[0]), rebuilder(model.method)).score
        for model, folder in zip(models, (prepared, other), strict=True)
    ]
    np.testing.assert_allclose(scores[1], scores[0], rtol=1e-3, atol=1e-3)


def test_outputs_lie_on_the_scans_own_grid(cohort: Path, model: Path, tmp_path: Path) -> None:
    run = segment_scans(cohort, tmp_path, bundles.load(model), COARSE, subjects=["patient001"])
    assert run.names("done") == ["sub-patient001_FLAIR"]
    scan = nib.load(next(cohort.glob("sub-patient001/anat/*FLAIR.nii.gz")))
    written = sorted(tmp_path.rglob("*.nii.gz"))
    assert len(written) == 5
    for path in written:
        image = nib.load(path)
        assert image.shape == scan.shape
        assert image.affine.tobytes() == scan.affine.tobytes()
        assert json.loads(path.with_suffix("").with_suffix(".json").read_text())["Model"]


def test_map_mask_and_table_agree(cohort: Path, model: Path, tmp_path: Path) -> None:
    bundle = bundles.load(model)
    segment_scans(cohort, tmp_path, bundle, COARSE, subjects=["patient001"])
    anat = tmp_path / "sub-patient001" / "anat"
    anomaly, mask, brain, labels = (
        nib.load(anat / f"sub-patient001_space-orig_{kind}.nii.gz").get_fdata()
        for kind in ("desc-anomaly_FLAIR", "label-L_mask", "desc-brain_mask", "desc-lesions_dseg")
    )
    assert not anomaly[brain == 0].any()
    assert (anomaly[mask > 0] > bundle.thresholds[bundle.operating_point]).all()
    rows = (anat / "sub-patient001_desc-lesions.tsv").read_text().splitlines()[1:]
    listed_ml = [float(row.split("\t")[1]) for row in rows]
    voxel_ml = abs(np.linalg.det(nib.load(anat / mask_name(anat)).affine[:3, :3])) / 1000
    assert sum(listed_ml) == pytest.approx(mask.sum() * voxel_ml, rel=1e-3)
    assert ((labels > 0) == (mask > 0)).all()
    by_number = [(labels == number).sum() * voxel_ml for number in range(1, len(rows) + 1)]
    assert by_number == pytest.approx(listed_ml, abs=1e-4)


def mask_name(anat: Path) -> str:
    return next(anat.glob("*label-L_mask.nii.gz")).name


def test_second_segmentation_finds_outputs_present(
    cohort: Path, model: Path, tmp_path: Path
) -> None:
    bundle = bundles.load(model)
    for expected in ("done", "present"):
        run = segment_scans(cohort, tmp_path, bundle, COARSE, subjects=["healthy001"])
        assert run.names(expected) == ["sub-healthy001_FLAIR"]


def test_a_threshold_that_segments_nothing_is_refused(
    cohort: Path, model: Path, tmp_path: Path
) -> None:
    bundle = bundles.load(model)
    assert np.isinf(bundle.thresholds["conformal-1e-2"])
    with pytest.raises(UsageError, match="too few normal scans"):
        segment_scans(cohort, tmp_path, bundle, COARSE, operating_point="conformal-1e-2")
    assert not any(tmp_path.iterdir())


def test_an_unknown_operating_point_is_refused(cohort: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fpr-1e-3"):
        segment_scans(
            cohort,
            tmp_path,
            bundles.load(model),
            PrepareSettings(strip="none"),
            operating_point="best",
        )
