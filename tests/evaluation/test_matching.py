import pytest

from lesionless.errors import UsageError
from lesionless.evaluation.matching import match


@pytest.fixture
def folders(tmp_path):
    def make(maps=(), truths=()):
        for folder, names in (("segmented", maps), ("truth", truths)):
            (tmp_path / folder).mkdir(exist_ok=True)
            for name in names:
                path = tmp_path / folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        return tmp_path / "segmented", tmp_path / "truth"

    return make


def ours(scan, folder="anat"):
    return [
        f"{folder}/{scan}_space-orig_{ending}"
        for ending in (
            "desc-anomaly_FLAIR.nii.gz",
            "label-L_mask.nii.gz",
            "desc-brain_mask.nii.gz",
            "desc-lesionless_FLAIR.nii.gz",
        )
    ]


def test_own_maps_are_matched_by_their_names(folders):
    found = match(
        *folders(
            ours("sub-1") + ours("sub-10"),
            [
                "derivatives/sub-1/anat/sub-1_label-lesion_mask.nii.gz",
                "sub-10_label-lesion_mask.nii",
            ],
        )
    )
    first, second = found.found
    assert (first.subject, first.name) == ("1", "sub-1")
    assert first.score.name == "sub-1_space-orig_desc-anomaly_FLAIR.nii.gz"
    assert first.segmentation.name == "sub-1_space-orig_label-L_mask.nii.gz"
    assert first.brain.name == "sub-1_space-orig_desc-brain_mask.nii.gz"
    assert first.truth.name == "sub-1_label-lesion_mask.nii.gz"
    assert second.subject == "10"
    assert found.without_map == ()


def test_sessions_go_to_their_own_reference(folders):
    sessions = [f"sub-1_ses-{n}_acq-3d" for n in (1, 2)]
    found = match(
        *folders(
            ours(sessions[0]) + ours(sessions[1]),
            [f"sub-1_ses-{n}_label-lesion_mask.nii.gz" for n in (1, 2)],
        )
    )
    assert [entry.name for entry in found.found] == sessions
    assert [entry.truth.name[:11] for entry in found.found] == ["sub-1_ses-1", "sub-1_ses-2"]


def test_what_is_missing_is_listed(folders):
    found = match(
        *folders(
            ours("sub-1") + ours("sub-2")[:1],
            ["sub-1_label-lesion_mask.nii.gz", "sub-3_label-lesion_mask.nii.gz"],
        )
    )
    assert [path.name for path in found.without_map] == ["sub-3_label-lesion_mask.nii.gz"]
    assert [entry.subject for entry in found.found] == ["1"]


@pytest.mark.parametrize("subjects", [["2", "3"], ["sub-3", "sub-2"]])
def test_only_the_subjects_asked_for_are_matched(folders, subjects):
    truths = [f"sub-{subject}_label-lesion_mask.nii.gz" for subject in (1, 2, 3)]
    both = folders(ours("sub-1") + ours("sub-2"), truths)
    found = match(*both, subjects=subjects)
    assert [entry.subject for entry in found.found] == ["2"]
    assert [path.name[:5] for path in found.without_map] == ["sub-3"]
    with pytest.raises(UsageError, match="found none of 4"):
        match(*both, subjects=["2", "4"])


def test_healthy_subjects_need_no_reference(folders):
    maps = [name for scan in ("sub-1", "sub-2_ses-1", "sub-3", "sub-4") for name in ours(scan)]
    truths = [f"sub-{subject}_label-lesion_mask.nii.gz" for subject in (1, 4)]
    both = folders(maps, truths)
    found = match(*both, healthy={"2", "4", "9"})
    assert [(each.name, each.truth is None) for each in found.found] == [
        ("sub-1", False),
        ("sub-2_ses-1", True),
        ("sub-4", False),
    ]
    assert [path.name[:5] for path in found.without_truth] == ["sub-3"]
    assert match(*both, healthy={"2"}, subjects=["2"]).without_truth == ()
    assert [path.name[:5] for path in match(*both).without_truth] == ["sub-2", "sub-3"]


def test_healthy_subjects_alone_are_judged(folders):
    both = folders([*ours("sub-1"), "P2.nii"], [])
    assert [each.name for each in match(*both, healthy={"1"}).found] == ["sub-1"]
    (found,) = match(*both, healthy={"2"}, pattern="P{subject}.nii").found
    assert (found.subject, found.name, found.truth) == ("2", "sub-2", None)
    with pytest.raises(UsageError, match="Labels there: none"):
        match(*both, healthy={"3"})


def test_several_maps_of_a_healthy_subject_that_fit_a_pattern_are_left(folders):
    both = folders(["1_a.nii", "2_a.nii", "2_b.nii"], ["sub-1_label-lesion_mask.nii.gz"])
    found = match(*both, healthy={"2"}, pattern="{subject}_*.nii").found
    assert [each.name for each in found] == ["sub-1"]


def test_a_map_without_masks_beside_it_is_taken(folders):
    found = match(*folders(ours("sub-1")[:1], ["sub-1_label-lesion_mask.nii.gz"]))
    assert found.found[0].segmentation is found.found[0].brain is None


def test_the_label_chooses_the_reference(folders):
    paths = folders(
        ours("sub-1"), [f"sub-1_label-{label}_mask.nii.gz" for label in ("lesion", "ventricles")]
    )
    found = match(*paths, label="ventricles")
    assert found.found[0].truth.name == "sub-1_label-ventricles_mask.nii.gz"
    with pytest.raises(UsageError, match="Labels there: lesion, ventricles"):
        match(*paths, label="tumour")


@pytest.mark.parametrize(
    ("pattern", "maps"),
    [
        ("{subject}_prob.nii.gz", ["1_prob.nii.gz", "10_prob.nii.gz"]),
        ("{subject}/*_prob.nii.gz", ["1/a_prob.nii.gz", "10/b_prob.nii.gz", "1/a_mask.nii.gz"]),
        ("*{subject}*.nii", ["x/sub-1_y.nii", "x/sub-10_y.nii"]),
        ("P{subject}.nii.gz", ["P1.nii.gz", "P10.nii.gz"]),
    ],
)
def test_maps_of_other_tools_are_found_by_pattern(folders, pattern, maps):
    truths = [f"sub-{subject}_label-lesion_mask.nii.gz" for subject in (1, 10)]
    found = match(*folders(maps, truths), pattern=pattern)
    assert [entry.subject for entry in found.found] == ["1", "10"]
    assert [entry.score.name for entry in found.found] == [path.split("/")[-1] for path in maps[:2]]
    assert found.found[0].segmentation is None


def test_a_subject_whose_label_starts_like_another_is_not_taken_for_it(folders):
    truths = [f"sub-{subject}_label-lesion_mask.nii.gz" for subject in (1, 2)]
    found = match(*folders(["sub-10.nii.gz", "sub-2.nii.gz"], truths), pattern="*{subject}*.nii.gz")
    assert [entry.subject for entry in found.found] == ["2"]
    assert [path.name[:5] for path in found.without_map] == ["sub-1"]


def test_a_pattern_may_name_the_session(folders):
    found = match(
        *folders(
            ["1/a/prob.nii.gz", "1/b/prob.nii.gz"],
            [f"sub-1_ses-{session}_label-lesion_mask.nii.gz" for session in "ab"]
            + ["sub-2_label-lesion_mask.nii.gz"],
        ),
        pattern="{subject}/{session}/prob.nii.gz",
    )
    assert [entry.score.parent.name for entry in found.found] == ["a", "b"]
    assert [path.name[:5] for path in found.without_map] == ["sub-2"]


@pytest.mark.parametrize(
    ("maps", "truths", "pattern", "message"),
    [
        (
            ours("sub-1_run-1") + ours("sub-1_run-2"),
            ["sub-1_label-lesion_mask.nii.gz"],
            None,
            "expected one map, found 2: sub-1_run-1_space-orig_desc-anomaly",
        ),
        (
            ours("sub-1"),
            ["a/sub-1_label-lesion_mask.nii.gz", "b/sub-1_label-lesion_mask.nii.gz"],
            None,
            "expected one reference mask, found 2",
        ),
        (
            ["1_a.nii", "1_b.nii"],
            ["sub-1_label-lesion_mask.nii.gz"],
            "{subject}_*.nii",
            "expected one map, found 2: 1_a.nii, 1_b.nii",
        ),
        (ours("sub-2"), ["sub-1_label-lesion_mask.nii.gz"], None, "found none that fit"),
        ([], ["sub-1_label-lesion_mask.nii.gz"], "*.nii", r"a pattern with \{subject\} in it"),
        (ours("sub-1"), ["lesions.nii.gz"], None, "Labels there: none"),
    ],
)
def test_doubt_is_an_error(folders, maps, truths, pattern, message):
    with pytest.raises(UsageError, match=message):
        match(*folders(maps, truths), pattern=pattern)


@pytest.mark.parametrize("pattern", [None, "*{subject}_*anomaly*.nii.gz"])
def test_what_a_stopped_run_left_is_no_map_and_no_reference(folders, pattern):
    found = match(
        *folders(
            ours("sub-1") + ours("sub-1", "anat/.partial-x") + ours("sub-2", ".old/anat"),
            [f"{folder}sub-1_label-lesion_mask.nii.gz" for folder in ("", ".partial-y/")],
        ),
        pattern=pattern,
    )
    assert [entry.score.parent.name for entry in found.found] == ["anat"]
    assert found.without_map == ()


def test_a_hidden_folder_above_hides_nothing(folders, tmp_path):
    segmented, truth = folders(ours("sub-1"), ["sub-1_label-lesion_mask.nii.gz"])
    moved = segmented.rename(tmp_path / ".results")
    assert len(match(moved, truth).found) == 1


def test_missing_folders_are_named(folders, tmp_path):
    segmented, truth = folders(ours("sub-1"), ["sub-1_label-lesion_mask.nii.gz"])
    with pytest.raises(UsageError, match="a folder of reference masks, found none"):
        match(segmented, tmp_path / "nowhere")
    for pattern in (None, "{subject}.nii"):
        with pytest.raises(UsageError, match=r"nowhere: expected a folder of (anomaly )?maps"):
            match(tmp_path / "nowhere", truth, pattern=pattern)


def test_a_dot_in_a_label_stands_for_itself(folders):
    maps, truths = ["sub-a.1.nii.gz", "sub-ax1.nii.gz"], ["sub-a.1_label-lesion_mask.nii.gz"]
    (found,) = match(*folders(maps, truths), pattern="sub-{subject}.nii.gz").found
    assert found.score.name == "sub-a.1.nii.gz"
