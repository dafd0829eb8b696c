"""Several evaluations of one set of references become one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lesionless.errors import UsageError
from lesionless.evaluation.archive import (
    RESULTS_NAME,
    read_request,
    read_results,
    write_results,
)
from lesionless.evaluation.join import joined
from lesionless.evaluation.results import Results
from lesionless.training.differences import differences, told

REFERENCE = ("truth", "label")
"""What of a request says which lesions were looked for."""


def join_results(folders: Sequence[Path], out: Path) -> Results:
    """Write the results of several evaluations as those of one, see `joined`.

    Args:
        folders: Those of `evaluate_folder`.
        out: Receives tables and curves; a folder of its own.

    Raises:
        UsageError: A folder does not hold the results of an evaluation, they judge different
            references, they cannot be joined, or `out` holds other results.
    """
    request: dict[str, Any] = {"joined": [str(folder.resolve()) for folder in folders]}
    if (out / RESULTS_NAME).exists() and read_request(out).get("joined") != request["joined"]:
        raise UsageError(f"{out}: expected a folder without other results. Give another --out.")
    results = joined([read_results(folder) for folder in folders])
    first, *others = [_reference_of(folder) for folder in folders]
    for folder, other in zip(folders[1:], others, strict=True):
        if differing := differences(first, other):
            raise UsageError(f"{folder}: expected results with {told(differing)}.")
    request |= first
    write_results(results, out, request=request)
    return results


def _reference_of(folder: Path) -> dict[str, Any]:
    """Return what results were judged against."""
    asked = read_request(folder)
    if not asked.keys() >= set(REFERENCE):
        raise UsageError(
            f"{folder}: expected the results of `lesionless evaluate`, found those of a benchmark "
            "or of an earlier version. Evaluate again."
        )
    return {key: asked[key] for key in REFERENCE}
