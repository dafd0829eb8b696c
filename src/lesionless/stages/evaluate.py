"""Evaluate a folder of maps against reference masks."""

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lesionless.data.derivatives import read_sidecar
from lesionless.data.folders import Input
from lesionless.data.participants import known_healthy
from lesionless.data.tree import whole_of
from lesionless.errors import ScanError, UsageError
from lesionless.evaluation.archive import read_request, write_results
from lesionless.evaluation.case import Case
from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.matching import Match, match
from lesionless.evaluation.results import Results
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.stages.cases import case_on_disk
from lesionless.stages.prepare import brain_mask_path
from lesionless.stages.resume import point_of
from lesionless.training.differences import differences, told

logger = logging.getLogger(__name__)

TABLES = "tables"
"""Where the tables of results are written, below their folder."""

OWN_POINT = "own"
"""The operating point of masks that lie beside the maps."""


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Hold what became of a folder of maps.

    Attributes:
        results: What the evaluation found.
        without_map: References for which there is no map.
        failed: Scans that could not be judged, and why.
    """

    results: Results
    without_map: tuple[Path, ...]
    failed: dict[str, str]


def evaluate_folder(
    segmented: Path,
    out: Path,
    truth: Path,
    settings: EvaluationSettings,
    *,
    label: str = "lesion",
    pattern: str | None = None,
    masks: str | None = None,
    threshold: float | None = None,
    method: str = "",
    subjects: Collection[str] | None = None,
) -> Evaluated:
    """Judge the maps of a folder and write the results; a scan that cannot be judged is left out.

    Results of the same maps and references that are there are made anew. Healthy subjects, by
    participants.tsv of the tree that the references lie in, need no mask.

    Args:
        segmented: Folder of maps, ours or another tool's.
        out: Receives tables and curves.
        truth: Folder of reference masks.
        settings: The choices of the evaluation.
        label: Which masks are lesions.
        pattern: Where another tool keeps its maps, see `match`.
        masks: Pattern of the user's brain masks, see `brain_mask_path`; a relative one starts at
            the map's own folder. By default the masks that lie beside our own maps.
        threshold: Where maps are cut, in place of the masks that lie beside our own.
        method: Name of the row; the folder's by default.
        subjects: Labels of the only subjects to judge, with or without `sub-`; None for all.

    Raises:
        UsageError: The folder holds tables of other maps or references; nothing matches, a scan
            has no brain mask or several for the pattern, or two maps go by one name.
        ScanError: None of the maps can be judged.
    """
    healthy = known_healthy(whole_of(truth))
    matches = match(
        segmented, truth, label=label, pattern=pattern, subjects=subjects, healthy=healthy
    )
    _name_unjudged(matches.without_truth)
    request = {
        **{"maps": str(segmented.resolve()), "truth": str(truth.resolve()), "label": label},
        **{"pattern": pattern, "masks": masks, "threshold": threshold, "method": method},
        "subjects": None if subjects is None else sorted({each.subject for each in matches.found}),
        **{"seed": settings.seed, "operating_points": _points(matches.found, threshold)},
        "lesion_rules": asdict(settings.lesion_rules),
        "joined": None,
    }
    _refuse_other_results(out, request)
    found = [_with_brain(each, masks) for each in matches.found] if masks else matches.found
    _name_without_brain(found)
    failed: dict[str, str] = {}
    cases = _cases(found, failed, method or segmented.resolve().name, threshold)
    results = evaluate(cases, settings)
    write_results(results, out, request=request)
    return Evaluated(results, matches.without_map, failed)


def _name_unjudged(maps: Sequence[Path]) -> None:
    if maps:
        logger.info(
            "%d maps have no reference and are not judged: %s%s. Healthy subjects need none where "
            "participants.tsv names their group.",
            *(len(maps), ", ".join(path.name for path in maps[:3])),
            ", ..." if len(maps) > 3 else "",
        )


def _points(found: Sequence[Match], threshold: float | None) -> list[str]:
    """Return the operating points of the masks that are judged; several are named."""
    if threshold is not None:
        return []
    masks = [each.segmentation for each in found if each.segmentation]
    told_of = Counter(read_sidecar(mask).get("OperatingPoint") for mask in masks)
    points = sorted(point for point in told_of if point)
    if len(points) > 1:
        logger.warning(
            "Lesion masks are cut at several operating points (%s): they are judged as they are",
            ", ".join(f"{point} {told_of[point]}" for point in points),
        )
    return points


def _with_brain(found: Match, masks: str) -> Match:
    return replace(found, brain=brain_mask_path(Input(found.score, found.scan), masks))


def _name_without_brain(found: Sequence[Match]) -> None:
    names = [each.name for each in found if each.brain is None]
    if names:
        logger.warning(
            "No brain mask for %d of %d maps (%s%s): their whole grid is judged, air included. "
            "Give brain masks with --mask.",
            *(len(names), len(found), ", ".join(names[:3]), ", ..." if len(names) > 3 else ""),
        )


def _refuse_other_results(out: Path, request: Mapping[str, Any]) -> None:
    """Stop where tables and figures of other results would lie beside these."""
    differing = differences(request, read_request(out))
    if differing and (out / TABLES).exists():
        raise UsageError(
            f"{out}: expected results with {told(differing)}, whose tables and figures are "
            "there. Choose another folder, or remove this one."
        )


def _cases(
    found: Sequence[Match], failed: dict[str, str], method: str, threshold: float | None
) -> Iterator[Case]:
    """Read one scan after the other; note those that cannot be judged in `failed`."""
    for each in found:
        try:
            if threshold is None and each.segmentation:
                point_of(each.score, each.segmentation)  # refuses a mask that was left half cut
            yield case_on_disk(each, method=method, operating_point=OWN_POINT, threshold=threshold)
        except ScanError as error:
            logger.warning("%s", error)
            failed[each.name] = str(error)
    if len(failed) == len(found):
        raise ScanError(
            f"Expected maps that can be judged, found none among {len(found)}; the first: "
            f"{next(iter(failed.values()))}"
        )
