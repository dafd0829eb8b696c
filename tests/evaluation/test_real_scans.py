"""The figures of real scans against scikit-learn, SimpleITK and scipy."""

import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.distance import directed_hausdorff
from sklearn.metrics import average_precision_score, roc_auc_score

from lesionless.evaluation.case import Case
from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.evaluation.surface import hausdorff, surface_distances, surface_mm

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif("LESIONLESS_DATA" not in os.environ, reason="LESIONLESS_DATA is not set"),
]


def intensity_case(truth):
    """The plain intensity of a FLAIR as score, inside whatever is not dark."""
    root = truth.parents[4]
    (scan,) = (root / truth.parent.relative_to(truth.parents[2])).glob("*_FLAIR.nii.gz")
    image = nib.load(scan)
    score = image.get_fdata(dtype=np.float32)
    brain = score > np.median(score[score > 0]) / 2
    return Case(
        subject=truth.parents[1].name.removeprefix("sub-"),
        name=truth.name,
        method="intensity",
        score=score,
        brain=brain,
        lesion=np.asarray(nib.load(truth).dataobj) > 0,
        segmentations={"bright": brain & (score > np.percentile(score[brain], 99))},
        spacing_mm=tuple(float(side) for side in image.header.get_zooms()[:3]),
    )


@pytest.fixture(scope="module")
def cases():
    folder = Path(os.environ["LESIONLESS_DATA"]) / "ms-tabriz"
    truths = sorted(folder.glob("derivatives/lesion/sub-*/anat/*_label-lesion_mask.nii.gz"))
    return [intensity_case(truth) for truth in truths[:3]]


@pytest.fixture(scope="module")
def results(cases):
    return evaluate(cases, EvaluationSettings(froc_points=0, bootstrap_draws=50))


def found(results, case, metric):
    (value,) = [
        row.values[metric] for row in results.rows if row.name == case.name and metric in row.values
    ]
    return value


def test_auprc_and_auroc_agree_with_scikit_learn(cases, results):
    for case in cases:
        lesion, score = case.lesion[case.brain], case.score[case.brain]
        assert found(results, case, "auprc") == pytest.approx(
            average_precision_score(lesion, score), abs=1e-4
        )
        assert found(results, case, "auroc") == pytest.approx(
            roc_auc_score(lesion, score), abs=1e-4
        )
    lesion = np.concatenate([case.lesion[case.brain] for case in cases])
    score = np.concatenate([case.score[case.brain] for case in cases])
    pooled = results.find("intensity", "auprc", region="all", operating_point="any", scope="pooled")
    assert pooled.value == pytest.approx(average_precision_score(lesion, score), abs=1e-4)


def test_dice_and_lesions_agree_with_simpleitk(cases, results):
    for case in cases:
        segmentation, lesion = (
            sitk.GetImageFromArray((mask & case.brain).astype(np.uint8))
            for mask in (case.segmentations["bright"], case.lesion)
        )
        measure = sitk.LabelOverlapMeasuresImageFilter()
        measure.Execute(segmentation, lesion)
        assert found(results, case, "dice") == pytest.approx(measure.GetDiceCoefficient())
        shapes = sitk.LabelShapeStatisticsImageFilter()
        shapes.Execute(sitk.ConnectedComponent(lesion, True))
        voxel_mm3 = case.voxel_ml * 1000
        counted = [
            label
            for label in shapes.GetLabels()
            if shapes.GetNumberOfPixels(label) * voxel_mm3 >= 3
        ]
        detected = found(results, case, "lesion_sensitivity") * len(counted)
        assert detected == pytest.approx(round(detected))


def test_surface_distances_agree_with_scipy(cases):
    case = cases[0]
    segmentation, lesion = case.segmentations["bright"] & case.brain, case.lesion & case.brain
    distances = surface_distances(segmentation, lesion, spacing_mm=case.spacing_mm, tolerance_mm=1)
    points = [surface_mm(mask, case.spacing_mm) for mask in (segmentation, lesion)]
    expected = max(directed_hausdorff(*points)[0], directed_hausdorff(*points[::-1])[0])
    assert hausdorff(distances, percentile=100) == pytest.approx(expected)
