"""Processes that are given work: they end with the one that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lesionless.data.processes import pool
from lesionless.errors import UsageError

PARENT = """
import os, sys, time
from lesionless.data.processes import pool

if __name__ == "__main__":
    with pool(1) as processes:
        print(processes.submit(os.getpid).result(), flush=True)
        processes.submit(time.sleep, 600).result()
"""


def test_work_comes_back_in_its_order() -> None:
    with pool(2) as processes:
        assert list(processes.map(abs, range(-3, 3))) == [3, 2, 1, 0, 1, 2]


def test_a_process_that_is_killed_is_named() -> None:
    with (
        pytest.raises(UsageError, match=r"fewer processes \(--jobs\) or more memory"),
        pool(1) as processes,
    ):
        processes.submit(os.kill, processes.submit(os.getpid).result(), signal.SIGKILL).result()


def test_what_is_not_begun_is_not_done_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), pool(1) as processes:
        wrong, *others = [processes.submit(divmod, 1, number) for number in range(200)]
        wrong.result()
    assert any(other.cancelled() for other in others)


def test_processes_end_where_the_one_that_started_them_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 30
    while _runs(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(worker)


def _runs(process: int) -> bool:
    """Tell whether a process is there that is not yet to be buried."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rsplit(") ", 1)[1][0] != "Z"
