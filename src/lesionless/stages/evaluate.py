"""Evaluate a folder of maps against reference masks."""

import logging
from pathlib import Path

from lesionless.evaluation.archive import write_results
from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.matching import match
from lesionless.evaluation.results import Results
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.stages.cases import cases_on_disk

logger = logging.getLogger(__name__)

OWN_POINT = "own"
"""The operating point of masks that lie beside the maps."""


def evaluate_folder(
    segmented: Path,
    out: Path,
    truth: Path,
    settings: EvaluationSettings,
    *,
    label: str = "lesion",
    pattern: str | None = None,
    method: str = "",
) -> tuple[Results, list[Path]]:
    """Judge the maps of a folder and write the results.

    Args:
        segmented: Folder of maps, ours or another tool's.
        out: Receives tables and curves.
        truth: Folder of reference masks.
        settings: The choices of the evaluation.
        label: Which masks are lesions.
        pattern: Where another tool keeps its maps, see `match`.
        method: Name of the row; the folder's by default.

    Returns:
        The results, and the references for which there is no map.

    Raises:
        UsageError: Nothing matches.
        ScanError: A file cannot be read or grids differ.
    """
    matches = match(segmented, truth, label=label, pattern=pattern)
    for path in matches.without_map:
        logger.warning("%s: no map for this reference; it is missing from the table", path)
    cases = cases_on_disk(
        matches.found, method=method or segmented.resolve().name, operating_point=OWN_POINT
    )
    results = evaluate(cases, settings)
    write_results(results, out)
    return results, list(matches.without_map)
