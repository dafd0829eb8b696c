"""The one training loop: runs a method's updates in order and knows no model."""

import csv
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from lesionless.errors import TrainingError, UsageError, check_choice
from lesionless.models.method import Update
from lesionless.models.precision import has_fast_bf16
from lesionless.provenance import whole
from lesionless.training import checkpoint
from lesionless.training.batch_statistics import measure_anew
from lesionless.training.memory import keep_freed_memory

logger = logging.getLogger(__name__)

LOSSES = "losses.csv"

DECAYS: Mapping[str, Callable[[float], float]] = {
    "none": lambda done: 1.0,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
}
"""Share of the learning rate by the share of epochs that is done."""

PRECISIONS = ("auto", "bf16", "fp32")


@dataclass(frozen=True)
class TrainSettings:
    """Say how a method is trained.

    Attributes:
        epochs: Passes over the slices.
        batch_size: Slices per batch.
        seed: Of the batches' order and the methods' noise.
        beta1: Adam's first decay; 0.5 is usual with a discriminator.
        decay: A key of `DECAYS`: how learning rates fall from epoch to epoch.
        rate: Learning rates as a share of the method's own; less than 1 to train a model on.
        precision: "bf16", "fp32", or "auto": bf16 where the device is faster by it.
        device: A torch device.

    Raises:
        UsageError: A number is out of its range, or there is no such decay or precision.
    """

    epochs: int = 150
    batch_size: int = 8
    seed: int = 0
    beta1: float = 0.5
    decay: str = "none"
    rate: float = 1.0
    precision: str = "auto"
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise UsageError(
                "Expected at least one epoch and one slice per batch, found "
                f"{self.epochs} and {self.batch_size}. Give more."
            )
        if self.seed < 0 or not 0 <= self.beta1 < 1:
            raise UsageError(
                "Expected a seed of at least 0 and a first decay of Adam in [0, 1), found "
                f"{self.seed} and {self.beta1}."
            )
        if not 0 < self.rate < math.inf:
            raise UsageError(
                f"Expected a share of the learning rate above 0, found {self.rate}. 1 is the usual."
            )
        check_choice("decay", self.decay, DECAYS)
        check_choice("precision", self.precision, PRECISIONS)


@dataclass(frozen=True)
class Epoch:
    """Report one finished epoch: mean losses by `update.term`, seconds, epochs done and planned."""

    done: int
    planned: int
    losses: dict[str, float]
    seconds: float


def train(
    method: Any,
    slices: Float[np.ndarray, "slice row column"],
    settings: TrainSettings,
    folder: Path,
    *,
    about: dict[str, Any],
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> list[dict[str, float]]:
    """Train a method on slices without lesions, and leave it in evaluation mode.

    A checkpoint after each epoch lets a stopped run go on; it ends with the weights of one that
    was never stopped, on the same machine with the same number of threads.

    Args:
        method: A `Method`; one without updates returns at once.
        slices: (slice, row, column) float32 in [0, 1].
        settings: See `TrainSettings`.
        folder: Receives the checkpoint and the loss curves.
        about: What else makes this run what it is; kept in the checkpoint and compared on resume.
        on_epoch: Called after each epoch.

    Returns:
        The loss curves: one row per epoch.

    Raises:
        TrainingError: There are no slices, a loss is not finite, or the folder holds the
            checkpoint of another or a longer run.
    """
    updates: list[Update] = method.updates()
    if not updates:
        return []
    if not len(slices):
        raise TrainingError("Expected slices without lesions, found none. Give more normal scans.")
    keep_freed_memory()
    folder.mkdir(parents=True, exist_ok=True)
    method.to(settings.device, memory_format=torch.channels_last)
    optimizers = [_optimizer(update, settings) for update in updates]
    description = {**about, **asdict(settings)}
    history = _resume(method, optimizers, folder, description)
    for index in range(len(history), settings.epochs):
        started = time.perf_counter()
        _set_rates(updates, optimizers, settings, index)
        losses = _epoch(method, updates, optimizers, _batches(slices, settings, index), settings)
        seconds = time.perf_counter() - started
        history.append({"epoch": index + 1, **losses, "seconds": round(seconds, 2)})
        _check_finite(history[-1])
        _keep(method, optimizers, folder, description, history)
        on_epoch(Epoch(index + 1, settings.epochs, losses, seconds))
    with autocast(settings):
        measure_anew(method, updates, _batches(slices, settings, settings.epochs))
    method.eval()
    return history


def autocast(settings: TrainSettings) -> torch.autocast:
    """Return the context of mixed precision that the settings ask for."""
    device = torch.device(settings.device).type
    is_faster = settings.precision == "auto" and has_fast_bf16(device)
    wanted = is_faster or settings.precision == "bf16"
    return torch.autocast(device, dtype=torch.bfloat16, enabled=wanted)


def _optimizer(update: Update, settings: TrainSettings) -> torch.optim.Adam:
    return torch.optim.Adam(
        update.parameters, lr=update.learning_rate, betas=(settings.beta1, 0.999)
    )


def _set_rates(
    updates: Sequence[Update],
    optimizers: Sequence[torch.optim.Adam],
    settings: TrainSettings,
    epoch: int,
) -> None:
    share = settings.rate * DECAYS[settings.decay](epoch / settings.epochs)
    for update, optimizer in zip(updates, optimizers, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = update.learning_rate * share


def _batches(
    slices: Float[np.ndarray, "slice row column"], settings: TrainSettings, epoch: int
) -> Iterator[tuple[Tensor, torch.Generator]]:
    """Yield the batches of an epoch and their noise, which depend on seed and epoch alone."""
    order = np.random.default_rng([settings.seed, epoch]).permutation(len(slices))
    noise = torch.Generator(settings.device).manual_seed(settings.seed * 1_000_003 + epoch)
    for start in range(0, len(order), settings.batch_size):
        batch = torch.from_numpy(slices[order[start : start + settings.batch_size]]).unsqueeze(1)
        yield batch.to(settings.device, memory_format=torch.channels_last), noise


def _epoch(
    method: nn.Module,
    updates: Sequence[Update],
    optimizers: Sequence[torch.optim.Adam],
    batches: Iterator[tuple[Tensor, torch.Generator]],
    settings: TrainSettings,
) -> dict[str, float]:
    """Run every update on every batch and return the mean of each figure."""
    method.train()
    sums: dict[str, Tensor] = {}
    n_batches = 0
    for x, noise in batches:
        n_batches += 1
        for update, optimizer in zip(updates, optimizers, strict=True):
            for name, value in _step(update, optimizer, x, noise, settings).items():
                sums[name] = sums.get(name, torch.zeros(())) + value
    return {name: float(total) / n_batches for name, total in sums.items()}


def _step(
    update: Update,
    optimizer: torch.optim.Adam,
    x: Tensor,
    noise: torch.Generator,
    settings: TrainSettings,
) -> dict[str, Tensor]:
    """Change the update's own parameters by one step; return its figures by `update.term`."""
    with autocast(settings):
        losses = update.loss(x, noise)
    gradients = torch.autograd.grad(losses.total, list(update.parameters))
    for parameter, gradient in zip(update.parameters, gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()
    figures = {**losses.terms, **losses.watched}
    return {f"{update.name}.{name}": value.detach().cpu() for name, value in figures.items()}


def _check_finite(row: dict[str, float]) -> None:
    bad = [name for name, value in row.items() if not math.isfinite(value)]
    if bad:
        raise TrainingError(
            f"Expected finite losses, found {bad[0]} = {row[bad[0]]} in epoch {row['epoch']:.0f}. "
            "The checkpoint of the epoch before is kept. Lower the learning rate, lower the "
            "weight of that term, or train with --precision fp32."
        )


def _resume(
    method: nn.Module,
    optimizers: Sequence[torch.optim.Adam],
    folder: Path,
    description: dict[str, Any],
) -> list[dict[str, float]]:
    state = checkpoint.load(folder, description)
    if state is None:
        return []
    try:
        method.load_state_dict(state["method"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
    except (RuntimeError, ValueError) as error:  # torch's words for weights that do not fit
        raise TrainingError(
            f"{folder}: expected a checkpoint of this method, found another's: {error}. "
            "Train into another folder, or remove this one to train anew, as `lesionless train "
            "--overwrite` does."
        ) from error
    history: list[dict[str, float]] = state["history"]
    logger.info("%s: going on after epoch %d", folder, len(history))
    return history


def _keep(
    method: nn.Module,
    optimizers: Sequence[torch.optim.Adam],
    folder: Path,
    description: dict[str, Any],
    history: list[dict[str, float]],
) -> None:
    """Write the loss curves, then the checkpoint, so that no curve lags behind it."""
    with (
        whole(folder / LOSSES) as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in history)
    state = {
        "method": method.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "settings": description,
        "history": history,
    }
    checkpoint.save(folder, state)
