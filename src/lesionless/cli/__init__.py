"""The command line: parses, calls a stage, prints what came out."""

import os
import sys

# Before NumPy is imported: its products are small here, and its threads wait for more by spinning
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from lesionless.cli import bids, model, results, scans, segment
from lesionless.cli.app import end_when_asked, run

__all__ = ["bids", "main", "model", "results", "run", "scans", "segment"]


def main() -> None:
    """Run the command line and exit with its code."""
    end_when_asked()
    sys.exit(run(sys.argv[1:]))
