import pytest
import torch

from lesionless.errors import UsageError
from lesionless.training.device import check_device


@pytest.mark.parametrize("device", ["nonsense", "", "meta"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(UsageError, match=f"found '{device}'.*Give cpu"):
        check_device(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_missing_gpu_is_refused() -> None:
    with pytest.raises(UsageError, match="found 'cuda'"):
        check_device("cuda")


def test_the_processor_is_there() -> None:
    check_device("cpu")
