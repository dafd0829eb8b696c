"""Programs that are installed beside this package: found, run, and quoted when they fail."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path


def find_program(names: Iterable[str]) -> str | None:
    """Return the path of the first program that is installed, or None.

    Looks on the search path, then beside the Python that runs, where pip puts programs.
    """
    places = os.pathsep.join([*os.get_exec_path(), str(Path(sys.executable).parent)])
    for name in names:
        path = shutil.which(name, path=places)
        if path:
            return path
    return None


def run_program(arguments: Sequence[str], *, folder: Path, threads: int = 1) -> tuple[int, str]:
    """Run a program to its end.

    Args:
        arguments: The program and its arguments.
        folder: Where it runs.
        threads: CPU threads, as far as the program obeys OMP_NUM_THREADS.

    Returns:
        Its exit code, and the last line that it wrote.
    """
    done = subprocess.run(
        list(arguments),
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    said = done.stderr.strip() or done.stdout.strip() or "nothing"
    return done.returncode, said.splitlines()[-1][:200]
