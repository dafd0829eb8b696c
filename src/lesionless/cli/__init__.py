"""The command line: parses, calls a stage, prints what came out."""

import sys

from lesionless.cli import bids, model, results, scans, segment
from lesionless.cli.app import run

__all__ = ["bids", "main", "model", "results", "run", "scans", "segment"]


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))
