"""Bfloat16, where a device computes it several times as fast as 32 bits."""

import torch


def has_fast_bf16(device: str) -> bool:
    """Say whether a kind of device (`cpu`, `cuda`, ...) gains by bfloat16.

    Processors of Intel multiply bfloat16 by vector no faster than 32 bits, and have to convert
    it: they gain where they have tiles (AMX), which virtual machines may hide.
    """
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device != "cpu" or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    processor = torch.cpu.get_capabilities()
    is_intel = "Intel" in processor.get("cpu_name", "")
    return not is_intel or bool(processor.get("amx_bf16"))


def reduced(device: str) -> torch.autocast:
    """Return the context that computes with bfloat16 where a kind of device gains by it.

    Nothing is cached: autocast takes any leaf that needs gradients, such as a code that is
    searched, for a weight, and would go on with its first value.
    """
    enabled = has_fast_bf16(device)
    return torch.autocast(device, torch.bfloat16, enabled=enabled, cache_enabled=False)
