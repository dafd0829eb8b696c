import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from lesionless.errors import UsageError
from lesionless.evaluation.box import bounding_box
from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.results import Group, Setting


def cohort(make_case, methods=("sAE3", "intensity"), n=5):
    return [
        make_case(f"{subject:02}", seed=subject, method=method, contrast=3 - at)
        for subject in range(n)
        for at, method in enumerate(methods)
    ]


def value(results, method, metric, *, scope="subject", region="all", point="any"):
    found = results.find(method, metric, region=region, operating_point=point, scope=scope)
    return found.value


def test_means_over_patients_agree_with_scikit_learn(make_case, settings):
    cases = cohort(make_case, methods=("sAE3",))
    results = evaluate(cases, settings)
    auprc, dice = [], []
    for case in cases:
        lesion, score = case.lesion[case.brain], case.score[case.brain]
        auprc.append(average_precision_score(lesion, score))
        dice.append(f1_score(lesion, score > 3))
    assert value(results, "sAE3", "auprc") == pytest.approx(np.mean(auprc), abs=1e-4)
    found = results.find("sAE3", "dice", region="all", operating_point="low", scope="subject")
    assert found.value == pytest.approx(np.mean(dice))
    assert found.sd == pytest.approx(np.std(dice, ddof=1))
    assert found.lower < found.value < found.upper
    assert (found.n, found.n_undefined) == (5, 0)


def test_pooled_values_agree_with_scikit_learn(make_case, settings):
    cases = cohort(make_case, methods=("sAE3",))
    results = evaluate(iter(cases), settings)
    lesion = np.concatenate([case.lesion[case.inside("mid")] for case in cases])
    score = np.concatenate([case.score[case.inside("mid")] for case in cases])
    at = {"scope": "pooled", "region": "mid"}
    expected = average_precision_score(lesion, score)
    assert value(results, "sAE3", "auprc", **at) == pytest.approx(expected, abs=1e-4)
    assert value(results, "sAE3", "prevalence", **at) == pytest.approx(lesion.mean())
    assert value(results, "sAE3", "dice", point="high", **at) == pytest.approx(
        f1_score(lesion, score > 5)
    )


def test_one_row_per_scan_method_region_and_point(make_case, settings):
    results = evaluate(cohort(make_case), settings)
    keys = [(row.name, row.method, row.region, row.operating_point) for row in results.rows]
    assert len(set(keys)) == len(keys)
    # two regions with a threshold-free row and two points each, one tissue with two points
    assert len(keys) == 5 * 2 * (2 * 3 + 2)
    assert results.methods == ["sAE3", "intensity"]
    assert results.operating_points == ["low", "high"]
    assert results.regions == ["all", "mid", "normal"]


def test_the_order_of_the_scans_changes_nothing_but_the_curves_grid(make_case, settings):
    cases = cohort(make_case)
    settings = replace(settings, froc_points=0)
    first, second = (evaluate(order, settings) for order in (cases, cases[::-1]))

    def key(entry):
        return entry.method, entry.region, entry.operating_point, entry.metric, entry.scope

    for one, other in zip(
        sorted(first.summary, key=key), sorted(second.summary, key=key), strict=True
    ):
        assert key(one) == key(other)
        assert one.value == pytest.approx(other.value, nan_ok=True)


def test_the_same_seed_gives_the_same_intervals(make_case, settings):
    first, second = (evaluate(cohort(make_case), settings) for _ in range(2))
    assert repr(first.summary) == repr(second.summary)
    other = evaluate(cohort(make_case), replace(settings, seed=1))
    assert repr(first.summary) != repr(other.summary)


def test_healthy_scans_are_counted_and_never_zero_or_one(make_case, settings):
    cases = cohort(make_case, methods=("sAE3",))
    healthy = make_case("99", seed=99, n_lesions=0)
    results = evaluate([*cases, healthy], settings)
    dice = results.find("sAE3", "dice", region="all", operating_point="low", scope="subject")
    assert (dice.n, dice.n_undefined) == (5, 1)
    without = evaluate(cases, settings)
    assert dice.value == pytest.approx(value(without, "sAE3", "dice", point="low"))
    volume = results.find(
        "sAE3", "healthy_false_positive_ml", region="all", operating_point="low", scope="subject"
    )
    expected = np.count_nonzero(healthy.segmentations["low"]) * healthy.voxel_ml
    assert volume.value == pytest.approx(expected)
    assert (volume.n, volume.n_undefined) == (1, 5)


def test_an_unknown_reference_gives_volumes_only_and_enters_no_mean(make_case, settings):
    cases = cohort(make_case, methods=("sAE3",))
    results = evaluate([*cases, make_case("99", seed=99, lesion=None)], settings)
    rows = [row for row in results.rows if row.subject == "99"]
    assert {row.truth for row in rows} == {"unknown"}
    assert all(set(row.values) == {"segmentation_ml"} for row in rows)
    assert repr(results.summary) == repr(evaluate(cases, settings).summary)


def test_lesions_outside_the_brain_mask_are_not_hidden(make_case, settings):
    case = make_case()
    lesion = case.lesion.copy()
    corner = [side.start for side in bounding_box(case.brain)]
    lesion[corner[0], corner[1], corner[2] : corner[2] + 2] = True
    assert not (lesion & case.brain & ~case.lesion).any()
    rows = evaluate([replace(case, lesion=lesion)], settings).rows
    assert rows[0].lost_lesion_ml == pytest.approx(2 * case.voxel_ml)
    # and change nothing of what is judged
    for row, expected in zip(rows, evaluate([case], settings).rows, strict=True):
        assert repr(row.values) == repr(expected.values)


def test_what_lies_outside_the_brain_changes_nothing(make_case, settings):
    case = make_case()
    noisy = replace(
        case,
        score=np.where(case.brain, case.score, 1e6).astype(np.float32),
        segmentations={name: mask | ~case.brain for name, mask in case.segmentations.items()},
    )
    assert repr(evaluate([case], settings).rows) == repr(evaluate([noisy], settings).rows)


def test_a_tissue_reports_the_rate_of_false_positives_in_it(make_case, settings):
    case = make_case()
    results = evaluate([case], settings)
    rate = value(results, "sAE3", "false_positive_rate", region="normal", point="low")
    normal = case.brain & ~case.lesion
    assert rate == pytest.approx(np.mean(case.score[normal] > 3))


def test_scans_of_one_subject_are_averaged_before_the_subjects(make_case, settings):
    one, two = (make_case("01", seed=seed, name=f"scan{seed}") for seed in (1, 2))
    other = make_case("02", seed=3)
    results = evaluate([one, two, other], settings)
    found = results.find("sAE3", "dice", region="all", operating_point="low", scope="subject")
    dice = [
        f1_score(case.lesion[case.brain], case.segmentations["low"][case.brain])
        for case in (one, two, other)
    ]
    assert found.n == 2
    assert found.value == pytest.approx(((dice[0] + dice[1]) / 2 + dice[2]) / 2)


def test_several_training_runs_give_a_spread(make_case, settings):
    cases = [
        make_case(f"{subject:02}", seed=subject, method="sAE3", contrast=contrast)
        for subject in range(4)
        for contrast in (1.0, 2.0, 3.0)
    ]
    cases = [replace(case, seed=at % 3) for at, case in enumerate(cases)]
    results = evaluate(cases, settings)
    alone = [
        value(evaluate([case for case in cases if case.seed == seed], settings), "sAE3", "auprc")
        for seed in range(3)
    ]
    found = results.find("sAE3", "auprc", region="all", operating_point="any", scope="subject")
    assert found.n_seeds == 3
    assert found.value == pytest.approx(np.mean(alone))
    assert found.seed_sd == pytest.approx(np.std(alone, ddof=1))


def test_a_better_score_is_found_better(make_case, settings):
    cases = cohort(make_case, methods=("good", "bad"), n=9)
    results = evaluate(cases, settings)
    (comparison,) = results.comparisons[Setting("auprc", "all", "any")]
    assert (comparison.first, comparison.second) == ("good", "bad")
    assert comparison.difference > 0
    assert comparison.lower > 0
    assert comparison.p < 0.05
    assert value(results, "good", "dice", point="high") > value(
        results, "bad", "dice", point="high"
    )


def test_curves_belong_to_their_group(make_case, settings):
    results = evaluate(cohort(make_case), settings)
    group = Group("sAE3", None, "all")
    assert group in results.curves and group in results.frocs
    curve, dice = results.curves[group], results.dice_curves[group]
    at = dice.dice.argmax()
    expected = [
        f1_score(case.lesion[case.brain], case.score[case.brain] > dice.threshold[at])
        for case in cohort(make_case, methods=("sAE3",))
    ]
    assert dice.dice[at] == pytest.approx(np.mean(expected))
    assert curve.recall[-1] == 1
    oracle = value(results, "sAE3", "oracle_dice")
    assert dice.dice.max() <= oracle + 1e-9  # one threshold for all against one for each
    assert math.isclose(
        results.histograms[group].n_lesion,
        sum(case.lesion.sum() for case in cohort(make_case, methods=("sAE3",))),
    )
    assert Group("sAE3", None, "normal") not in results.curves


def test_no_scans_and_double_scans_are_errors(make_case, settings):
    with pytest.raises(UsageError, match="found none"):
        evaluate([], settings)
    with pytest.raises(UsageError, match="sub-01_FLAIR of sAE3"):
        evaluate([make_case(), make_case()], settings)
