"""Tables of an evaluation: one row per method, with spread, interval and what is undefined."""

from lesionless.evaluation.case import WHOLE
from lesionless.evaluation.metrics import METRICS
from lesionless.evaluation.results import THRESHOLD_FREE, Results
from lesionless.report.paper_table import PAPER_TABLE1
from lesionless.report.table_cells import (
    NONE,
    Cells,
    metric_label,
    number_text,
    p_text,
    region_text,
    setting_of,
)
from lesionless.report.table_formats import Table

_SUMMARY = (
    *("auprc", "dice", "lesion_sensitivity", "lesion_f1", "healthy_false_positive_ml"),
    "oracle_dice",
)
_LESIONS = (
    *("lesion_sensitivity", "small_sensitivity", "medium_sensitivity", "large_sensitivity"),
    *("lesion_precision", "lesion_f1", "false_positive_lesions", "surface_dice", "hausdorff_95"),
)
_POINTS = (
    *("dice", "precision", "recall", "false_positive_rate", "false_positive_ml"),
    "healthy_false_positive_ml",
)


def summary_table(results: Results, *, operating_point: str, region: str = WHOLE) -> Table:
    """Return the main table: how well each method does at one operating point.

    Args:
        results: The evaluation.
        operating_point: Its name.
        region: `all` or the name of a region.
    """
    cells = Cells(results, region, operating_point)
    return Table(
        title=f"Results at operating point {operating_point}, {region_text(region)}",
        columns=(
            *("Method", "Prevalence", "AUPRC pooled"),
            *(metric_label(metric) for metric in _SUMMARY),
        ),
        rows=tuple(
            (
                method,
                cells.pooled(method, "prevalence"),
                cells.pooled(method, "auprc"),
                *(cells.subject(method, metric) for metric in _SUMMARY),
            )
            for method in results.methods
        ),
        notes=(
            _spread_note(results),
            "Prevalence is the AUPRC of a random score.",
            "Oracle: at the best threshold, chosen with the reference; not a result.",
            _lesion_rules_note(results),
            *cells.undefined_notes(m for m in _SUMMARY if m != "healthy_false_positive_ml"),
        ),
    )


def operating_point_table(results: Results, *, region: str = WHOLE) -> Table:
    """Return what each operating point gives.

    For a tissue as region, the false-positive rate shows how a threshold carries over to it.
    """
    points = {point: Cells(results, region, point) for point in results.operating_points}
    return Table(
        title=f"Operating points, {region_text(region)}",
        columns=("Method", "Operating point", *(metric_label(metric) for metric in _POINTS)),
        rows=tuple(
            (method, point, *(cells.subject(method, metric) for metric in _POINTS))
            for method in results.methods
            for point, cells in points.items()
        ),
        notes=(_spread_note(results),),
    )


def lesion_table(results: Results, *, operating_point: str, region: str = WHOLE) -> Table:
    """Return lesion counts, surface distances and volume agreement at one operating point."""
    cells = Cells(results, region, operating_point)
    return Table(
        title=f"Lesions and surfaces at operating point {operating_point}, {region_text(region)}",
        columns=(
            *("Method", *(metric_label(metric) for metric in _LESIONS)),
            "Volume bias (ml) [limits of agreement]",
        ),
        rows=tuple(
            (
                *(method, *(cells.subject(method, metric) for metric in _LESIONS)),
                _agreement(results, method, region, operating_point),
            )
            for method in results.methods
        ),
        notes=(
            _spread_note(results),
            _lesion_rules_note(results),
            *cells.undefined_notes(_LESIONS),
        ),
    )


def comparison_table(
    results: Results, *, metric: str, operating_point: str, region: str = WHOLE
) -> Table:
    """Return the paired tests between methods for one metric of `settings.tested`."""
    setting = setting_of(metric, region, operating_point)
    pairs = results.comparisons.get(setting, ())
    at = "" if setting.operating_point == THRESHOLD_FREE else f" at {operating_point}"
    return Table(
        title=f"{METRICS[metric].label}{at}: paired differences, {region_text(region)}",
        columns=("Methods", "Mean difference [interval]", "p", "p (Holm)", "Subjects"),
        rows=tuple(
            (
                f"{pair.first} vs {pair.second}",
                f"{number_text(pair.difference)} "
                f"[{number_text(pair.lower)}, {number_text(pair.upper)}]",
                p_text(pair.p),
                p_text(pair.p_holm),
                str(pair.n),
            )
            for pair in pairs
        ),
        notes=(f"Sign-flip test over subjects; Holm's correction over {len(pairs)} comparisons.",),
    )


def paper_comparison_table(results: Results, *, operating_point: str, region: str = WHOLE) -> Table:
    """Return the paper's Table 1 with our numbers beside the printed ones.

    All of the paper's rows are there, run or not; other methods follow them.
    """
    cells = Cells(results, region, operating_point)
    others = [method for method in results.methods if method not in PAPER_TABLE1]
    return Table(
        title=f"Table 1 at operating point {operating_point}, {region_text(region)}",
        columns=(
            *("Method", "z, paper", "Dice", "Dice, paper", "AUPRC pooled", "AUPRC per subject"),
            *("AUPRC, paper", "s per slice", "s per slice, paper"),
        ),
        rows=tuple(_paper_row(cells, method) for method in (*PAPER_TABLE1, *others)),
        notes=(
            _spread_note(results),
            "Paper: Baur et al. 2018, on other scans, timed on a GTX 1080 Ti.",
            *cells.undefined_notes(("dice", "auprc")),
        ),
    )


def _paper_row(cells: Cells, method: str) -> tuple[str, ...]:
    paper = PAPER_TABLE1.get(method)
    seconds = cells.results.seconds_per_slice.get(method, float("nan"))
    return (
        method,
        paper.latent if paper else NONE,
        cells.subject(method, "dice"),
        f"{paper.dice:.4f} ± {paper.dice_sd:.4f}" if paper else NONE,
        cells.pooled(method, "auprc"),
        cells.subject(method, "auprc"),
        f"{paper.auprc:.4f}" if paper else NONE,
        number_text(seconds, 4),
        f"{paper.seconds_per_slice:.4f}" if paper else NONE,
    )


def _agreement(results: Results, method: str, region: str, operating_point: str) -> str:
    found = results.agreements.get((method, region, operating_point))
    if found is None:
        return NONE
    bias, lower, upper = (
        number_text(value, 2) for value in (found.bias_ml, found.lower_ml, found.upper_ml)
    )
    return f"{bias} [{lower}, {upper}]"


def _spread_note(results: Results) -> str:
    level = 100 * results.settings.confidence
    return f"Mean ± sd over subjects [{level:g} % bootstrap interval]."


def _lesion_rules_note(results: Results) -> str:
    rules = results.settings.lesion_rules
    return (
        f"A lesion is a component of at least {rules.minimum_mm3:g} mm³ ({rules.connectivity} "
        f"neighbours); it is found, and a segmented component is true, from "
        f"{100 * rules.minimum_overlap:g} % overlap on; small is below {rules.small_ml:g} ml, "
        f"large from {rules.large_ml:g} ml on."
    )
