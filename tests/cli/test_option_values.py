"""Values of options that cannot be are wrong usage (2), never an internal error (70)."""

from pathlib import Path

import pytest

from lesionless.cli import run

TRAIN = ["train", "prepared", "model"]
CALIBRATE = ["calibrate", "prepared", "model"]
SEGMENT = ["segment", "scan.nii.gz", "out"]
PREPARE = ["prepare", "scans", "out"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        *(([*command, "--threads", "0"], ">= 1") for command in (TRAIN, CALIBRATE, SEGMENT)),
        ([*PREPARE, "--threads", "0"], ">= 1"),
        ([*PREPARE, "--jobs", "-1"], ">= 1"),
        *(
            ([*command, "--device", "nonsense"], "found 'nonsense'")
            for command in (TRAIN, CALIBRATE, SEGMENT, PREPARE)
        ),
        ([*TRAIN, "--every", "0"], "every = 0"),
        ([*TRAIN, "--margin=-1"], "margin of -1"),
        ([*CALIBRATE, "--margin=-1"], "margin of -1"),
        ([*TRAIN, "--epochs", "0"], "at least one epoch"),
        ([*TRAIN, "--batch-size", "0"], "one slice per batch"),
        ([*TRAIN, "--seed=-1"], "seed"),
        ([*TRAIN, "--beta1", "1"], "in [0, 1)"),
        ([*TRAIN, "--val-fraction", "1"], "in [0, 1)"),
        ([*TRAIN, "--beside-lesions-mm=-1"], "at least 0 mm"),
        ([*PREPARE, "--matrix", "0"], "matrix of 0"),
        ([*PREPARE, "--curvature-iterations=-1"], "-1 curvature iterations"),
        ([*PREPARE, "--space", "none.nii.gz"], "no such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_values_that_cannot_be_are_named(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.out + printed.err


def test_the_space_that_is_kept_is_found_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Stopped(Exception):
        pass

    def stop(source: Path, out: Path, settings: object, **_: object) -> None:
        seen.append(settings.space)
        raise Stopped

    monkeypatch.setattr("lesionless.stages.prepare.prepare", stop)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.nii.gz").touch()
    run([*PREPARE, "--space", "own.nii.gz"])
    assert seen == [str(tmp_path.resolve() / "own.nii.gz")]
