"""Maps on disk are judged inside the brain, and one that cannot be judged stops no other."""

import json
import logging
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from lesionless.errors import ScanError, UsageError
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.report.evaluation_figures import write_figures
from lesionless.stages.cases import shown_points
from lesionless.stages.evaluate import Evaluated, evaluate_folder
from lesionless.stages.report import write_tables

SHAPE = (24, 20, 12)
PATTERN = "{subject}_prob.nii.gz"
SETTINGS = EvaluationSettings(froc_points=4, bootstrap_draws=20, permutation_draws=20)


def save(path: Path, voxels: np.ndarray, spacing_mm: float = 2.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(voxels, np.diag([*[spacing_mm] * 3, 1])), path)


def box(*ranges: slice) -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask[ranges] = 1
    return mask


BRAIN = box(slice(2, 22), slice(2, 18), slice(1, 11))
FOUND = box(slice(4, 7), slice(4, 7), slice(3, 6))
MISSED = box(slice(14, 17), slice(4, 7), slice(3, 6))
LESION = FOUND | MISSED


def truth_of(folder: Path, subject: str, voxels: np.ndarray = LESION, **options: Any) -> None:
    save(folder / "truth" / f"sub-{subject}_label-lesion_mask.nii.gz", voxels, **options)


def map_of(folder: Path, subject: str, voxels: np.ndarray, **options: Any) -> None:
    save(folder / "maps" / f"{subject}_prob.nii.gz", voxels.astype(np.float32), **options)


def judged(folder: Path, **options: Any) -> Evaluated:
    return evaluate_folder(
        folder / "maps",
        folder / "out",
        folder / "truth",
        SETTINGS,
        **{"pattern": PATTERN, **options},
    )


def auprc_of(evaluated: Evaluated, subject: str = "1") -> float:
    (row,) = (row for row in evaluated.results.rows if row.subject == subject)
    return row.values["auprc"]


def test_a_lesion_that_a_tool_misses_does_not_vanish(tmp_path: Path) -> None:
    truth_of(tmp_path, "1")
    score = 0.9 * FOUND
    map_of(tmp_path, "1", score)
    expected = average_precision_score(LESION.ravel(), score.ravel())
    assert expected < 0.51
    assert auprc_of(judged(tmp_path)) == pytest.approx(expected, abs=1e-4)


def test_binary_masks_of_another_tool_have_a_dice(tmp_path: Path) -> None:
    truth_of(tmp_path, "1")
    map_of(tmp_path, "1", FOUND)
    (row,) = [row for row in judged(tmp_path, threshold=0.0).results.rows if "dice" in row.values]
    assert row.operating_point == "own"
    assert row.values["dice"] == pytest.approx(2 / 3)
    assert row.values["lesion_sensitivity"] == pytest.approx(1 / 2)


def test_results_of_which_there_is_a_report_do_not_become_others(tmp_path: Path) -> None:
    truth_of(tmp_path, "1")
    map_of(tmp_path, "1", 0.9 * FOUND)
    first = judged(tmp_path)
    write_tables(first.results, tmp_path / "out" / "tables")
    before = (tmp_path / "out" / "subjects.csv").read_bytes()
    with pytest.raises(UsageError, match=r"threshold = 0.5, found one with None"):
        judged(tmp_path, threshold=0.5)
    assert (tmp_path / "out" / "subjects.csv").read_bytes() == before
    assert auprc_of(judged(tmp_path)) == auprc_of(first)


def test_a_brain_mask_of_the_user_says_where_a_map_is_judged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    truth_of(tmp_path, "1")
    score = 0.9 * FOUND + 0.95 * (1 - BRAIN)
    map_of(tmp_path, "1", score)
    save(tmp_path / "brains" / "sub-1_ses-x_brain.nii.gz", BRAIN)
    inside = BRAIN > 0
    expected = average_precision_score(LESION[inside], score[inside])
    evaluated = judged(tmp_path, masks=str(tmp_path / "brains" / "sub-{subject}_*_brain.nii.gz"))
    assert auprc_of(evaluated) == pytest.approx(expected, abs=1e-4)
    assert "No brain mask" not in caplog.text
    beside = "../brains/sub-{subject}_*_brain.nii.gz"
    assert auprc_of(judged(tmp_path, masks=beside)) == auprc_of(evaluated)
    with pytest.raises(UsageError, match="one brain mask"):
        judged(tmp_path, masks="{subject}_brain.nii.gz")


def test_a_map_without_a_brain_mask_is_judged_everywhere_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for subject in "12":
        truth_of(tmp_path, subject)
        map_of(tmp_path, subject, 0.9 * FOUND)
    (row, _) = judged(tmp_path).results.rows
    assert row.values["prevalence"] == pytest.approx(LESION.sum() / LESION.size)
    said = [message for message in caplog.messages if "No brain mask" in message]
    assert len(said) == 1 and "2 of 2 maps (sub-1, sub-2)" in said[0]


def own_map_of(folder: Path, subject: str, score: np.ndarray) -> Path:
    stem = folder / "maps" / f"sub-{subject}_space-orig"
    save(Path(f"{stem}_desc-anomaly_FLAIR.nii.gz"), score.astype(np.float32))
    save(Path(f"{stem}_desc-brain_mask.nii.gz"), BRAIN)
    return Path(f"{stem}_desc-brain_mask.json")


def test_our_own_map_is_judged_in_the_brain_mask_beside_it(tmp_path: Path) -> None:
    truth_of(tmp_path, "1")
    sidecar = own_map_of(tmp_path, "1", 0.9 * FOUND)
    inside = BRAIN > 0
    expected = average_precision_score(LESION[inside], FOUND[inside])
    assert auprc_of(judged(tmp_path, pattern=None)) == pytest.approx(expected, abs=1e-4)
    sidecar.write_text(json.dumps({"Preparation": {"settings": {"slices": "all"}}}))
    assert auprc_of(judged(tmp_path, pattern=None)) == pytest.approx(expected, abs=1e-4)
    masks = str(tmp_path / "{name}_brain.nii.gz")
    save(tmp_path / "sub-1_FLAIR_brain.nii.gz", np.ones_like(BRAIN))
    (row,) = judged(tmp_path, pattern=None, masks=masks).results.rows
    assert row.values["prevalence"] == pytest.approx(LESION.sum() / LESION.size)


def test_our_own_maps_without_a_reference_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    truth_of(tmp_path, "1")
    for subject in "12":
        own_map_of(tmp_path, subject, 0.9 * FOUND)
    with caplog.at_level(logging.INFO):
        assert {row.subject for row in judged(tmp_path, pattern=None).results.rows} == {"1"}
    assert "1 maps have no reference and are not judged: sub-2_" in caplog.text


@pytest.mark.parametrize("found_nothing", ["1", "2"])
def test_a_scan_in_which_a_tool_found_nothing_is_judged(tmp_path: Path, found_nothing: str) -> None:
    for subject in "12":
        truth_of(tmp_path, subject)
        map_of(tmp_path, subject, FOUND * (subject != found_nothing))
    evaluated = judged(tmp_path)
    assert not evaluated.failed
    prevalence = LESION.sum() / LESION.size
    assert auprc_of(evaluated, found_nothing) == pytest.approx(prevalence, abs=1e-4)


def broken(path: Path) -> None:
    path.write_text("no scan")


def other_grid(path: Path) -> None:
    save(path, FOUND.astype(np.float32), spacing_mm=1.0)


def other_shape(path: Path) -> None:
    save(path, FOUND[:-1].astype(np.float32))


def not_finite(path: Path) -> None:
    save(path, np.where(FOUND, np.nan, 0).astype(np.float32))


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("maps/1_prob.nii.gz", broken),
        ("maps/1_prob.nii.gz", other_shape),
        ("maps/1_prob.nii.gz", not_finite),
        ("truth/sub-1_label-lesion_mask.nii.gz", broken),
        ("truth/sub-1_label-lesion_mask.nii.gz", other_grid),
    ],
)
def test_a_scan_that_cannot_be_judged_is_named_and_the_others_are_done(
    tmp_path: Path, file: str, damage: Any
) -> None:
    for subject in "12":
        truth_of(tmp_path, subject)
        map_of(tmp_path, subject, 0.9 * FOUND)
    damage(tmp_path / file)
    evaluated = judged(tmp_path)
    assert list(evaluated.failed) == ["sub-1"]
    assert Path(file).name in evaluated.failed["sub-1"]
    assert {row.subject for row in evaluated.results.rows} == {"2"}
    assert (tmp_path / "out" / "results.json").exists()


def test_no_map_that_can_be_judged_is_an_error(tmp_path: Path) -> None:
    truth_of(tmp_path, "1")
    map_of(tmp_path, "1", FOUND, spacing_mm=1.0)
    with pytest.raises(ScanError, match=r"none among 1.*affine"):
        judged(tmp_path)


def test_maps_without_masks_have_tables_and_figures(tmp_path: Path) -> None:
    for subject in "12":
        truth_of(tmp_path, subject)
        map_of(tmp_path, subject, 0.9 * FOUND)
    results = judged(tmp_path, method="other tool").results
    assert results.operating_points == []
    tables = write_tables(results, tmp_path / "tables")
    assert set(tables) >= {"summary_all_any", "tests_all"}
    (row,) = tables["summary_all_any"].rows
    assert row[2].startswith("0.50")
    (point,) = shown_points(results)
    assert all(
        path.exists() for path in write_figures(results, tmp_path, operating_point=point).values()
    )
