"""Bfloat16, where a device computes it in hardware, which is several times as fast."""

import torch


def has_bf16(device: str) -> bool:
    """Say whether a kind of device (`cpu`, `cuda`, ...) computes bfloat16 in hardware."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def reduced(device: str) -> torch.autocast:
    """Return the context that computes with bfloat16 where a kind of device has it.

    Nothing is cached: autocast takes any leaf that needs gradients, such as a code that is
    searched, for a weight, and would go on with its first value.
    """
    enabled = has_bf16(device)
    return torch.autocast(device, torch.bfloat16, enabled=enabled, cache_enabled=False)
