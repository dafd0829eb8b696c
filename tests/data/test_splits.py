"""No subject stands in two parts, and slices near a lesion are never normal."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionless.data.participants import Participant
from lesionless.data.splits import (
    Split,
    lesion_free_slices,
    name_without_mask,
    normal_slices,
    split_subjects,
)
from lesionless.errors import UsageError

SUBJECTS = st.lists(st.text("abc0123", min_size=1, max_size=4), min_size=4, max_size=30)
PARTS = st.sampled_from(["train", "val", "test", None])


def members(split: Split) -> list[str]:
    return sorted([*split.train, *split.val, *split.test])


@given(
    subjects=SUBJECTS,
    seed=st.integers(0, 2**32),
    val=st.floats(0, 0.3),
    test=st.floats(0, 0.3),
)
def test_a_drawn_split_has_every_subject_in_exactly_one_part(
    subjects: list[str], seed: int, val: float, test: float
) -> None:
    labels = sorted({*subjects, "x", "y", "z"})
    split = split_subjects(labels, {}, seed=seed, val_fraction=val, test_fraction=test)
    assert members(split) == labels
    assert (len(split.val) > 0, len(split.test) > 0) == (val > 0, test > 0)


@given(subjects=SUBJECTS, seed=st.integers(0, 100))
def test_a_drawn_split_does_not_depend_on_the_order_of_the_subjects(
    subjects: list[str], seed: int
) -> None:
    labels = [*subjects, "x", "y"]
    backwards = split_subjects(reversed(labels), {}, seed=seed)
    assert split_subjects(labels, {}, seed=seed) == backwards


@given(splits=st.lists(PARTS, min_size=2, max_size=20))
def test_a_given_split_is_followed_and_names_each_subject_at_most_once(
    splits: list[str | None],
) -> None:
    table = {f"{n}": Participant(f"{n}", split=part) for n, part in enumerate(splits)}
    split = split_subjects(table, {**table, "other": Participant("other", split="train")}, seed=0)
    assert len(members(split)) == len(set(members(split)))
    if not any(splits):
        assert members(split) == sorted(table)
    elif "val" in splits:
        assert all(split.part_of(label) == table[label].split for label in table)


def test_where_the_table_names_nobody_to_validate_they_are_drawn_from_those_who_train() -> None:
    parts = {"1": "train", "2": "train", "3": "train", "4": "train", "5": "test"}
    table = {label: Participant(label, split=part) for label, part in parts.items()}
    split = split_subjects(table, table, seed=0)
    assert (len(split.train), len(split.val), split.test) == (3, 1, ("5",))
    assert sorted([*split.train, *split.val]) == ["1", "2", "3", "4"]
    alone = {"1": Participant("1", split="train")}
    assert split_subjects(alone, alone, seed=0) == Split(train=("1",), val=())


def test_the_shares_are_those_asked_for() -> None:
    labels = [f"{n:02d}" for n in range(60)]
    split = split_subjects(labels, {}, seed=3, val_fraction=0.2, test_fraction=0.1)
    assert (len(split.train), len(split.val), len(split.test)) == (42, 12, 6)


def test_another_seed_draws_another_split() -> None:
    labels = [f"{n:02d}" for n in range(60)]
    assert split_subjects(labels, {}, seed=1) != split_subjects(labels, {}, seed=2)


def test_subjects_without_a_given_split_are_left_out_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = {"1": Participant("1", split="train")}
    with caplog.at_level(logging.WARNING):
        assert split_subjects(["1", "2"], table, seed=0) == Split(train=("1",), val=())
    assert "left out: 2" in caplog.text


@pytest.mark.parametrize(("n", "val", "test"), [(1, 0.2, 0), (2, 0.2, 0.2), (0, 0, 0)])
def test_a_split_that_leaves_nobody_to_train_is_refused(n: int, val: float, test: float) -> None:
    labels = [str(at) for at in range(n)]
    with pytest.raises(UsageError, match="to train on"):
        split_subjects(labels, {}, seed=0, val_fraction=val, test_fraction=test)


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_a_fraction_outside_its_range_is_refused(fraction: float) -> None:
    with pytest.raises(UsageError, match="fraction"):
        split_subjects(["1", "2"], {}, seed=0, val_fraction=fraction)


def lesion_in(n_slices: int, slices: list[int]) -> np.ndarray:
    lesion = np.zeros((n_slices, 4, 4), dtype=bool)
    lesion[slices, 2, 3] = True
    return lesion


@pytest.mark.parametrize(
    ("margin", "free"),
    [(0, [0, 1, 2, 3, 5, 6, 7, 8]), (1, [0, 1, 2, 6, 7, 8]), (2, [0, 1, 7, 8])],
)
def test_slices_within_the_margin_of_a_lesion_are_not_free(margin: int, free: list[int]) -> None:
    assert np.flatnonzero(lesion_free_slices(lesion_in(9, [4]), margin=margin)).tolist() == free


def test_the_ends_of_a_scan_are_treated_like_its_middle() -> None:
    free = lesion_free_slices(lesion_in(9, [0, 8]), margin=2)
    assert np.flatnonzero(free).tolist() == [3, 4, 5]
    assert lesion_free_slices(lesion_in(9, []), margin=2).all()


@given(
    has_lesion=st.lists(st.booleans(), min_size=1, max_size=30),
    margin=st.integers(0, 4),
)
def test_a_slice_is_free_if_and_only_if_no_lesion_lies_within_the_margin(
    has_lesion: list[bool], margin: int
) -> None:
    lesion = lesion_in(len(has_lesion), np.flatnonzero(has_lesion).tolist())
    near = [any(has_lesion[max(0, at - margin) : at + margin + 1]) for at in range(len(has_lesion))]
    assert lesion_free_slices(lesion, margin=margin).tolist() == [not is_near for is_near in near]


@pytest.mark.parametrize(
    ("group", "lesion", "n_normal"),
    [
        ("healthy", None, 9),
        ("control", lesion_in(9, [4]), 9),
        ("patient", lesion_in(9, [4]), 4),
        (None, lesion_in(9, [4]), 4),
        ("patient", None, 0),
        (None, None, 9),
    ],
)
def test_the_rule_of_normals(group: str | None, lesion: np.ndarray | None, n_normal: int) -> None:
    normal = normal_slices(lesion, 9, Participant("7", group=group), margin=2)
    assert (normal.shape, int(normal.sum())) == ((9,), n_normal)


@pytest.mark.parametrize(("group", "share"), [("patient", "none"), (None, "all")])
def test_subjects_without_a_mask_are_named(
    group: str | None, share: str, caplog: pytest.LogCaptureFixture
) -> None:
    name_without_mask(Participant("7", group=group))
    assert "sub-7: no lesion mask" in caplog.text
    assert f"{share} of its slices count as normal" in caplog.text
