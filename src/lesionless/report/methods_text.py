"""The evaluation paragraph of a methods section, written from the settings that were used."""

from collections.abc import Iterable

from lesionless.evaluation.metrics import METRICS
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.scoring.threshold import OPERATING_POINTS


def methods_text(settings: EvaluationSettings, *, operating_points: Iterable[str] = ()) -> str:
    """Return the paragraph; every number in it comes from the settings.

    Args:
        settings: The evaluation's.
        operating_points: Names of those that were used; one that is not in `OPERATING_POINTS`
            (for example another tool's own) is named and not explained.
    """
    sentences = [
        *_voxel_sentences(),
        *_threshold_sentences(list(operating_points)),
        *_lesion_sentences(settings),
        *_surface_sentences(settings),
        *_uncertainty_sentences(settings),
    ]
    return " ".join(sentences)


def _voxel_sentences() -> list[str]:
    return [
        "Score maps and segmentations were compared with the reference inside the brain mask.",
        "The area under the precision-recall curve (AUPRC) was computed step by step, without "
        "interpolation, per patient and over the voxels of all patients pooled; lesion prevalence "
        "is given beside it, being the AUPRC of a random score.",
        "Dice, precision and recall were computed per patient.",
        "Where the reference holds no lesion they are undefined: such scans were left out of the "
        "means, counted, and judged by their false-positive volume.",
        "The oracle Dice is that of the best threshold for the patient itself: an upper bound.",
    ]


def _threshold_sentences(names: list[str]) -> list[str]:
    if not names:
        return []
    phrases = [
        f"{name} ({OPERATING_POINTS[name].description})" if name in OPERATING_POINTS else name
        for name in names
    ]
    sentences = [f"Operating points were: {'; '.join(phrases)}."]
    if all(name in OPERATING_POINTS for name in names):
        sentences.append("No label was used to choose a threshold.")
    return sentences


def _lesion_sentences(settings: EvaluationSettings) -> list[str]:
    rules = settings.lesion_rules
    overlap = (
        f"at least {100 * rules.minimum_overlap:g} % of its volume was"
        if rules.minimum_overlap
        else "any voxel of it was"
    )
    return [
        f"Lesions are connected components ({rules.connectivity} neighbours) of at least "
        f"{rules.minimum_mm3:g} mm³.",
        f"A reference lesion counted as detected when {overlap} segmented, and a segmented "
        f"component as true when {overlap} lesion; lesion sensitivity, precision and F1 follow, "
        f"for sensitivity also apart for lesions below {rules.small_ml:g} ml, from "
        f"{rules.small_ml:g} to {rules.large_ml:g} ml, and of {rules.large_ml:g} ml or more.",
        "Lesion volumes were compared by bias and 95 % limits of agreement (Bland and Altman).",
    ]


def _surface_sentences(settings: EvaluationSettings) -> list[str]:
    return [
        "Surface voxels are those with a face on the outside; surface Dice is the share of both "
        f"surfaces within {settings.surface_tolerance_mm:g} mm of the other, and the Hausdorff "
        "distance the larger of the two directed 95th percentiles, in mm between voxel centres."
    ]


def _uncertainty_sentences(settings: EvaluationSettings) -> list[str]:
    tested = ", ".join(METRICS[name].label for name in settings.tested)
    return [
        f"Intervals are {100 * settings.confidence:g} % bootstrap intervals over subjects "
        f"({settings.bootstrap_draws} draws, percentile level expanded for the number of "
        "subjects); several scans of a subject were averaged first.",
        f"Methods were compared on {tested} by two-sided sign-flip permutation tests over subjects "
        f"(exact, or {settings.permutation_draws} random flips), with Holm's correction over all "
        "pairs of methods.",
        f"Seed {settings.seed}.",
    ]
