"""Whether torch has the device that is asked for."""

import torch

from lesionless.errors import UsageError


def check_device(device: str) -> None:
    """Put a number on a device and take it back, before anything else is done.

    Args:
        device: A torch device, such as `cpu` or `cuda:0`.

    Raises:
        UsageError: There is no such device here.
    """
    try:
        torch.zeros(1, device=device).cpu()
    except Exception as error:  # torch raises many kinds for a device that is not there
        reason = str(error).split(". ")[0].rstrip(".") or type(error).__name__
        raise UsageError(
            f"Expected a device that torch can use here, found {device!r}: {reason}. "
            "Give cpu, or install a torch that fits the device."
        ) from error
