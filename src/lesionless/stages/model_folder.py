"""The folder that a model is written to."""

import shutil
from pathlib import Path

from lesionless.errors import UsageError
from lesionless.models.bundle import DESCRIPTION, NORMATIVE, WEIGHTS
from lesionless.stages.store_settings import SETTINGS
from lesionless.training import checkpoint
from lesionless.training.loop import LOSSES

SAMPLES, ANY_SAMPLES = "samples-{:04d}.npy", "samples-[0-9]*.npy"
_OURS = (
    DESCRIPTION,
    WEIGHTS,
    NORMATIVE,
    checkpoint.NAME,
    LOSSES,
    ANY_SAMPLES,
    ".partial-*",
)


def check_is_no_store(folder: Path) -> None:
    """Refuse to write a model among prepared scans.

    Raises:
        UsageError: The folder is a store.
    """
    if (folder / SETTINGS).exists():
        raise UsageError(
            f"{folder}: expected a folder for the model, found prepared scans. Choose another."
        )


def clear(folder: Path) -> None:
    """Remove a model, or a training that was stopped; all else in the folder stays."""
    for pattern in _OURS:
        for found in folder.glob(pattern):
            shutil.rmtree(found) if found.is_dir() else found.unlink()
