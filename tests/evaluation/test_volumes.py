from dataclasses import replace

import numpy as np
import pytest

from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.volumes import scan_volumes


def test_training_runs_of_a_scan_are_no_further_scans(make_case, settings):
    cases = [
        make_case(f"{subject:02}", seed=10 * run + subject, lesion=make_case(seed=subject).lesion)
        for run in range(3)
        for subject in range(4)
    ]
    runs = [replace(case, seed=at // 4) for at, case in enumerate(cases)]
    results = evaluate(runs, settings)
    found = results.agreements["sAE3", "all", "low"]
    differences = np.zeros(4)
    for at, case in enumerate(cases):
        wrong = case.segmentations["low"].sum() - (case.lesion & case.brain).sum()
        differences[at % 4] += wrong * case.voxel_ml / 3
    assert found.n == 4
    assert found.bias_ml == pytest.approx(differences.mean())
    assert found.sd_ml == pytest.approx(differences.std(ddof=1))


def test_scans_without_a_reference_and_tissues_have_no_volumes_to_compare(make_case, settings):
    cases = [make_case("01"), make_case("02", lesion=None), make_case("03", n_lesions=0)]
    volumes = scan_volumes(evaluate(cases, settings).rows)
    assert set(volumes) == {("sAE3", r, p) for r in ("all", "mid") for p in ("low", "high")}
    assert volumes["sAE3", "all", "low"].shape == (2, 2)
    assert volumes["sAE3", "all", "low"][1, 1] == 0
