"""Whether a device computes with bfloat16 in hardware, which is several times as fast."""

import torch


def has_bf16(device: str) -> bool:
    """Say whether a kind of device (`cpu`, `cuda`, ...) computes bfloat16 in hardware."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
