"""Freed memory stays with the process on glibc, and nowhere else is anything tried."""

import platform
import subprocess
import sys

import pytest

from lesionless.training.memory import keep_freed_memory

# Each round fills 64 MB anew; without the setting every round faults in all of its pages.
ROUNDS = """
import resource, numpy as np
from lesionless.training.memory import keep_freed_memory
def faults(rounds):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        np.empty(8_000_000).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
before = faults(5)
assert keep_freed_memory()
faults(2)
print(before, faults(5))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_page_faults_stop():
    done = subprocess.run([sys.executable, "-c", ROUNDS], capture_output=True, check=True)
    before, after = map(int, done.stdout.split())
    assert after < before / 5


def test_nothing_is_done_without_glibc(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_freed_memory()
