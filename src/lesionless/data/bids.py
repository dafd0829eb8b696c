"""BIDS file names: taken apart for inputs, put together for outputs."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lesionless.errors import UsageError

# The order of the entities in a name: BIDS specification 1.10, appendix "Entity table"
ENTITY_ORDER = (
    *("sub", "ses", "sample", "task", "tracksys", "acq", "nuc", "voi", "ce", "trc", "stain"),
    *("rec", "dir", "run", "mod", "echo", "flip", "inv", "mt", "part", "proc", "hemi"),
    *("from", "to", "mode", "space", "split", "recording", "chunk", "seg", "res", "den"),
    *("label", "desc"),
)
IMAGE_ENTITIES = frozenset({"space", "label", "desc"})
"""Entities that say what was made of an acquisition, not which acquisition it was."""

SET_ASIDE = frozenset({"derivatives", "sourcedata", "code"})
"""Folders of a tree that hold none of its scans."""

PLAIN_SUFFIX = "FLAIR"
"""The suffix of the scans whose outputs need no `mod` in their names."""

NIFTI_EXTENSIONS = (".nii.gz", ".nii", ".img.gz", ".img", ".hdr.gz", ".hdr")

_ENTITY = re.compile(r"([A-Za-z]+)-([^_\s]+)")
_SUFFIX = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True)
class BidsName:
    """Hold the parts of one BIDS file name, in their order.

    Attributes:
        entities: Pairs of key and value; the first is `sub`.
        suffix: What kind of image it is, for example `FLAIR`.
    """

    entities: tuple[tuple[str, str], ...]
    suffix: str

    @property
    def subject(self) -> str:
        """Return the subject label, without `sub-`."""
        return dict(self.entities)["sub"]

    @property
    def session(self) -> str | None:
        """Return the session label, without `ses-`, or None."""
        return dict(self.entities).get("ses")

    @property
    def stem(self) -> str:
        """Return the whole name without extension."""
        return f"{_joined(self.entities)}_{self.suffix}"

    @property
    def acquisition(self) -> tuple[tuple[str, str], ...]:
        """Return the entities that tell scans apart: all but `IMAGE_ENTITIES`."""
        return tuple(pair for pair in self.entities if pair[0] not in IMAGE_ENTITIES)

    def get(self, key: str) -> str | None:
        """Return the value of an entity, or None if the name has none such."""
        return dict(self.entities).get(key)


@dataclass(frozen=True)
class OutputPaths:
    """List the files that one segmented scan gets.

    Attributes:
        anomaly: The anomaly map.
        segmentation: The lesion mask at the model's operating point.
        brain: The brain mask.
        reconstruction: The scan as it would look without lesions.
        labels: The lesions, each voxel with the number that the table gives its lesion.
        lesions: The table of components.
        transform: From the scan to the atlas.
        page: The page to look at; it lies at the top of the folder.
    """

    anomaly: Path
    segmentation: Path
    brain: Path
    reconstruction: Path
    labels: Path
    lesions: Path
    transform: Path
    page: Path

    @property
    def images(self) -> tuple[Path, ...]:
        """Return the images that all versions wrote, each of which has a JSON file beside it."""
        return self.brain, self.reconstruction, self.segmentation, self.anomaly


def parse_name(file_name: str) -> BidsName | None:
    """Take a BIDS file name apart; return None for any other name.

    >>> parse_name("sub-07_ses-1_acq-3d_FLAIR.nii.gz").entities
    (('sub', '07'), ('ses', '1'), ('acq', '3d'))
    >>> parse_name("patient7.nii.gz") is None
    True
    """
    *parts, suffix = stem_of(file_name).split("_")
    matches = [_ENTITY.fullmatch(part) for part in parts]
    pairs = tuple((match[1], match[2]) for match in matches if match)
    is_whole = len(pairs) == len(parts) > 0 and len(dict(pairs)) == len(pairs)
    if not is_whole or pairs[0][0] != "sub" or not _SUFFIX.fullmatch(suffix):
        return None
    return BidsName(entities=pairs, suffix=suffix)


def name_of(path: Path, *, suffix: str = "FLAIR") -> BidsName:
    """Return the BIDS name of a scan; a plain name is reduced to letters and digits.

    Args:
        path: The scan.
        suffix: The suffix that a plain name gets.

    Raises:
        UsageError: The plain name holds no letter or digit at all.

    >>> name_of(Path("Patient 7, visit-2.nii")).stem
    'sub-Patient7visit2_FLAIR'
    """
    name = parse_name(path.name)
    if name is not None:
        return name
    plain = unicodedata.normalize("NFKD", stem_of(path.name))
    subject = re.sub(r"[^A-Za-z0-9]", "", plain)
    if not subject:
        raise UsageError(
            f"{path}: expected a file name with letters or digits, found none, so outputs "
            "cannot be named. Rename the file."
        )
    return BidsName(entities=(("sub", subject),), suffix=suffix)


def stem_of(file_name: str) -> str:
    """Return a file name without its NIfTI extension."""
    for extension in NIFTI_EXTENSIONS:
        if file_name.lower().endswith(extension):
            return file_name[: -len(extension)]
    return file_name


def output_name(name: BidsName, entities: Mapping[str, str], ending: str) -> str:
    """Name an output: the acquisition's entities, those of the output, and an ending.

    Args:
        name: The input's name. Its `space`, `label` and `desc` are not kept.
        entities: Entities of the output; each goes to its place in the order of BIDS.
        ending: Suffix and extension, for example `_mask.nii.gz`; or an extension alone.
    """
    pairs = list(name.acquisition)
    for key, value in entities.items():
        pairs.insert(_place(key, pairs), (key, value))
    return _joined(pairs) + ending


def output_paths(folder: Path, name: BidsName, *, atlas: str) -> OutputPaths:
    """Name every output of one scan below a folder.

    Scans of one session that differ in their suffix alone must not share files. Masks, table,
    transform and page have no suffix of the scan, so all names of a scan other than FLAIR hold
    the entity `mod`; the maps too, so that what lies beside them is found by their entities.

    Args:
        folder: The root of the derivative.
        name: The input's name.
        atlas: Name of the atlas space, for example `MNI152NLin2009aSym`.

    Source: `mod-T1w` in a mask's name is BIDS's own, there for defacing masks alone.
    """
    name = _told_by_modality(name)
    place = anat_folder(folder, name)
    orig = {"space": "orig"}
    image = f"_{name.suffix}.nii.gz"

    def path(entities: Mapping[str, str], ending: str) -> Path:
        return place / output_name(name, entities, ending)

    return OutputPaths(
        anomaly=anomaly_path(folder, name),
        segmentation=path(orig | {"label": "L"}, "_mask.nii.gz"),
        brain=path(orig | {"desc": "brain"}, "_mask.nii.gz"),
        reconstruction=path(orig | {"desc": "lesionless"}, image),
        labels=path(orig | {"desc": "lesions"}, "_dseg.nii.gz"),
        lesions=path({"desc": "lesions"}, ".tsv"),
        transform=path({"from": "orig", "to": atlas}, "_xfm.txt"),
        page=folder / output_name(name, {}, ".html"),
    )


def anomaly_path(folder: Path, name: BidsName) -> Path:
    """Name the anomaly map of a scan, which is written last; see `output_paths`."""
    name = _told_by_modality(name)
    entities = {"space": "orig", "desc": "anomaly"}
    return anat_folder(folder, name) / output_name(name, entities, f"_{name.suffix}.nii.gz")


def anat_folder(folder: Path, name: BidsName) -> Path:
    """Return `folder/sub-X[/ses-Y]/anat`, where the images of a scan lie."""
    subject = folder / f"sub-{name.subject}"
    return (subject / f"ses-{name.session}" if name.session else subject) / "anat"


def _told_by_modality(name: BidsName) -> BidsName:
    """Return a name in which `mod` says what the suffix does; that of a FLAIR stays as it is."""
    if name.suffix == PLAIN_SUFFIX or name.get("mod") is not None:
        return name
    pairs = list(name.entities)
    pairs.insert(_place("mod", pairs), ("mod", name.suffix))
    return BidsName(entities=tuple(pairs), suffix=name.suffix)


def _joined(pairs: tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> str:
    return "_".join(f"{key}-{value}" for key, value in pairs)


def _place(key: str, pairs: list[tuple[str, str]]) -> int:
    """Return where an entity goes among those that keep their order."""
    later = ENTITY_ORDER[ENTITY_ORDER.index(key) + 1 :]
    return next((at for at, (other, _) in enumerate(pairs) if other in later), len(pairs))
