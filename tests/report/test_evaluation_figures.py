import numpy as np
import pytest

from lesionless.evaluation.case import Case
from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.results import Group
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.report.evaluation_figures import FIGURES, write_figures
from lesionless.report.style import save_figure

METHODS = ("sAE3", "sVAE", "intensity", "AnoGAN")


def cases(methods=METHODS, seeds=(None,), n_subjects=4):
    for subject in range(n_subjects):
        brain = np.ones((10, 10, 6), bool)
        lesion = np.zeros_like(brain)
        if subject:
            lesion[2:4, 2 : 3 + subject, 1:4] = True
        for at, method in enumerate(methods):
            for seed in seeds:
                rng = np.random.default_rng([subject, at, seed or 0])
                score = (rng.random(brain.shape) + 0.3 * at * lesion).astype(np.float32)
                yield Case(
                    subject=f"{subject}",
                    name=f"sub-{subject}",
                    method=method,
                    score=score,
                    brain=brain,
                    lesion=lesion,
                    segmentations={"p98": score > 0.95},
                    spacing_mm=(1, 1, 1),
                    seed=seed,
                )


def results_of(**options):
    settings = EvaluationSettings(froc_points=5, bootstrap_draws=20, permutation_draws=20)
    return evaluate(cases(**options), settings)


@pytest.fixture(scope="module")
def results():
    return results_of()


def draw(name, results):
    return FIGURES[name].draw(results, operating_point="p98")


def lines(axes, label):
    (line,) = [line for line in axes.get_lines() if line.get_label() == label]
    return line


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_names_its_axes_and_its_methods(results, name):
    figure = draw(name, results)
    texts = [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))]
    for method in METHODS:
        assert any(method in text for text in texts), method
    shown = [axes for axes in figure.axes if axes.get_visible()]
    has_common_labels = figure.get_supxlabel() and figure.get_supylabel()
    assert has_common_labels or all(axes.get_xlabel() for axes in shown)


def test_the_prevalence_is_a_line_in_the_precision_recall_figure(results):
    (axes,) = draw("precision_recall", results).axes
    prevalence = results.curves[Group("sAE3", None, "all")].prevalence
    level = [line for line in axes.get_lines() if np.allclose(line.get_ydata(), prevalence)]
    assert level
    assert any(f"prevalence {prevalence:.4f}" in text.get_text() for text in axes.texts)
    auprc = results.find("intensity", "auprc", region="all", operating_point="any", scope="pooled")
    assert lines(axes, f"intensity ({auprc.value:.3f})")


def test_the_froc_figure_shows_the_curves_as_they_are(results):
    (axes,) = draw("froc", results).axes
    curve = results.frocs[Group("intensity", None, "all")]
    np.testing.assert_array_equal(lines(axes, "intensity").get_ydata(), curve.sensitivity)
    assert "lesions in 4 scans" in axes.get_title()


def test_dice_is_drawn_over_the_share_of_normal_voxels_above_the_threshold(results):
    (axes,) = draw("dice_threshold", results).axes
    group = Group("intensity", None, "all")
    line, curve = lines(axes, "intensity"), results.dice_curves[group]
    np.testing.assert_array_equal(line.get_ydata(), curve.dice)
    normal = np.concatenate(
        [case.score[~case.lesion] for case in cases(methods=METHODS) if case.method == "intensity"]
    )
    at = len(curve.threshold) // 2
    assert line.get_xdata()[at] == pytest.approx(np.mean(normal > curve.threshold[at]))


def test_every_subject_is_a_dot(results):
    for axes in draw("per_subject", results).axes:
        dots = [line for line in axes.get_lines() if line.get_marker() == "."]
        assert [len(line.get_xdata()) for line in dots] == [3] * len(METHODS)  # one is healthy


def test_the_histogram_holds_every_voxel(results):
    figure = draw("score_histogram", results)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in panels] == list(METHODS)
    for patch in panels[0].patches:
        assert np.sum(patch.get_data().values) == pytest.approx(1)


def test_the_volumes_of_healthy_scans_are_part_of_the_agreement(results):
    panel = draw("volume_agreement", results).axes[0]
    assert len(panel.get_lines()[0].get_xdata()) == 4


def test_a_scan_is_one_dot_of_the_agreement_whatever_the_number_of_runs():
    panel = draw("volume_agreement", results_of(methods=("sAE3",), seeds=(0, 1, 2))).axes[0]
    assert len(panel.get_lines()[0].get_xdata()) == 4


def test_runs_of_one_method_share_a_colour_and_a_label():
    (axes,) = draw("froc", results_of(methods=("sAE3",), seeds=(0, 1))).axes
    first, second = axes.get_lines()
    assert first.get_color() == second.get_color()
    assert (first.get_label(), second.get_label()[0]) == ("sAE3", "_")


def test_seeds_are_named_only_where_there_are_several():
    for seeds, expected in (((3,), ["sAE3"]), ((3, 4), ["sAE3, seed 3", "sAE3, seed 4"])):
        figure = draw("score_histogram", results_of(methods=("sAE3",), seeds=seeds))
        assert [axes.get_title() for axes in figure.axes if axes.get_visible()] == expected


def test_one_healthy_scan_can_be_drawn():
    for name in FIGURES:
        draw(name, results_of(methods=("sAE3",), n_subjects=1))


def test_writing_leaves_no_figure_open_and_gives_the_same_bytes(results, tmp_path):
    from matplotlib import pyplot

    paths = write_figures(results, tmp_path, operating_point="p98")
    assert set(paths) == set(FIGURES)
    assert pyplot.get_fignums() == []
    again = tmp_path / "again.png"
    save_figure(draw("per_subject", results), again)
    assert paths["per_subject"].read_bytes() == again.read_bytes()
