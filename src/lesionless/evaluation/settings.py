"""Every choice of the evaluation that is not a definition."""

from dataclasses import dataclass, field

from lesionless.errors import UsageError
from lesionless.evaluation.lesions import LesionRules


@dataclass(frozen=True)
class EvaluationSettings:
    """Hold the settings of one evaluation; they are written beside its results.

    Attributes:
        lesion_rules: What counts as a lesion and when it counts as found.
        surface_tolerance_mm: Distance up to which two surfaces count as one.
        froc_points: Thresholds at which the free-response curve is sampled; 0 leaves it out.
        bootstrap_draws: Resamplings of the subjects behind each interval.
        confidence: Coverage of the intervals.
        permutation_draws: Sign flips behind each paired test, where not all can be tried.
        tested: Metrics that are compared between methods.
        seed: Seed of resampling and sign flips.

    Raises:
        UsageError: A value is outside its range.
    """

    lesion_rules: LesionRules = field(default_factory=LesionRules)
    surface_tolerance_mm: float = 1.0
    froc_points: int = 24
    bootstrap_draws: int = 2000
    confidence: float = 0.95
    permutation_draws: int = 10_000
    tested: tuple[str, ...] = ("auprc", "dice", "lesion_f1")
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 < self.confidence < 1:
            raise UsageError(f"Expected a confidence between 0 and 1, found {self.confidence}.")
        if self.bootstrap_draws < 1 or self.permutation_draws < 1 or self.froc_points < 0:
            raise UsageError(
                "Expected at least one bootstrap and one permutation draw and no negative number "
                f"of FROC points, found {self.bootstrap_draws}, {self.permutation_draws} and "
                f"{self.froc_points}."
            )
        if self.surface_tolerance_mm < 0:
            raise UsageError(
                f"Expected a surface tolerance of 0 mm or more, found {self.surface_tolerance_mm}."
            )
