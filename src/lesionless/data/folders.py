"""What lies in a folder: the scans to work on, and the lesion masks that belong to them."""

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lesionless.data.bids import SET_ASIDE, BidsName, name_of, output_name, parse_name, stem_of
from lesionless.data.dicom import is_dicom
from lesionless.data.listable import check_listable, is_hidden, unlistable_subjects
from lesionless.data.series import Series, find_series, series_beside
from lesionless.errors import UsageError

logger = logging.getLogger(__name__)

# A pair is known by its image; the header is found beside it
_SCAN_EXTENSIONS = (".nii", ".nii.gz", ".img")
# Where scans may lie below a folder; ** passes by folders below it that are links, * does not
_LINKED = ("anat/*", "ses-*/anat/*", "sub-*/anat/*", "sub-*/ses-*/anat/*")
_LEVELS = ("*", "sub-*/**/*", "ses-*/**/*", *_LINKED)
MOST_LISTED = 10  # subjects in a message
# Our own maps are FLAIR images by suffix, but never scans to work on
_OWN_OUTPUTS = frozenset({"anomaly", "lesionless"})


@dataclass(frozen=True)
class Input:
    """Hold one image that was found, with its name taken apart.

    Attributes:
        path: The file; for a NIfTI pair, the `.img`; for a DICOM series, its folder, or its first
            file where others lie beside it.
        name: Its BIDS name, or the one made from a plain name.
    """

    path: Path
    name: BidsName

    @property
    def subject(self) -> str:
        """Return the subject label, without `sub-`."""
        return self.name.subject

    @property
    def session(self) -> str | None:
        """Return the session label, without `ses-`, or None."""
        return self.name.session


def find_scans(
    path: Path, *, suffix: str = "FLAIR", subjects: Collection[str] | None = None
) -> list[Input]:
    """Find the scans in one NIfTI file, a folder of NIfTI files, a BIDS tree, or a DICOM series.

    In a folder, files right inside and those below `sub-*`, `ses-*` and `anat` are looked at;
    `derivatives`, `sourcedata` and `code` are not. Files with a BIDS name are chosen by suffix.
    Files with a plain name are taken only if they lie right inside the folder. Masks and this
    tool's own maps are never taken. Where there is no NIfTI file, the DICOM series in the folder
    and below it are, see `find_series`; a scan goes by the name of its folder. Whether a
    file can be read is found out when it is read.

    Args:
        path: The file or folder.
        suffix: The BIDS suffix of the scans.
        subjects: Labels of the only subjects to take, with or without `sub-`; None for all.

    Returns:
        The scans, sorted by name.

    Raises:
        UsageError: There is no such path, nothing was found, a subject asked for is not there,
            or two scans would get the same output names.
    """
    if path.is_dir():
        for hidden in unlistable_subjects(path):
            logger.warning("%s is left out: it cannot be listed. Change its permissions.", hidden)
        found = [Input(file, name_of(file, suffix=suffix)) for file in _scans_in(path, suffix)]
        if not found and not _other_suffixes(path):
            found = _series_in(path, suffix)
    else:
        found = [_single(path, suffix)]
    if not found:
        others = _other_suffixes(path) or "none"
        raise UsageError(
            f"{path}: expected scans (NIfTI files right inside, sub-*/**/*_{suffix}.nii.gz as in "
            f"BIDS, or the files of a DICOM series), found {others}. Check the path, or name "
            f"another suffix than {suffix}."
        )
    found = of_subjects(found, subjects, path)
    _refuse_collisions(found)
    return sorted(found, key=lambda scan: (scan.name.stem, scan.path))


def find_masks(tree: Path, *, label: str = "lesion") -> list[Input]:
    """Find the masks of one label in `derivatives/lesion` of a tree, or else in the tree itself.

    Args:
        tree: A BIDS tree, or any folder with masks below it.
        label: The value of the entity `label`; other labels are not lesions.

    Returns:
        The masks, sorted by name; an empty list if there is none.

    Raises:
        UsageError: There is no such folder, or one in it cannot be listed.
    """
    if not tree.is_dir():
        raise UsageError(f"{tree}: expected a folder with masks, found none. Check the path.")
    lesion_tree = tree / "derivatives" / "lesion"
    root = lesion_tree if lesion_tree.is_dir() else tree
    check_listable(root)
    named = ((file, parse_name(file.name)) for file in _images(root, ("**/*", *_LEVELS)))
    found = [Input(file, name) for file, name in named if name and name.suffix == "mask"]
    chosen = [mask for mask in found if mask.name.get("label") == label]
    return sorted(chosen, key=lambda mask: (mask.name.stem, mask.path))


def mask_of(scan: BidsName, masks: Sequence[Input]) -> Input | None:
    """Choose the mask that belongs to a scan, or None if there is none.

    Subject and session must be the same. Other entities of the mask (acq, run, ...) must be the
    scan's too. Where several masks remain, the one in the scan's `space`, then the one that
    shares all entities is taken.

    Raises:
        UsageError: More than one mask fits equally well.
    """
    fitting = [mask for mask in masks if _belongs(mask.name, scan)]
    for is_closer in (_has_same_space, _has_same_acquisition):
        closer = [mask for mask in fitting if is_closer(mask.name, scan)]
        fitting = closer if len(fitting) > 1 and closer else fitting
    if len(fitting) > 1:
        paths = " and ".join(str(mask.path) for mask in fitting[:2])
        raise UsageError(
            f"{scan.stem}: expected one mask of it, found {len(fitting)}, among them {paths}. "
            "Remove one of them."
        )
    return fitting[0] if fitting else None


def of_subjects(found: list[Input], subjects: Collection[str] | None, path: Path) -> list[Input]:
    """Choose the scans of some subjects.

    Args:
        found: The scans of a folder.
        subjects: Labels, with or without `sub-`; None for all.
        path: The folder, for the message.

    Raises:
        UsageError: A subject asked for is not there, or nobody is asked for.
    """
    if subjects is None:
        return found
    wanted = {subject.removeprefix("sub-") for subject in subjects}
    if not wanted:
        raise UsageError("Expected the labels of the subjects to take, found none. Name them.")
    missing = wanted - {scan.subject for scan in found}
    if missing:
        raise UsageError(
            f"{path}: expected scans of the subjects asked for, found none of "
            f"{', '.join(sorted(missing))}. Check the labels: there are {_listed(found)}."
        )
    return [scan for scan in found if scan.subject in wanted]


def _listed(found: Sequence[Input]) -> str:
    """List the subjects of scans, at most the first `MOST_LISTED`."""
    labels = sorted({scan.subject for scan in found})
    more = f" and {len(labels) - MOST_LISTED} more" if len(labels) > MOST_LISTED else ""
    return ", ".join(labels[:MOST_LISTED]) + more


def _single(path: Path, suffix: str) -> Input:
    if not path.exists():
        raise UsageError(f"{path}: expected a scan or a folder, found nothing. Check the path.")
    if is_dicom(path):
        return _of_series(series_beside(path), suffix)
    if not _is_image(path) and path.suffix != ".hdr":
        raise UsageError(
            f"{path}: expected a NIfTI file (.nii, .nii.gz, or .img with .hdr) or a DICOM image, "
            f"found the name {path.name}. Convert other kinds to NIfTI."
        )
    if _is_mask(path):
        raise UsageError(f"{path}: expected a scan, found the name of a mask. Give the scan.")
    image = path.with_suffix(".img") if path.suffix == ".hdr" else path
    return Input(image, name_of(image, suffix=suffix))


def _scans_in(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield the files to take: plain names right inside, BIDS names by suffix anywhere."""
    for file in _images(folder, _LEVELS):
        name = parse_name(file.name)
        if _is_mask(file):
            continue
        if name is None and file.parent == folder:
            yield file
        elif name is None:
            logger.warning("%s is left out: not named as in BIDS (sub-X_..._%s)", file, suffix)
        elif name.suffix == suffix and _is_raw(name):
            yield file


def _is_raw(name: BidsName) -> bool:
    return name.get("desc") not in _OWN_OUTPUTS


def _other_suffixes(folder: Path) -> str:
    """List the suffixes of what the folder holds instead; empty where it holds no image."""
    names = [parse_name(file.name) for file in _images(folder, _LEVELS) if not _is_mask(file)]
    return ", ".join(sorted({f"*_{name.suffix}" for name in names if name and _is_raw(name)}))


def _series_in(folder: Path, suffix: str) -> list[Input]:
    return [_of_series(series, suffix) for series in find_series(folder, suffix)]


def _of_series(series: Series, suffix: str) -> Input:
    return Input(series.path, name_of(Path(series.name), suffix=suffix))


def _images(root: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """Yield the images below a folder; of one that a link shows once more, the first."""
    seen: set[tuple[Path, str]] = set()
    for file in sorted({file for pattern in patterns for file in root.glob(pattern)}):
        folders = file.relative_to(root).parts[:-1]
        is_skipped = is_hidden(file, root) or not SET_ASIDE.isdisjoint(folders)
        itself = file.resolve(), file.name
        if _is_image(file) and not is_skipped and itself not in seen:
            seen.add(itself)
            yield file


def _is_image(path: Path) -> bool:
    return path.name.lower().endswith(_SCAN_EXTENSIONS) and not path.is_dir()


def _is_mask(path: Path) -> bool:
    return stem_of(path.name).lower().endswith("_mask")


def _refuse_collisions(found: list[Input]) -> None:
    by_output: dict[str, Path] = {}
    for scan in found:
        output = output_name(scan.name, {}, f"_{scan.name.suffix}")
        if output in by_output:
            raise UsageError(
                f"Expected a name of its own for the outputs of each scan, found that "
                f"{by_output[output]} and {scan.path} would both be {output}. "
                "Rename or remove one of them."
            )
        by_output[output] = scan.path


def _belongs(mask: BidsName, scan: BidsName) -> bool:
    is_same_person = (mask.subject, mask.session) == (scan.subject, scan.session)
    return is_same_person and set(mask.acquisition) <= set(scan.acquisition)


def _has_same_space(mask: BidsName, scan: BidsName) -> bool:
    return mask.get("space") == scan.get("space")


def _has_same_acquisition(mask: BidsName, scan: BidsName) -> bool:
    return set(mask.acquisition) == set(scan.acquisition)
