"""A trained network as an ONNX graph, for programs that do not run Python or torch."""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lesionless.errors import UsageError
from lesionless.provenance import whole
from lesionless.runtime.folding import folded

INPUT, OUTPUT = "image", "reconstruction"
ABOUT = "lesionless"  # key of the graph's metadata
_TALKATIVE = ("torch.onnx", "onnxscript", "onnx_ir")


class _Reconstruction(nn.Module):
    """Turn a method's `reconstruct` into the forward pass that an exporter follows."""

    def __init__(self, method: Any) -> None:
        super().__init__()
        self.method = method

    def forward(
        self, image: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch 1 row column"]:
        x_hat: Tensor = self.method.reconstruct(image)
        return x_hat


def write(method: Any, path: Path, *, size: int, about: Mapping[str, Any]) -> None:
    """Write a method's `reconstruct` as an ONNX graph in single precision.

    Input `image` and output `reconstruction` are (batch, 1, size, size) float32; the batch is free.

    Args:
        method: A trained `Method`; it is left as it is.
        path: The file, replaced only by a whole one.
        size: Rows (= columns) of its slices.
        about: JSON values, kept as text under `ABOUT` in the graph's metadata.

    Raises:
        UsageError: A package that exporting needs is missing, or the method is no single pass
            through a network.
    """
    _check_packages()
    if hasattr(method, "search"):
        raise _no_single_pass("one that searches each slice's reconstruction")
    graph = _Reconstruction(folded(method).cpu()).eval()
    try:
        program = _program(graph, torch.zeros(2, 1, size, size))
    except torch.onnx.OnnxExporterError as error:
        raise _no_single_pass(f"one that the exporter cannot follow ({error})") from error
    program.model.metadata_props[ABOUT] = json.dumps(dict(about))
    with whole(path) as partial:
        program.save(partial)


def _program(graph: nn.Module, example: Tensor) -> Any:
    """Follow the graph once."""
    with _quiet():
        return torch.onnx.export(
            graph,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}},
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Do not show what the exporter says of its own steps."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [log.level for log in loggers]
    for log in loggers:
        log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in zip(loggers, levels, strict=True):
            log.setLevel(level)


def _check_packages() -> None:
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"Expected the packages onnx and onnxscript, {' and '.join(missing)} not found. "
            "Install them with `pip install '.[onnx]'` in the folder of lesionless."
        )


def _no_single_pass(found: str) -> UsageError:
    return UsageError(
        f"Expected a model that rebuilds slices in one pass through a network, found {found}. "
        "Export another model."
    )
