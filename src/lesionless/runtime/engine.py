"""Reconstruction of slices in batches, with the numbers of the trained model."""

from contextlib import nullcontext
from typing import Any, Protocol

import numpy as np
import torch

from lesionless.arrays import Slices
from lesionless.models.precision import reduced
from lesionless.runtime.folding import folded


class Engine(Protocol):
    """From slices to slices without lesions; at a glance, where a method has one, for less work."""

    def __call__(self, image: Slices, *, glance: bool = False) -> Slices:
        """Return (slice, row, column) float32."""
        ...


def reconstruct(method: Any, image: Slices, *, batch_size: int = 8, device: str = "cpu") -> Slices:
    """Return the slices as the method expects them without lesions.

    Args:
        method: A `Method`; it is left as it is.
        image: (slice, row, column) float32 in [0, 1].
        batch_size: Slices at a time.
        device: A torch device.

    Returns:
        (slice, row, column) float32.
    """
    return engine(method, batch_size=batch_size, device=device)(image)


def engine(method: Any, *, batch_size: int = 8, device: str = "cpu") -> Engine:
    """Return `reconstruct` made ready once, for many calls; later training does not reach it.

    Methods with `reduced_precision` are computed with bfloat16 where the device has it.

    Args:
        method: As in `reconstruct`.
        batch_size: As in `reconstruct`.
        device: As in `reconstruct`.
    """
    quick = folded(method).to(device, memory_format=torch.channels_last)
    # A search for a code needs gradients, which inference mode forbids
    inference = not hasattr(method, "search")
    bears_bf16 = getattr(method, "reduced_precision", False)
    precision = reduced(torch.device(device).type) if bears_bf16 else nullcontext()

    def rebuild(image: Slices, *, glance: bool = False) -> Slices:
        forward = getattr(quick, "glance", quick.reconstruct) if glance else quick.reconstruct
        rebuilt = np.zeros_like(image)
        for start in range(0, len(image), batch_size):
            batch = slice(start, start + batch_size)
            x = torch.from_numpy(image[batch]).unsqueeze(1).to(device)
            with torch.inference_mode(inference), precision:
                x_hat = forward(x.contiguous(memory_format=torch.channels_last))
            rebuilt[batch] = x_hat.squeeze(1).float().cpu().numpy()
        return rebuilt

    return rebuild
