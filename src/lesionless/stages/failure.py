"""What goes wrong with one scan, and stops no other."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lesionless.errors import ScanError

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What would go wrong with all other scans as well."""


@dataclass
class Failure:
    """Hold why a scan failed; empty where it did not."""

    message: str = ""


@contextmanager
def failure_of_scan() -> Iterator[Failure]:
    """Yield what receives the message where the work on one scan inside the context fails.

    A scan that cannot be used, a file or folder of it that must not be read or written, and memory
    that does not suffice for it are its own failures; all else goes on, as does a full disk.
    """
    failure = Failure()
    try:
        yield failure
    except ScanError as error:
        failure.message = str(error)
    except MemoryError as error:
        failure.message = (
            f"Expected memory for the scan, found too little ({error}). Give the command more "
            "memory, or fewer --jobs, and run it again."
        )
    except OSError as error:
        if error.errno in DISK_FULL or error.filename is None:
            raise
        failure.message = (
            f"{error.filename}: expected to read or write there, found: {error.strerror}. Check "
            "the path and its permissions."
        )
