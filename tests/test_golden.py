"""Golden run: phantoms, preparation, training, segmentation and evaluation give what they gave.

`make golden` writes the stored figures anew; what changes there changes for users.
"""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless import store
from lesionless.data.participants import read_participants
from lesionless.data.phantom import PhantomSettings, write_cohort
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.models.bundle import Bundle, load
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.stages.evaluate import evaluate_folder
from lesionless.stages.prepare import prepare
from lesionless.stages.request import TrainRequest
from lesionless.stages.segment import segment_scans
from lesionless.stages.train import train_model
from lesionless.training.loop import TrainSettings

GOLDEN = Path(__file__).with_suffix(".json")
HOW = PrepareSettings(strip="none", n4=False, curvature_iterations=0, matrix=64, threads=1)
TRAINING = TrainSettings(epochs=2, batch_size=4, seed=0, precision="fp32")
QUANTILES = (0.5, 0.9, 0.99, 0.999)
METRICS = {"auprc", "dice", "segmentation_ml", "lesion_ml"}
RELATIVE = 2e-3  # processors round differently, and training adds that up

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_seeded_run_gives_the_stored_figures(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    figures = run(tmp_path)
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    assert figures == pytest.approx(json.loads(GOLDEN.read_text("utf-8")), rel=RELATIVE, abs=1e-6)


def run(folder: Path) -> dict[str, float]:
    """Return the figures of every stage by name."""
    cohort, prepared = folder / "cohort", folder / "prepared"
    phantoms = PhantomSettings(anatomy_mm=4)
    write_cohort(cohort, healthy=4, patients=1, seed=11, thickness_mm=8.0, settings=phantoms)
    assert not prepare(cohort, prepared, HOW, jobs=1).failed
    people = read_participants(cohort)
    (patient,) = [label for label, who in people.items() if who.group == "patient"]
    (image,) = (cohort / f"sub-{patient}").rglob("*_FLAIR.nii.gz")
    figures = _of_voxels("phantom", nib.load(image).get_fdata())
    scans = list(store.scans(prepared))
    figures |= _of_voxels("prepared", np.concatenate([scan.image[scan.brain] for scan in scans]))
    trained = train_model(prepared, folder / "model", TrainRequest("sVAE", training=TRAINING))
    figures |= {f"sVAE {name}": loss for name, loss in trained.training["last_losses"].items()}
    for bundle in (trained, load("restoration")):
        figures |= _segmented(bundle, cohort, patient, folder / bundle.name)
    return {name: figure for name, figure in figures.items() if not name.endswith("seconds")}


def _segmented(bundle: Bundle, cohort: Path, patient: str, folder: Path) -> dict[str, float]:
    """Return what a model finds in the patient, and how it is judged."""
    segment_scans(cohort, folder, bundle, HOW, operating_point="fpr-1e-2", subjects=[patient])
    maps = [path for path in folder.rglob("*.nii.gz") if "desc-anomaly" in path.name]
    (score,) = [nib.load(path).get_fdata() for path in maps]
    truth = cohort / "derivatives" / "lesion"
    judged = evaluate_folder(folder, folder / "judged", truth, EvaluationSettings())
    figures = _of_voxels(bundle.name, score[score > 0])
    for row in judged.results.rows:
        figures |= {
            f"{bundle.name} {metric}": row.values[metric] for metric in METRICS & row.values.keys()
        }
    return figures


def _of_voxels(what: str, voxels: np.ndarray) -> dict[str, float]:
    quantiles = np.quantile(voxels, QUANTILES)
    found = {f"{what} {share:g} quantile": q for share, q in zip(QUANTILES, quantiles, strict=True)}
    return {
        name: float(figure) for name, figure in ({f"{what} mean": voxels.mean()} | found).items()
    }
