"""Who is reported: nobody that the models of the same benchmark learnt from."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lesionless import store
from lesionless.data.splits import Split
from lesionless.errors import UsageError
from lesionless.experiment import Cohort, Experiment, MethodRow
from lesionless.preprocess.prepared import Geometry, PreparedScan
from lesionless.stages.benchmark import Stores, patients_of, prepare_cohort
from lesionless.stages.normals import split_of
from lesionless.stages.reported import (
    load_reported,
    notes,
    reported_scans,
    warn_of_shared_subjects,
)
from lesionless.training.normals import NormalsSettings

SHAPE = (2, 16, 16)
LABELS = ("1", "2", "3", "4")

MakeStore = Callable[..., Path]


@pytest.fixture
def make_store(tmp_path: Path) -> MakeStore:
    def make(
        name: str, labels: tuple[str, ...] = LABELS, splits: Mapping[str, str] | None = None
    ) -> Path:
        for label in labels:
            store.save(tmp_path / name, patient(label))
        if splits:
            rows = "".join(f"sub-{label}\t{split}\n" for label, split in splits.items())
            (tmp_path / name / "participants.tsv").write_text(f"participant_id\tsplit\n{rows}")
        return tmp_path / name

    return make


def patient(label: str) -> PreparedScan:
    lesion = np.zeros(SHAPE, bool)
    lesion[0, 8, 8] = True
    return PreparedScan(
        name=f"sub-{label}_FLAIR",
        subject=label,
        image=np.full(SHAPE, 0.4, np.float32),
        brain=np.ones(SHAPE, bool),
        lesion=lesion,
        scan_brain=np.ones(SHAPE, bool),
        geometry=Geometry(SHAPE, np.eye(4), np.eye(4), np.eye(4), "MNI152NLin2009aSym"),
        offset=0.0,
        scale=1.0,
    )


def experiment(test_split: str = "all") -> Experiment:
    return Experiment(
        title="one tree",
        cohort=Cohort(test_split=test_split),
        methods=(MethodRow(name="intensity"),),
    )


def reported(test_split: str, normals: Path, patients: Path) -> set[str]:
    paths = patients_of(experiment(test_split), Stores(normals, patients))
    return {store.subject_of(path) for path in paths}


def drawn(folder: Path) -> Split:
    return split_of(folder, NormalsSettings())


def test_nobody_is_left_where_all_patients_of_one_store_train(make_store: MakeStore) -> None:
    one = make_store("one")
    with pytest.raises(UsageError, match=r"--patients.*participants\.tsv.*--test-split val"):
        reported("all", one, one)
    assert reported("val", one, one) == set(drawn(one).val)


def test_all_leaves_out_who_trains_and_who_sets_thresholds(make_store: MakeStore) -> None:
    one = make_store("one", splits={"1": "train", "2": "val", "3": "test", "4": "n/a"})
    assert reported("all", one, one) == {"3", "4"}
    assert reported("test", one, one) == {"3"}
    assert reported("val", one, one) == {"2"}


def test_who_is_drawn_to_set_thresholds_is_no_other_part(make_store: MakeStore) -> None:
    one = make_store("one", splits={"1": "train", "2": "train", "3": "train", "4": "test"})
    assert reported("all", one, one) == {"4"}
    assert reported("val", one, one) == set(drawn(one).val)


def test_one_store_is_one_however_it_is_written(make_store: MakeStore) -> None:
    one = make_store("one", splits={"1": "train", "2": "val", "3": "test", "4": "test"})
    (one.parent / "link").symlink_to(one, target_is_directory=True)
    assert reported("all", one, one.parent / "link") == {"3", "4"}


def test_who_trains_is_refused(make_store: MakeStore) -> None:
    one = make_store("one", splits={"1": "train", "2": "val", "3": "test", "4": "test"})
    with pytest.raises(UsageError, match="no model learns from"):
        reported("train", one, one)


def test_another_store_is_reported_as_its_own_table_says(make_store: MakeStore) -> None:
    normals = make_store("normals")
    patients = make_store("patients", splits={"1": "train", "2": "val", "3": "test", "4": "test"})
    assert reported("all", normals, patients) == set(LABELS)
    assert reported("train", normals, patients) == {"1"}
    assert reported("test", normals, patients) == {"3", "4"}


def test_healthy_subjects_need_no_mask(make_store: MakeStore) -> None:
    normals, patients = make_store("normals"), make_store("patients", ("1",))
    for label in ("2", "3"):
        store.save(patients, replace(patient(label), lesion=None))
    table = "participant_id\tgroup\nsub-1\tpatient\nsub-2\thc\nsub-3\tpatient\n"
    (patients / "participants.tsv").write_text(table)
    assert reported("all", normals, patients) == {"1", "2"}
    first, second = map(load_reported, reported_scans(experiment(), normals, patients))
    assert first.lesion is not None and first.lesion.sum() == 1
    assert second.lesion is not None and second.lesion.shape == SHAPE and not second.lesion.any()


def test_a_report_says_where_thresholds_come_from_the_same_patients(make_store: MakeStore) -> None:
    one, other = make_store("one"), make_store("other")
    (said,) = notes(experiment("val"), one, one)
    assert "also set the thresholds" in said
    assert not notes(experiment("all"), one, one) and not notes(experiment("val"), one, other)


def test_subjects_of_both_stores_are_named(
    make_store: MakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    splits = {"1": "train", "2": "val", "3": "test", "4": "train"}
    normals = make_store("normals", splits=splits)
    with caplog.at_level(logging.WARNING):
        warn_of_shared_subjects(experiment(), normals, make_store("others", labels=("5", "6")))
        warn_of_shared_subjects(experiment(), normals, normals)
    assert not caplog.records
    warn_of_shared_subjects(experiment(), normals, make_store("some", labels=("1", "2", "3")))
    assert "sub-1, sub-2 in both" in caplog.text  # sub-3 is not used


def test_phantoms_are_reported_and_nobody_is_trained_for_nothing(
    cohort: Path, tmp_path: Path
) -> None:
    fast = {"strip": "none", "n4": False, "curvature_iterations": 0, "matrix": 64}
    plan = experiment().model_copy(update={"prepare": fast})
    again = cohort / "derivatives" / ".."
    stores = prepare_cohort(plan, tmp_path, normals=cohort, patients=again)
    assert stores == Stores(tmp_path / "prepared", tmp_path / "prepared")
    assert len(patients_of(plan, stores)) == 1
    with pytest.raises(UsageError, match="no model learns from"):
        refused = plan.model_copy(update={"cohort": Cohort(test_split="train")})
        prepare_cohort(refused, tmp_path, normals=cohort)
