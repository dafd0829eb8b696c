"""Bfloat16 is used where it is faster, which its mere presence does not say."""

import pytest
import torch

from lesionless.models.precision import has_fast_bf16


@pytest.mark.parametrize(
    ("processor", "in_hardware", "expected"),
    [
        ({"cpu_name": "Intel Xeon", "amx_bf16": False}, True, False),
        ({"cpu_name": "Intel Xeon", "amx_bf16": True}, True, True),
        ({"cpu_name": "AMD EPYC", "amx_bf16": False}, True, True),
        ({"cpu_name": "Neoverse V1"}, True, True),
        ({}, True, True),
        ({"cpu_name": "AMD EPYC"}, False, False),
    ],
)
def test_a_processor_gains_by_bfloat16(
    monkeypatch: pytest.MonkeyPatch, processor: dict, in_hardware: bool, expected: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: in_hardware)
    assert has_fast_bf16("cpu") is expected


def test_a_device_that_is_not_known_computes_as_ever() -> None:
    assert not has_fast_bf16("meta")
