"""The state of a training run on disk, so that a killed run goes on where it was."""

import io
from pathlib import Path
from typing import Any

import torch

from lesionless.errors import TrainingError
from lesionless.provenance import whole
from lesionless.training.differences import differences, told

NAME = "checkpoint.pt"


def save(folder: Path, state: dict[str, Any]) -> None:
    """Write the state; the former checkpoint is replaced only by a whole one."""
    stream = io.BytesIO()
    torch.save(state, stream)
    with whole(folder / NAME) as partial:
        partial.write_bytes(stream.getvalue())  # torch hides why a file cannot be written


def load(folder: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Return the state of an earlier run in this folder, None if there is none.

    Args:
        folder: Where the run writes.
        settings: What this run would be; the earlier run must have been the same.

    Raises:
        TrainingError: The earlier run had other settings or is longer than this one would be, or
            its checkpoint cannot be read.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        found, done = state["settings"], len(state["history"])
    except Exception as error:  # torch raises many kinds for a damaged file
        raise TrainingError(
            f"{path}: expected a checkpoint, found {type(error).__name__}: {error}. Remove it "
            "to train anew, as `lesionless train --overwrite` does."
        ) from error
    _check_same(path, found, settings)
    _check_not_longer(path, done, settings["epochs"])
    return state


def _check_same(path: Path, found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Stop where a field differs that both runs wrote down.

    The number of epochs may differ where learning rates do not depend on it.
    """
    differing = differences(expected, found)
    if expected.get("decay") == "none":
        differing.pop("epochs", None)
    if differing:
        raise TrainingError(
            f"{path}: expected a run with {told(differing)}. Train into another folder, or remove "
            "this one to train anew, as `lesionless train --overwrite` does."
        )


def _check_not_longer(path: Path, done: int, epochs: int) -> None:
    if done > epochs:
        raise TrainingError(
            f"{path}: expected a run of at most {epochs} epochs, found one of {done}. Ask for "
            f"{done} epochs, train into another folder, or remove this one to train anew, as "
            "`lesionless train --overwrite` does."
        )
