"""Measures made from lesion counts: how many lesions are found, how many components are false."""

from lesionless.evaluation.lesions import LesionCounts

NAN = float("nan")


def lesion_sensitivity(counts: LesionCounts) -> float:
    """Return the detected share of the reference lesions; nan when there are none."""
    return _share(counts.n_detected, counts.n_lesions)


def small_sensitivity(counts: LesionCounts) -> float:
    """Return the detected share of the small reference lesions; nan when there are none."""
    return _share(counts.small_detected, counts.small)


def medium_sensitivity(counts: LesionCounts) -> float:
    """Return the detected share of the medium reference lesions; nan when there are none."""
    return _share(counts.medium_detected, counts.medium)


def large_sensitivity(counts: LesionCounts) -> float:
    """Return the detected share of the large reference lesions; nan when there are none."""
    return _share(counts.large_detected, counts.large)


def lesion_precision(counts: LesionCounts) -> float:
    """Return the true share of the segmented components; nan without lesions or components."""
    return _share(counts.true, counts.true + counts.false) if counts.n_lesions else NAN


def lesion_f1(counts: LesionCounts) -> float:
    """Return the harmonic mean of lesion sensitivity and precision; nan without lesions.

    0 when nothing is segmented.
    """
    if not counts.n_lesions:
        return NAN
    sensitivity = counts.n_detected / counts.n_lesions
    n_components = counts.true + counts.false
    precision = counts.true / n_components if n_components else 0.0
    total = precision + sensitivity
    return 2 * precision * sensitivity / total if total else 0.0


def false_positive_lesions(counts: LesionCounts) -> float:
    """Return the number of segmented components that lie on no reference lesion."""
    return float(counts.false)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else NAN
