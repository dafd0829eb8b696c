"""A folder never mixes models, preparations or cohorts; a same run goes on."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.data.derivatives import read_tsv
from lesionless.errors import ScanError, UsageError
from lesionless.evaluation.matching import own_maps
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.models.bundle import Bundle, load
from lesionless.provenance import RunManifest
from lesionless.stages.evaluate import evaluate_folder
from lesionless.stages.group import write_group
from lesionless.stages.lesion_table import COLUMNS
from lesionless.stages.resume import model_record
from lesionless.stages.segment import segment_scans

from .conftest import COARSE

NAME = "sub-patient001_FLAIR"
STEM = "sub-patient001/anat/sub-patient001"
MAP = f"{STEM}_space-orig_desc-anomaly_FLAIR"


@pytest.fixture(scope="module")
def intensity() -> Bundle:
    bundle = load("intensity")
    low = {**bundle.thresholds, "p98": 0.8, "fpr-1e-2": 0.9, "fpr-1e-3": 1.0}  # all mark something
    prepare = {**bundle.prepare, "n4": False, "matrix": 64}
    return replace(bundle, prepare=prepare, thresholds=low)


@pytest.fixture(scope="module")
def tree(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    shutil.copytree(cohort / "sub-patient001", folder / "sub-patient001")
    return folder


@pytest.fixture(scope="module")
def segmented(tree: Path, intensity: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("segmented")
    assert segment_scans(tree, folder, intensity, COARSE).names("done") == [NAME]
    return folder


@pytest.fixture
def out(segmented: Path, tmp_path: Path) -> Path:
    """Return a folder to spoil."""
    return shutil.copytree(segmented, tmp_path / "out")


def contents(out: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def failure(run: RunManifest) -> str:
    assert run.failed == [NAME]
    return run.message(NAME)


def test_the_same_model_and_scans_are_present(tree: Path, intensity: Bundle, out: Path) -> None:
    how = replace(COARSE, threads=2, device="cuda")
    assert segment_scans(tree, out, intensity, how).names("present") == [NAME]
    moved = shutil.copytree(tree, out.parent / "moved")
    assert segment_scans(moved, out, intensity, COARSE).names("present") == [NAME]


def test_another_model_is_refused_before_anything_is_written(
    tree: Path, intensity: Bundle, out: Path
) -> None:
    before = contents(out)
    with pytest.raises(UsageError, match=r'Model "other".*"intensity".*--overwrite'):
        segment_scans(tree, out, replace(intensity, name="other"), COARSE)
    assert contents(out) == before


def masks_and_tables(out: Path) -> dict[str, bytes]:
    """Return all that does not tell when it was made, by its name."""
    files = [path for kind in ("*.nii.gz", "*.tsv", "*.txt") for path in out.rglob(kind)]
    return {path.name: path.read_bytes() for path in files}


@pytest.fixture
def no_model_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for step in ("prepare_task", "map_prepared"):
        monkeypatch.setattr(f"lesionless.stages.segment.{step}", None)


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def segment_at(tree: Path, out: Path, bundle: Bundle, point: str) -> RunManifest:
    return segment_scans(tree, out, bundle, COARSE, operating_point=point)


def test_at_another_operating_point_masks_are_cut_anew(
    tree: Path, intensity: Bundle, out: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    segment_at(tree, tmp_path / "fresh", intensity, "p98")
    expected = masks_and_tables(tmp_path / "fresh")
    assert masks_and_tables(out) != expected
    request.getfixturevalue("no_model_runs")
    assert segment_at(tree, out, intensity, "p98").names("done") == [NAME]
    assert masks_and_tables(out) == expected
    for sidecar in out.rglob("*orig*.json"):
        about = json.loads(sidecar.read_text())
        assert about["OperatingPoint"] == "p98"
        assert about["Threshold"] == pytest.approx(intensity.thresholds["p98"])
    page = (out / "sub-patient001.html").read_text(encoding="utf-8")
    assert "98th percentile" in page and f"{intensity.thresholds['p98']:.2f}" in page
    assert segment_at(tree, out, intensity, "p98").names("present") == [NAME]


@pytest.mark.parametrize("asked", ["p98", "fpr-1e-2"])
@pytest.mark.parametrize("last", ["write_volume", "write_lesions", "write_text_whole"])
def test_a_cut_that_was_stopped_is_made_whole(
    tree: Path,
    intensity: Bundle,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    no_model_runs: None,
    last: str,
    asked: str,
) -> None:
    segment_at(tree, out, intensity, "fpr-1e-2")
    before = masks_and_tables(out)
    with monkeypatch.context() as stopped, pytest.raises(KeyboardInterrupt):
        stopped.setattr(f"lesionless.stages.outputs.{last}", stop)
        segment_at(tree, out, intensity, "p98")
    assert segment_at(tree, out, intensity, asked).names("done") == [NAME]
    assert (masks_and_tables(out) == before) == (asked == "fpr-1e-2")
    assert segment_at(tree, out, intensity, asked).names("present") == [NAME]


def test_a_half_cut_mask_is_neither_listed_nor_judged(
    tree: Path, intensity: Bundle, out: Path, cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lesionless.stages.outputs.write_text_whole", stop)
    with pytest.raises(KeyboardInterrupt):
        segment_at(tree, out, intensity, "p98")
    group = write_group(out)
    assert "amid cutting" in group.failed[NAME.removesuffix("_FLAIR")]
    with pytest.raises(ScanError, match="amid cutting"):
        evaluate_folder(out, out / "table", cohort, EvaluationSettings())


def test_results_of_masks_that_were_cut_anew_are_others(
    tree: Path, intensity: Bundle, out: Path, cohort: Path
) -> None:
    table = out / "table"
    evaluate_folder(out, table, cohort, EvaluationSettings())
    (table / "tables").mkdir()
    evaluate_folder(out, table, cohort, EvaluationSettings())
    segment_at(tree, out, intensity, "p98")
    with pytest.raises(UsageError, match="operating_points"):
        evaluate_folder(out, table, cohort, EvaluationSettings())


def test_masks_of_several_operating_points_are_named(
    out: Path, cohort: Path, caplog: pytest.LogCaptureFixture
) -> None:
    anat = out / "sub-healthy001" / "anat"
    anat.mkdir(parents=True)
    for path in (out / STEM).parent.iterdir():
        copy = anat / path.name.replace("patient001", "healthy001")
        copy.write_bytes(path.read_bytes().replace(b'"fpr-1e-3"', b'"p98"'))
    evaluate_folder(out, out / "table", cohort, EvaluationSettings())
    assert "several operating points (fpr-1e-3 1, p98 1)" in caplog.text


def test_outputs_of_earlier_versions_are_not_cut_anew(
    tree: Path, intensity: Bundle, out: Path
) -> None:
    sidecar = out / f"{STEM}_space-orig_desc-brain_mask.json"
    about = json.loads(sidecar.read_text())
    del about["Preparation"]["air"]
    sidecar.write_text(json.dumps(about))
    before = contents(out)
    with pytest.raises(UsageError, match=r"earlier version.*--overwrite"):
        segment_at(tree, out, intensity, "p98")
    assert contents(out) == before
    assert segment_scans(tree, out, intensity, COARSE).names("present") == [NAME]


def test_a_page_of_maps_cut_anew_names_the_version_that_made_them(
    tree: Path, intensity: Bundle, out: Path
) -> None:
    sidecar = out / f"{STEM}_space-orig_desc-brain_mask.json"
    about = json.loads(sidecar.read_text())
    about["Preparation"]["software"]["lesionless"] = "0.0.9"
    sidecar.write_text(json.dumps(about))
    run = segment_at(tree, out, intensity, "p98")
    page = (out / "sub-patient001.html").read_text(encoding="utf-8")
    assert "processed with lesionless 0.0.9" in page
    assert "cut anew" in run.message(NAME)


def test_a_map_that_is_missing_is_named_with_the_way_out(
    tree: Path, intensity: Bundle, out: Path
) -> None:
    (out / f"{STEM}_space-orig_desc-lesionless_FLAIR.nii.gz").unlink()
    message = failure(segment_at(tree, out, intensity, "p98"))
    assert "desc-lesionless" in message and "--overwrite" in message


def test_a_map_of_another_shape_is_not_cut(tree: Path, intensity: Bundle, out: Path) -> None:
    path = out / f"{MAP}.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3), np.float32), np.eye(4)), path)
    assert "expected a map of shape" in failure(segment_at(tree, out, intensity, "p98"))


def test_a_model_that_was_calibrated_or_trained_anew_is_another_one(intensity: Bundle) -> None:
    point = intensity.operating_point
    one = model_record(intensity, point)
    thresholds = {**intensity.thresholds, point: 1.5}
    assert model_record(replace(intensity, thresholds=thresholds), point) != one
    normative = {**intensity.normative, "centre": intensity.normative["centre"] + 1}
    assert model_record(replace(intensity, normative=normative), point) != one
    scoring = {**intensity.scoring, "min_lesion_mm3": 1.0}
    assert model_record(replace(intensity, scoring=scoring), point) != one
    assert model_record(replace(intensity, training={"seconds": 3}), point) == one


def test_weights_tell_models_apart() -> None:
    first, second = load("restoration"), load("restoration")
    point = first.operating_point
    assert model_record(first, point) == model_record(second, point)
    next(iter(second.method.parameters())).data.add_(1)
    assert model_record(first, point) != model_record(second, point)


def test_another_preparation_is_named(tree: Path, intensity: Bundle, out: Path) -> None:
    message = failure(segment_scans(tree, out, intensity, replace(COARSE, slices="mid")))
    assert 'slices "mid"' in message and 'slices "all"' in message and "--overwrite" in message


def test_another_scan_of_the_same_name_is_named(
    cohort: Path, intensity: Bundle, out: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "sub-patient001" / "anat"
    other.mkdir(parents=True)
    scan = next(cohort.glob("sub-healthy001/anat/*_FLAIR.nii.gz"))
    shutil.copy(scan, other / f"{NAME}.nii.gz")
    before = (out / f"{MAP}.nii.gz").read_bytes()
    message = failure(segment_scans(tmp_path / "other", out, intensity, COARSE))
    assert str(other) in message and "found it made with the scan" in message
    assert (out / f"{MAP}.nii.gz").read_bytes() == before


def test_another_brain_mask_is_named(
    cohort: Path, tree: Path, intensity: Bundle, out: Path
) -> None:
    mask = next(cohort.rglob("sub-patient001_desc-brain_mask.nii.gz"))
    message = failure(segment_scans(tree, out, intensity, COARSE, masks=str(mask)))
    assert "found it made with no brain mask" in message


def test_outputs_of_an_earlier_version_are_held_against_what_they_say(
    tree: Path, intensity: Bundle, out: Path
) -> None:
    for path in out.rglob("sub-*/anat/*.json"):
        content = json.loads(path.read_text())
        content.pop("ModelSha256", None)
        content.get("Preparation", {}).pop("sources", None)
        path.write_text(json.dumps(content))
    assert segment_scans(tree, out, intensity, COARSE).names("present") == [NAME]
    with pytest.raises(UsageError, match="Model"):
        segment_scans(tree, out, replace(intensity, name="other"), COARSE)
    mask = out / f"{STEM}_space-orig_label-L_mask.json"
    mask.write_text(json.dumps({**json.loads(mask.read_text()), "Sources": ["sub-1_T1w.nii.gz"]}))
    assert "sub-1_T1w.nii.gz" in failure(segment_scans(tree, out, intensity, COARSE))


@pytest.mark.parametrize("text", [None, "no JSON", "[]"])
def test_a_missing_sidecar_is_named(
    tree: Path, intensity: Bundle, out: Path, text: str | None
) -> None:
    sidecar = out / f"{MAP}.json"
    sidecar.write_text(text) if text else sidecar.unlink()
    assert f"{MAP}.nii.gz: expected a JSON file" in failure(
        segment_scans(tree, out, intensity, COARSE)
    )


@pytest.mark.parametrize(
    "lost", ["*.html", "*desc-lesions.tsv", "*label-L_mask.nii.gz", "*_dseg.nii.gz"]
)
def test_what_is_lost_and_can_be_cut_from_maps_is_made_again(
    tree: Path, intensity: Bundle, out: Path, no_model_runs: None, lost: str
) -> None:
    (path,) = out.rglob(lost)
    path.unlink()
    assert segment_scans(tree, out, intensity, COARSE).names("done") == [NAME]
    assert path.exists()
    assert segment_scans(tree, out, intensity, COARSE).names("present") == [NAME]


@pytest.mark.parametrize("lost", ["*desc-lesionless*.nii.gz", "*desc-brain*.nii.gz", "*_xfm.txt"])
def test_what_is_lost_and_needs_the_model_is_named(
    tree: Path, intensity: Bundle, out: Path, lost: str
) -> None:
    (path,) = out.rglob(lost)
    path.unlink()
    said = failure(segment_scans(tree, out, intensity, COARSE))
    assert path.name in said and "--overwrite" in said


def test_what_an_earlier_version_wrote_too_little_for_is_not_made_again(
    tree: Path, intensity: Bundle, out: Path
) -> None:
    (labels,) = out.rglob("*_dseg.nii.gz")
    labels.unlink()
    (brain,) = out.rglob("*desc-brain_mask.json")
    said = json.loads(brain.read_text())
    del said["Preparation"]["air"]
    brain.write_text(json.dumps(said))
    with pytest.raises(UsageError, match=r"earlier version.*--overwrite"):
        segment_scans(tree, out, intensity, COARSE)


def test_a_scan_that_cannot_be_made_anew_keeps_no_old_map(
    tree: Path, intensity: Bundle, out: Path
) -> None:
    broken = shutil.copytree(tree, out.parent / "broken")
    (scan,) = broken.rglob("*.nii.gz")
    scan.write_bytes(scan.read_bytes()[:1000])
    run = segment_scans(broken, out, intensity, COARSE, overwrite=True)
    assert "expected complete voxel data" in failure(run)
    assert not own_maps(out)
    assert not [*out.glob("*.html"), *out.rglob("*desc-lesions.tsv")]


def test_a_run_that_stops_amid_overwriting_leaves_no_old_map(
    tree: Path, intensity: Bundle, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lesionless.stages.outputs.write_lesions", stop)
    with pytest.raises(KeyboardInterrupt):
        segment_scans(tree, out, intensity, COARSE, overwrite=True)
    assert not (out / f"{MAP}.nii.gz").exists()


def test_labels_have_the_numbers_of_the_table(segmented: Path) -> None:
    image = nib.load(segmented / f"{STEM}_space-orig_desc-lesions_dseg.nii.gz")
    voxel_ml = abs(np.linalg.det(image.affine[:3, :3])) / 1000
    rows = read_tsv(segmented / f"{STEM}_desc-lesions.tsv")
    voxels = np.bincount(np.asarray(image.dataobj).ravel())[1:]
    assert len(rows) > 1
    assert (voxels * voxel_ml).tolist() == pytest.approx(
        [float(row["volume_ml"]) for row in rows], abs=1e-4
    )


def test_every_file_of_a_scan_has_a_sidecar(segmented: Path) -> None:
    files = [p for p in (segmented / STEM).parent.iterdir() if p.suffix != ".json"]
    assert len(files) == 7
    for path in files:
        sidecar = path.with_name(path.name.removesuffix(".gz")).with_suffix(".json")
        assert json.loads(sidecar.read_text())
    explained = json.loads((segmented / f"{STEM}_desc-lesions.json").read_text())
    header = (segmented / f"{STEM}_desc-lesions.tsv").read_text().splitlines()[0]
    assert tuple(explained) == tuple(COLUMNS) == tuple(header.split("\t"))


def test_two_contrasts_of_a_session_keep_to_themselves(
    tree: Path, intensity: Bundle, out: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    both = shutil.copytree(tree, tmp_path / "both")
    flair = next(both.rglob("*_FLAIR.nii.gz"))
    scan = nib.load(flair)
    darker = np.asarray(scan.dataobj) * np.float32(0.7)
    nib.save(nib.Nifti1Image(darker, scan.affine), str(flair).replace("_FLAIR", "_T1w"))
    before = contents(out / "sub-patient001")
    run = segment_scans(both, out, replace(intensity, name="t1", suffix="T1w"), COARSE)
    assert run.names("done") == ["sub-patient001_T1w"]
    assert "may mean nothing" not in caplog.text
    assert before.items() <= contents(out / "sub-patient001").items()
    assert segment_scans(both, out, intensity, COARSE).names("present") == [NAME]
    assert len(own_maps(out)) == 2
    rows = read_tsv(write_group(out).table)
    assert {row["scan"] for row in rows} == {"sub-patient001", "sub-patient001_mod-T1w"}
    run = segment_scans(both, tmp_path / "t1", intensity, COARSE, suffix="T1w")
    doubt = "has learnt from FLAIR scans: what it finds in T1w may mean nothing"
    assert doubt in caplog.text and doubt in run.message("sub-patient001_T1w")
    (page,) = (tmp_path / "t1").glob("*.html")
    assert doubt in page.read_text(encoding="utf-8")
