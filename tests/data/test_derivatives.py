"""Descriptions, sidecars and tables say what BIDS wants, and a foreign data set is left alone."""

import json
from pathlib import Path

import numpy as np
import pytest

from lesionless.data.derivatives import (
    read_sidecar,
    write_dataset_description,
    write_json,
    write_sidecar,
    write_tsv,
)
from lesionless.errors import UsageError


def test_the_description_names_the_tool_and_its_sources(tmp_path: Path) -> None:
    source = tmp_path / "raw data"
    write_dataset_description(tmp_path / "out", name="Lesion maps", sources=[source])
    description = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"
    assert description["GeneratedBy"][0]["Name"] == "lesionless"
    assert description["SourceDatasets"] == [{"URL": source.as_uri()}]
    assert description["Name"] == "Lesion maps"
    assert description["BIDSVersion"].startswith("1.")


def test_an_own_description_is_written_again(tmp_path: Path) -> None:
    write_dataset_description(tmp_path, name="One")
    write_dataset_description(tmp_path, name="Two")
    assert '"Two"' in (tmp_path / "dataset_description.json").read_text()


@pytest.mark.parametrize(
    "text",
    [
        '{"Name": "cohort", "BIDSVersion": "1.8.0", "DatasetType": "raw"}',
        '{"Name": "maps", "GeneratedBy": [{"Name": "fmriprep"}]}',
        "[]",
        "no JSON",
    ],
)
def test_a_foreign_data_set_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset_description.json").write_text(text)
    with pytest.raises(UsageError, match="another folder"):
        write_dataset_description(tmp_path, name="Lesion maps")
    assert (tmp_path / "dataset_description.json").read_text() == text


@pytest.mark.parametrize(
    ("file_name", "sidecar"),
    [
        ("sub-1_acq-1.5_FLAIR.nii.gz", "sub-1_acq-1.5_FLAIR.json"),
        ("sub-1_desc-lesions.tsv", "sub-1_desc-lesions.json"),
        ("sub-1_from-orig_to-A_xfm.txt", "sub-1_from-orig_to-A_xfm.json"),
    ],
)
def test_a_sidecar_lies_beside_its_file(tmp_path: Path, file_name: str, sidecar: str) -> None:
    path = write_sidecar(tmp_path / file_name, {"Threshold": 2.5})
    assert path == tmp_path / sidecar
    assert json.loads(path.read_text()) == {"Threshold": 2.5}


def test_json_takes_arrays_and_writes_nan_as_null(tmp_path: Path) -> None:
    content = {"path": tmp_path, "means": np.array([1.0, np.nan]), "n": np.int64(3)}
    write_json(tmp_path / "a.json", content)
    expected = {"path": str(tmp_path), "means": [1.0, None], "n": 3}
    assert json.loads((tmp_path / "a.json").read_text()) == expected


def test_a_table_has_tabs_and_says_where_nothing_is_known(tmp_path: Path) -> None:
    rows = [
        ["1", 0.123456789, np.float32(2), None],
        ["a\tb\nc", float("nan"), np.float32("nan"), 7],
    ]
    write_tsv(tmp_path / "a.tsv", ["name", "volume_ml", "score", "n"], rows)
    expected = "name\tvolume_ml\tscore\tn\n1\t0.123457\t2\tn/a\na b c\tn/a\tn/a\t7\n"
    assert (tmp_path / "a.tsv").read_bytes() == expected.encode()


def test_a_row_of_another_length_leaves_no_table(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 fields"):
        write_tsv(tmp_path / "a.tsv", ["a", "b"], [["1"]])
    assert list(tmp_path.iterdir()) == []


def test_a_sidecar_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    image = tmp_path / "sub-1_desc-anomaly_FLAIR.nii.gz"
    assert read_sidecar(image) == {}
    sidecar = write_sidecar(image, {"Threshold": 2.5})
    assert read_sidecar(image) == {"Threshold": 2.5}
    for text in ("{", "[1]"):
        sidecar.write_text(text)
        assert read_sidecar(image) == {}
