"""What `segment` did not look at is not judged as free of lesions."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from lesionless.data.bids import name_of, output_paths
from lesionless.data.derivatives import write_sidecar
from lesionless.data.phantom import PhantomSettings, write_cohort
from lesionless.data.scan import Scan, read_map, read_mask, read_scan, write_volume
from lesionless.data.transforms import write_transform
from lesionless.errors import ScanError
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.models import bundle as bundles
from lesionless.preprocess.pipeline import prepare_scan
from lesionless.preprocess.prepared import to_scan_grid
from lesionless.stages.evaluate import evaluate_folder
from lesionless.stages.request import TrainRequest
from lesionless.stages.seen import seen_part
from lesionless.stages.segment import segment_scans
from lesionless.stages.train import train_model

from .conftest import COARSE

SETTINGS = EvaluationSettings(froc_points=0, bootstrap_draws=20, permutation_draws=20)


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One phantom of thick slices, one that is resampled, and both lying on their side."""
    found = {}
    for name, thickness_mm in (("thick", 8.0), ("thin", 3.0)):
        folder = tmp_path_factory.mktemp(name)
        coarse = PhantomSettings(anatomy_mm=4)
        write_cohort(
            folder, healthy=0, patients=1, seed=5, thickness_mm=thickness_mm, settings=coarse
        )
        found[name] = next(folder.glob("sub-*/anat/*FLAIR.nii.gz"))
        turned = nib.load(found[name]).as_reoriented(np.array([[2, -1], [0, 1], [1, -1]]))
        found[f"{name} turned"] = folder / f"turned_{found[name].name}"
        nib.save(turned, found[f"{name} turned"])
    return found


@pytest.fixture
def outputs(
    scans: dict[str, Path], tmp_path: Path
) -> Callable[[str, str], tuple[Scan, np.ndarray]]:
    """Write what `segment` writes beside a map; return the map, and what was seen."""

    def write(kind: str, slices: str) -> tuple[Scan, np.ndarray]:
        scan = read_scan(scans[kind])
        settings = replace(COARSE, slices=slices)
        prepared = prepare_scan(scan, settings, subject="1", name="sub-1_FLAIR")
        paths = output_paths(
            tmp_path, name_of(Path("sub-1_FLAIR.nii.gz")), atlas=prepared.geometry.atlas
        )
        write_volume(paths.anomaly, np.zeros_like(scan.image), scan)
        write_volume(paths.brain, prepared.scan_brain, scan)
        write_sidecar(paths.brain, {"Preparation": dict(prepared.record)})
        write_transform(paths.transform, prepared.geometry.scan_to_atlas)
        slab = to_scan_grid(np.ones_like(prepared.brain), prepared.geometry, order=0) > 0
        return read_map(paths.anomaly), slab & prepared.scan_brain

    return write


@pytest.mark.parametrize(
    ("kind", "slices"),
    [("thick", "mid"), ("thick turned", "paper"), ("thin", "paper"), ("thin turned", "mid")],
)
def test_the_slab_is_the_one_that_was_segmented(
    outputs: Callable[[str, str], tuple[Scan, np.ndarray]], kind: str, slices: str
) -> None:
    score_map, expected = outputs(kind, slices)
    brain = _brain(score_map)
    seen = seen_part(score_map, brain) & brain
    np.testing.assert_array_equal(seen, expected)
    assert 0.02 < seen.sum() / brain.sum() < 0.7


def test_all_slices_and_maps_of_other_tools_are_judged_whole(
    outputs: Callable[[str, str], tuple[Scan, np.ndarray]],
) -> None:
    score_map, _ = outputs("thick", "all")
    brain = _brain(score_map)
    assert seen_part(score_map, brain).all()
    _transform(score_map).unlink()
    assert seen_part(score_map, brain).all()
    other = replace(score_map, path=score_map.path.with_name("1_prob.nii.gz"))
    assert seen_part(other, brain).all()


def test_a_slab_that_cannot_be_found_again_is_refused(
    outputs: Callable[[str, str], tuple[Scan, np.ndarray]],
) -> None:
    score_map, _ = outputs("thick", "mid")
    brain = _brain(score_map)
    _transform(score_map).unlink()
    with pytest.raises(ScanError, match="transform"):
        seen_part(score_map, brain)
    sidecar = _beside(score_map, "*desc-brain_mask.json")
    sidecar.write_text(sidecar.read_text().replace("mni152", "nowhere.nii.gz"))
    with pytest.raises(ScanError, match=r"nowhere\.nii\.gz"):
        seen_part(score_map, brain)
    sidecar.write_text("{")
    with pytest.raises(ScanError, match="how the scan was prepared"):
        seen_part(score_map, brain)


def test_slices_that_were_not_segmented_are_not_judged(
    cohort: Path, prepared: Path, tmp_path: Path
) -> None:
    train_model(prepared, tmp_path / "model", TrainRequest(model="intensity"))
    model = bundles.load(tmp_path / "model")
    mid = replace(COARSE, slices="mid")
    segment_scans(cohort, tmp_path / "maps", model, mid, subjects=["patient001"])
    truth = cohort / "derivatives" / "lesion"
    evaluated = evaluate_folder(tmp_path / "maps", tmp_path / "out", truth, SETTINGS)
    score_map = read_map(next((tmp_path / "maps").rglob("*anomaly*.nii.gz")))
    brain = _brain(score_map)
    lesion = read_mask(next(truth.rglob("sub-patient001*lesion_mask.nii.gz")), score_map)
    axis = int(np.argmax(np.abs(score_map.affine[2, :3])))
    levels = np.any(score_map.image > 0, axis=tuple({0, 1, 2} - {axis}))
    inside = brain & np.expand_dims(levels, tuple({0, 1, 2} - {axis}))
    assert lesion[brain & ~inside].any()
    (row, _) = evaluated.results.rows
    expected = average_precision_score(lesion[inside], score_map.image[inside])
    assert row.values["auprc"] == pytest.approx(expected, abs=1e-4)
    lost_ml = (lesion & ~inside).sum() * np.prod(score_map.spacing_mm) / 1000
    assert row.lost_lesion_ml == pytest.approx(lost_ml)


def _beside(score_map: Scan, pattern: str) -> Path:
    return next(score_map.path.parent.glob(pattern))


def _brain(score_map: Scan) -> np.ndarray:
    return read_mask(_beside(score_map, "*desc-brain_mask.nii.gz"), score_map)


def _transform(score_map: Scan) -> Path:
    return _beside(score_map, "*_xfm.txt")
