"""Names are taken apart without loss and outputs are named as the documentation says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionless.data.bids import BidsName, name_of, output_name, output_paths, parse_name, stem_of
from lesionless.errors import UsageError

ATLAS = "MNI152NLin2009aSym"


def names_below(folder: Path, file_name: str) -> list[str]:
    paths = output_paths(folder, name_of(Path(file_name)), atlas=ATLAS)
    return [path.relative_to(folder).as_posix() for path in vars(paths).values()]


def test_outputs_of_a_plain_bids_name_are_those_documented(tmp_path: Path) -> None:
    assert names_below(tmp_path, "sub-X_FLAIR.nii.gz") == [
        "sub-X/anat/sub-X_space-orig_desc-anomaly_FLAIR.nii.gz",
        "sub-X/anat/sub-X_space-orig_label-L_mask.nii.gz",
        "sub-X/anat/sub-X_space-orig_desc-brain_mask.nii.gz",
        "sub-X/anat/sub-X_space-orig_desc-lesionless_FLAIR.nii.gz",
        "sub-X/anat/sub-X_space-orig_desc-lesions_dseg.nii.gz",
        "sub-X/anat/sub-X_desc-lesions.tsv",
        "sub-X/anat/sub-X_from-orig_to-MNI152NLin2009aSym_xfm.txt",
        "sub-X.html",
    ]


def test_outputs_keep_session_acquisition_and_run(tmp_path: Path) -> None:
    names = names_below(tmp_path, "sub-X_ses-Y_acq-3d_run-2_FLAIR.nii")
    assert (
        names[0] == "sub-X/ses-Y/anat/sub-X_ses-Y_acq-3d_run-2_space-orig_desc-anomaly_FLAIR.nii.gz"
    )
    assert all("sub-X_ses-Y_acq-3d_run-2" in name for name in names)


def test_two_suffixes_of_a_session_share_no_file(tmp_path: Path) -> None:
    flair, t1w, t2w = (
        names_below(tmp_path, f"sub-X_ses-Y_run-2_{suffix}.nii.gz")
        for suffix in ("FLAIR", "T1w", "T2w")
    )
    assert len({*flair, *t1w, *t2w}) == 3 * len(flair)
    assert t1w == [
        "sub-X/ses-Y/anat/sub-X_ses-Y_run-2_mod-T1w_space-orig_desc-anomaly_T1w.nii.gz",
        "sub-X/ses-Y/anat/sub-X_ses-Y_run-2_mod-T1w_space-orig_label-L_mask.nii.gz",
        "sub-X/ses-Y/anat/sub-X_ses-Y_run-2_mod-T1w_space-orig_desc-brain_mask.nii.gz",
        "sub-X/ses-Y/anat/sub-X_ses-Y_run-2_mod-T1w_space-orig_desc-lesionless_T1w.nii.gz",
        "sub-X/ses-Y/anat/sub-X_ses-Y_run-2_mod-T1w_space-orig_desc-lesions_dseg.nii.gz",
        "sub-X/ses-Y/anat/sub-X_ses-Y_run-2_mod-T1w_desc-lesions.tsv",
        "sub-X/ses-Y/anat/sub-X_ses-Y_run-2_mod-T1w_from-orig_to-MNI152NLin2009aSym_xfm.txt",
        "sub-X_ses-Y_run-2_mod-T1w.html",
    ]


def test_what_lies_beside_a_map_is_found_by_its_entities(tmp_path: Path) -> None:
    for suffix in ("FLAIR", "T1w"):
        paths = output_paths(tmp_path, name_of(Path(f"sub-X_{suffix}.nii")), atlas=ATLAS)
        own = name_of(paths.anomaly)
        orig = {"space": "orig"}
        assert output_name(own, orig | {"label": "L"}, "_mask.nii.gz") == paths.segmentation.name
        assert output_name(own, orig | {"desc": "brain"}, "_mask.nii.gz") == paths.brain.name
        assert output_name(own, {"desc": "lesions"}, ".tsv") == paths.lesions.name


def test_space_and_desc_of_a_stripped_input_give_way_to_those_of_the_output(
    tmp_path: Path,
) -> None:
    names = names_below(tmp_path, "sub-07_space-MNI152_desc-brain_FLAIR.nii.gz")
    assert names[0] == "sub-07/anat/sub-07_space-orig_desc-anomaly_FLAIR.nii.gz"


def test_output_entities_go_to_their_place_in_the_order_of_bids() -> None:
    name = BidsName(entities=(("sub", "1"), ("run", "1"), ("res", "2")), suffix="FLAIR")
    expected = "sub-1_run-1_space-orig_res-2_desc-anomaly_FLAIR.nii.gz"
    entities = {"desc": "anomaly", "space": "orig"}
    assert output_name(name, entities, "_FLAIR.nii.gz") == expected


@pytest.mark.parametrize(
    "plain",
    [
        "patient7.nii.gz",
        "sub-7.nii.gz",
        "FLAIR.nii.gz",
        "sub-_FLAIR.nii.gz",
        "acq-1_sub-7_FLAIR.nii.gz",
        "sub-7_acq-1_acq-2_FLAIR.nii.gz",
        "sub-7_old_FLAIR.nii.gz",
        "sub-7_FLAIR copy.nii.gz",
    ],
)
def test_other_names_are_not_taken_for_bids(plain: str) -> None:
    assert parse_name(plain) is None


@pytest.mark.parametrize(
    ("file_name", "subject"),
    [
        ("patient_7.nii.gz", "patient7"),
        ("Müller, FLAIR.v2.nii", "MullerFLAIRv2"),
        ("scan.IMG", "scan"),
    ],
)
def test_plain_names_are_reduced_to_letters_and_digits(file_name: str, subject: str) -> None:
    name = name_of(Path("folder") / file_name, suffix="T2w")
    assert name.stem == f"sub-{subject}_T2w"


def test_a_plain_name_without_letters_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"--\.nii"):
        name_of(Path("--.nii"))


LABELS = st.text("abcXYZ019", min_size=1, max_size=4)
KEYS = st.lists(
    st.sampled_from(["ses", "acq", "run", "space", "res", "label", "desc"]), unique=True
)


@given(subject=LABELS, keys=KEYS, label=LABELS, suffix=st.sampled_from(["FLAIR", "T1w", "mask"]))
def test_a_name_taken_apart_and_joined_is_the_same_name(
    subject: str, keys: list[str], label: str, suffix: str
) -> None:
    stem = "_".join([f"sub-{subject}", *(f"{key}-{label}" for key in keys), suffix])
    name = parse_name(f"{stem}.nii.gz")
    assert name is not None
    assert name.stem == stem
    assert (name.subject, name.session) == (subject, label if "ses" in keys else None)


@pytest.mark.parametrize("extension", [".nii", ".nii.gz", ".img", ".hdr", ".NII.GZ"])
def test_the_extension_is_cut_off_whole(extension: str) -> None:
    assert stem_of(f"a.b{extension}") == "a.b"
