from dataclasses import replace

import numpy as np
import pytest

from lesionless.evaluation.case import Case
from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.report.methods_text import methods_text
from lesionless.report.paper_table import PAPER_TABLE1
from lesionless.report.tables import (
    comparison_table,
    lesion_table,
    operating_point_table,
    paper_comparison_table,
    summary_table,
)
from lesionless.scoring.threshold import OPERATING_POINTS

SETTINGS = EvaluationSettings(froc_points=4, bootstrap_draws=50, permutation_draws=50)


def case(subject, method, *, healthy=False, seed=None):
    rng = np.random.default_rng(subject)
    brain = np.ones((10, 10, 6), bool)
    lesion = np.zeros_like(brain)
    if not healthy:
        lesion[2:4, 2 : 4 + subject % 3, 1:4] = True
    score = (rng.random(brain.shape) + lesion * rng.uniform(0.2, 1)).astype(np.float32)
    return Case(
        subject=f"{subject}",
        name=f"sub-{subject}",
        method=method,
        score=score + (0.1 * lesion if method == "sAE3" else 0),
        brain=brain,
        lesion=lesion,
        segmentations={"p98": score > 0.98, "mine": score > 0.9},
        spacing_mm=(1, 1, 1),
        tissues={"normal": ~lesion},
        seed=seed,
    )


@pytest.fixture(scope="module")
def results():
    methods = ("sAE3", "intensity")
    cases = [case(subject, method) for method in methods for subject in range(5)]
    cases += [case(9, method, healthy=True) for method in methods]
    return evaluate(cases, SETTINGS, seconds_per_slice={"sAE3": 0.0123})


def column(table, name):
    at = table.columns.index(name)
    return {row[0]: row[at] for row in table.rows}


def test_the_summary_has_mean_spread_interval_prevalence_and_the_oracle_by_name(results):
    table = summary_table(results, operating_point="p98")
    assert [row[0] for row in table.rows] == ["sAE3", "intensity"]
    found = results.find("sAE3", "dice", region="all", operating_point="p98", scope="subject")
    expected = f"{found.value:.3f} ± {found.sd:.3f} [{found.lower:.3f}, {found.upper:.3f}]"
    assert column(table, "Dice")["sAE3"] == expected
    prevalence = results.find(
        "sAE3", "prevalence", region="all", operating_point="any", scope="pooled"
    )
    assert column(table, "Prevalence")["sAE3"] == f"{prevalence.value:.4f}"
    auprc = results.find("sAE3", "auprc", region="all", operating_point="any", scope="pooled")
    pooled = f"{auprc.value:.3f} [{auprc.lower:.3f}, {auprc.upper:.3f}]"
    assert column(table, "AUPRC pooled")["sAE3"] == pooled
    assert "Oracle Dice" in table.columns
    assert any("chosen with the reference" in note for note in table.notes)
    assert any("1 of 6 subjects: AUPRC, Dice" in note for note in table.notes)


def test_every_operating_point_has_a_row_and_tissues_their_rate(results):
    table = operating_point_table(results)
    assert [row[:2] for row in table.rows] == [
        (method, point) for method in ("sAE3", "intensity") for point in ("p98", "mine")
    ]
    normal = operating_point_table(results, region="normal")
    at = normal.columns.index("False-positive rate")
    assert normal.rows[0][at].startswith("0.0")
    assert normal.rows[0][normal.columns.index("Dice")] == "-"


def test_the_lesion_table_names_its_rules(results):
    table = lesion_table(results, operating_point="p98")
    assert any("26 neighbours" in note and "10 % overlap" in note for note in table.notes)
    bias = results.agreements["sAE3", "all", "p98"].bias_ml
    assert table.rows[0][-1].startswith(f"{bias:.2f} [")


def test_paired_differences_are_listed_with_the_corrected_p(results):
    table = comparison_table(results, metric="auprc", operating_point="p98")
    ((pair, difference, p, p_holm, n),) = table.rows
    assert (pair, n) == ("sAE3 vs intensity", "5")
    assert p == p_holm  # one pair: nothing to correct
    assert float(difference.split()[0]) > 0


def test_table_1_shows_all_printed_rows_and_ours_beside_them(results):
    table = paper_comparison_table(results, operating_point="p98")
    assert [row[0] for row in table.rows] == [*PAPER_TABLE1, "intensity"]
    assert column(table, "Dice, paper")["sVAE-GAN"] == "0.6050 ± 0.1927"
    assert column(table, "AUPRC, paper")["sAE-GAN"] == "0.6988"
    assert column(table, "s per slice, paper")["AnoGAN"] == "19.8547"
    assert column(table, "Dice")["AnoGAN"] == "-"
    assert column(table, "s per slice")["sAE3"] == "0.0123"
    assert column(table, "Dice, paper")["intensity"] == "-"


def test_several_seeds_are_shown_as_a_spread():
    cases = [case(subject, "sAE3", seed=seed) for subject in range(3) for seed in range(2)]
    cases = [replace(one, score=one.score * (1 + at % 2)) for at, one in enumerate(cases)]
    table = summary_table(evaluate(cases, SETTINGS), operating_point="p98")
    assert "(seeds ± 0.000)" in column(table, "Dice")["sAE3"]


def test_what_was_not_measured_is_a_dash(results):
    table = summary_table(results, operating_point="unknown")
    assert column(table, "Dice")["sAE3"] == "-"


def test_the_methods_paragraph_follows_the_settings():
    settings = EvaluationSettings(
        surface_tolerance_mm=2.5, bootstrap_draws=1234, confidence=0.9, seed=7
    )
    text = methods_text(settings, operating_points=["fpr-1e-3", "p98"])
    for expected in ("2.5 mm", "1234 draws", "90 % bootstrap", "Seed 7", "0.1 % on held-out"):
        assert expected in text
    assert "No label was used" in text
    assert "No label was used" not in methods_text(settings, operating_points=["p98", "other"])
    rules = replace(settings.lesion_rules, minimum_overlap=0, connectivity=6, minimum_mm3=9)
    text = methods_text(replace(settings, lesion_rules=rules))
    assert "any voxel of it was segmented" in text
    assert "(6 neighbours) of at least 9 mm³" in text
    assert "Operating points" not in text


@pytest.mark.parametrize("name", OPERATING_POINTS)
def test_every_operating_point_is_explained(name):
    text = methods_text(EvaluationSettings(), operating_points=[name])
    assert f"{name} ({OPERATING_POINTS[name].description})" in text
