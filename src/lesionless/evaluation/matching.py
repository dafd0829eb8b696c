"""Which map belongs to which reference mask: by BIDS names, or by a pattern for other tools."""

import fnmatch
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lesionless.data.bids import BidsName, output_name, parse_name
from lesionless.data.folders import Input, of_subjects
from lesionless.data.listable import check_listable, is_hidden
from lesionless.errors import UsageError

NIFTI_ENDINGS = (".nii.gz", ".nii")


@dataclass(frozen=True)
class Match:
    """Hold the files of one scan that are evaluated together.

    Attributes:
        subject: The subject label, without `sub-`.
        name: The scan: all entities that tell it from others.
        scan: The same as a BIDS name, without `space`, `label` and `desc`.
        score: The anomaly map.
        segmentation: The lesion mask at the tool's operating point, where there is one.
        brain: The brain mask, where there is one.
        truth: The reference mask; None for a healthy subject who has none.
    """

    subject: str
    name: str
    scan: BidsName
    score: Path
    segmentation: Path | None
    brain: Path | None
    truth: Path | None


@dataclass(frozen=True)
class Matches:
    """Hold what was matched and what was not.

    Attributes:
        found: The scans to evaluate, sorted by name.
        without_map: Reference masks for which there is no map. They are part of the result: a
            scan that a tool could not do must not vanish from its table.
        without_truth: Our own maps that are not judged, since no reference belongs to them.
    """

    found: tuple[Match, ...]
    without_map: tuple[Path, ...]
    without_truth: tuple[Path, ...]


def match(
    segmented: Path,
    truth: Path,
    *,
    label: str = "lesion",
    pattern: str | None = None,
    subjects: Collection[str] | None = None,
    healthy: Collection[str] = (),
) -> Matches:
    """Match anomaly maps to reference masks.

    A reference mask is any file below `truth` named `sub-X[_ses-Y][_...]_label-LABEL_mask.nii.gz`.
    Without a pattern, the maps are those that `lesionless segment` writes
    (`..._space-orig_desc-anomaly_FLAIR.nii.gz`, with masks beside them); a reference belongs to the
    map whose entities it shares. A reference without session or run belongs to the only scan of
    its subject that fits. Healthy subjects without any reference need none.

    Args:
        segmented: Folder of maps.
        truth: Folder of reference masks.
        label: Label of the reference masks.
        pattern: Where another tool keeps its maps, relative to `segmented`: `{subject}` stands for
            the subject label, `{session}` for the session label, `*` for anything (folders too),
            for example `{subject}/*_prob.nii.gz`.
        subjects: Labels of the only subjects to match, with or without `sub-`; None for all.
        healthy: Labels, without `sub-`, of those known to have no lesions.

    Raises:
        UsageError: A folder is missing, there is no reference mask, or none of a subject that is
            asked for, or nothing matches; two maps fit one reference, or two references one map.
    """
    named = _references(truth, label)
    maps = own_maps(segmented) if pattern is None else None
    alone = _without_lesions(segmented, set(healthy) - _subjects(named), maps, pattern)
    if not named and not alone:
        raise _no_references(truth, label)
    every = [Input(path, name) for path, name in (named | alone).items()]
    asked = {each.path: each.name for each in of_subjects(every, subjects, truth)}
    references = {path: name for path, name in asked.items() if path in named}
    candidates = {
        path: _by_pattern(segmented, pattern, name) if pattern else _fitting(name, maps or {})
        for path, name in references.items()
    }
    _check_unique(candidates)
    found = [
        _match(paths[0], path, references[path]) for path, paths in candidates.items() if paths
    ]
    found += [_match(path, None, name) for path, name in asked.items() if path in alone]
    if not found:
        wanted = pattern or "..._desc-anomaly_*.nii.gz as written by `lesionless segment`"
        raise UsageError(
            f"{segmented}: expected maps ({wanted}) for the {len(references)} reference masks "
            f"below {truth}, found none that fit. Check the folder, --pattern and --label."
        )
    return Matches(
        found=tuple(sorted(found, key=lambda entry: entry.name)),
        without_map=tuple(path for path, paths in candidates.items() if not paths),
        without_truth=_left(maps or {}, found, subjects),
    )


def own_maps(segmented: Path) -> dict[Path, BidsName]:
    """Find the anomaly maps that `segment` wrote below a folder, and their names.

    Raises:
        UsageError: There is no such folder.
    """
    if not segmented.is_dir():
        raise UsageError(
            f"{segmented}: expected a folder of anomaly maps, found none. Segment the scans first."
        )
    named = {path: parse_name(path.name) for path in _images(segmented)}
    return {
        path: name
        for path, name in named.items()
        if name is not None and name.get("desc") == "anomaly"
    }


def _references(truth: Path, label: str) -> dict[Path, BidsName]:
    if not truth.is_dir():
        raise UsageError(f"{truth}: expected a folder of reference masks, found none.")
    check_listable(truth)
    named = {path: parse_name(path.name) for path in _images(truth)}
    return {
        path: name
        for path, name in named.items()
        if name is not None and name.suffix == "mask" and name.get("label") == label
    }


def _no_references(truth: Path, label: str) -> UsageError:
    names = [parse_name(path.name) for path in _images(truth)]
    labels = sorted({str(name.get("label")) for name in names if name and name.get("label")})
    return UsageError(
        f"{truth}: expected masks named sub-X_..._label-{label}_mask.nii.gz, found none. "
        f"Labels there: {', '.join(labels) or 'none'}. Choose one with --label."
    )


def _subjects(named: Mapping[Path, BidsName]) -> set[str]:
    return {name.subject for name in named.values()}


def _without_lesions(
    segmented: Path,
    healthy: Collection[str],
    maps: Mapping[Path, BidsName] | None,
    pattern: str | None,
) -> dict[Path, BidsName]:
    """Return the maps of healthy subjects: our own, or the one that a pattern names."""
    if maps is not None:
        return {path: name for path, name in maps.items() if name.subject in healthy}
    names = [BidsName((("sub", label),), suffix="mask") for label in sorted(healthy)]
    found = [(_by_pattern(segmented, str(pattern), name), name) for name in names]
    return {paths[0]: name for paths, name in found if len(paths) == 1}


def _left(
    maps: Mapping[Path, BidsName], found: Iterable[Match], subjects: Collection[str] | None
) -> tuple[Path, ...]:
    """Return the maps, of the subjects that are asked for, that are not among those found."""
    taken = {each.score for each in found}
    wanted = None if subjects is None else {label.removeprefix("sub-") for label in subjects}
    return tuple(
        path
        for path, name in maps.items()
        if path not in taken and (wanted is None or name.subject in wanted)
    )


def _fitting(reference: BidsName, maps: Mapping[Path, BidsName]) -> list[Path]:
    """Return the maps whose entities include all of the reference's."""
    wanted = set(reference.acquisition)
    return [path for path, name in maps.items() if wanted <= set(name.acquisition)]


def _by_pattern(segmented: Path, pattern: str, reference: BidsName) -> list[Path]:
    if not segmented.is_dir():
        raise UsageError(f"{segmented}: expected a folder of maps, found none.")
    if "{subject}" not in pattern:
        raise UsageError(
            f"Expected a pattern with {{subject}} in it, such as '{{subject}}/*_prob.nii.gz', "
            f"found {pattern!r}."
        )
    if "{session}" in pattern and reference.session is None:
        return []
    expression = _expression(pattern, reference)
    return [
        path
        for path in _images(segmented)
        if expression.fullmatch(path.relative_to(segmented).as_posix())
    ]


def _expression(pattern: str, reference: BidsName) -> re.Pattern[str]:
    """Turn a pattern into a regular expression for one reference.

    A label beside a wildcard has to end there: `*{subject}*` for subject 1 must not take 10.
    """
    text = fnmatch.translate(re.sub(r"\{(\w+)\}", r"<\1>", pattern))
    labels = {
        "subject": re.escape(reference.subject),
        "session": re.escape(reference.session or ""),
    }
    for key, label in labels.items():
        starts = rf"(?<![A-Za-z0-9]){label}" if f"*{{{key}}}" in pattern else label
        ends = r"(?![A-Za-z0-9])" if f"{{{key}}}*" in pattern else ""
        text = text.replace(f"<{key}>", starts + ends)
    return re.compile(text)


def _check_unique(candidates: dict[Path, list[Path]]) -> None:
    references: dict[Path, list[Path]] = defaultdict(list)
    for reference, maps in candidates.items():
        if len(maps) > 1:
            raise UsageError(
                f"{reference.name}: expected one map, found {len(maps)}: {_names(maps)}. Give the "
                "reference the session or run of its scan, or a narrower --pattern."
            )
        for path in maps:
            references[path].append(reference)
    for path, found in references.items():
        if len(found) > 1:
            raise UsageError(
                f"{path.name}: expected one reference mask, found {len(found)}: {_names(found)}. "
                "Keep one of them, or choose with --label."
            )


def _match(score: Path, truth: Path | None, reference: BidsName) -> Match:
    own = parse_name(score.name)
    is_own = own is not None and own.get("desc") == "anomaly"
    beside = own if own is not None and is_own else None
    named = beside or reference
    scan = BidsName(entities=named.acquisition, suffix=named.suffix)
    return Match(
        subject=reference.subject,
        name="_".join(f"{key}-{value}" for key, value in scan.entities),
        scan=scan,
        score=score,
        segmentation=_beside(score, beside, {"label": "L"}),
        brain=_beside(score, beside, {"desc": "brain"}),
        truth=truth,
    )


def _beside(score: Path, name: BidsName | None, entities: dict[str, str]) -> Path | None:
    """Return the mask that lies beside one of our own maps, if it does."""
    if name is None:
        return None
    space = {"space": name.get("space") or "orig"}
    path = score.with_name(output_name(name, space | entities, "_mask.nii.gz"))
    return path if path.exists() else None


def _images(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.name.lower().endswith(NIFTI_ENDINGS) and not is_hidden(path, folder)
    )


def _names(paths: Iterable[Path]) -> str:
    return ", ".join(path.name for path in paths)
