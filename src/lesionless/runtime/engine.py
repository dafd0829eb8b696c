"""Reconstruction of a scan's slices in batches."""

from typing import Any

import numpy as np
import torch

from lesionless.arrays import Slices


def reconstruct(method: Any, image: Slices, *, batch_size: int = 8, device: str = "cpu") -> Slices:
    """Return the slices as the method expects them without lesions.

    Args:
        method: A `Method` in evaluation mode.
        image: (slice, row, column) float32 in [0, 1].
        batch_size: Slices at a time.
        device: A torch device.

    Returns:
        (slice, row, column) float32.
    """
    method.to(device).eval()
    parts = []
    for start in range(0, len(image), batch_size):
        x = torch.from_numpy(image[start : start + batch_size]).unsqueeze(1).to(device)
        with torch.inference_mode(mode=not _searches(method)):
            x_hat = method.reconstruct(x.contiguous(memory_format=torch.channels_last))
        parts.append(x_hat.squeeze(1).float().cpu().numpy())
    return np.concatenate(parts)


def _searches(method: Any) -> bool:
    """Say whether a reconstruction needs gradients, which inference mode forbids."""
    return hasattr(method, "search")
