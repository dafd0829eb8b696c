"""What is one scan's own failure, and what stops all."""

import errno

import pytest

from lesionless.errors import ScanError, UsageError
from lesionless.stages.failure import failure_of_scan


def test_what_goes_well_has_no_message() -> None:
    with failure_of_scan() as failure:
        pass
    assert failure.message == ""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ScanError("Expected a scan."), "Expected a scan."),
        (PermissionError(errno.EACCES, "Permission denied", "a.nii"), "a.nii: expected to read"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "b.nii"), "found: File name too long"),
        (MemoryError("600 MiB"), "too little (600 MiB)"),
    ],
)
def test_a_failure_of_one_scan_is_told(error: Exception, said: str) -> None:
    with failure_of_scan() as failure:
        raise error
    assert said in failure.message


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "c.nii"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EIO, "Input/output error"),
        UsageError("Expected another folder."),
        KeyboardInterrupt(),
    ],
)
def test_what_others_would_meet_too_stops_all(error: BaseException) -> None:
    with pytest.raises(type(error)), failure_of_scan():
        raise error
