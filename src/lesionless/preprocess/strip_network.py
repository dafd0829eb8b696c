"""The deepbet network: brain masks within seconds, its weights checked by their hash."""

import contextlib
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from lesionless.arrays import Affine, Mask, Volume
from lesionless.errors import LesionlessError, StripError
from lesionless.preprocess.canonical import from_ras, to_ras

WEIGHTS_SHA256 = {
    "bbox_model.pt": "39a7b2b5f799faa1391ea97bfcdc0b9299f20d84f2316a4ff8918dc4685e40aa",
    "model.pt": "de8ee7c69654d0dd3935dc4a5d84571d8ecf4637a6bfc01df399c4c2bc86e0fd",
}
"""The weights that deepbet 1.0.2 installs."""


def deepbet_mask(image: Volume, affine: Affine, *, threads: int = 1, device: str = "cpu") -> Mask:
    """Find the brain with deepbet.

    The network sees the image with its axes in RAS order, so that the result does not depend on
    the order in which the scan is stored.

    Args:
        image: (i, j, k) head in any units.
        affine: (4, 4) from voxel index to millimetres, RAS+.
        threads: CPU threads for the network.
        device: Torch device.

    Returns:
        (i, j, k) brain mask, not cleaned; empty where the network sees no brain.

    Raises:
        StripError: The network finds no head to look at.
        LesionlessError: The weights are missing or are not the known ones.

    Source: Fisch et al. 2024, Comput Biol Med 179:108845, deepbet 1.0.2.
    """
    canonical = to_ras(image, affine)
    network = _network(device)
    with _torch_threads(threads):
        try:
            probability = network.run_model(canonical.astype(np.float32))
        except (AssertionError, ValueError) as error:  # nothing in the bounding box
            raise StripError("deepbet found no head") from error
    return from_ras(probability > 0.5, affine)


@lru_cache(maxsize=1)
def _network(device: str) -> Any:
    weights = {name: _checked(name) for name in WEIGHTS_SHA256}
    from deepbet import BrainExtraction

    network = BrainExtraction(
        no_gpu=True,
        model_path=str(weights["model.pt"]),
        bbox_model_path=str(weights["bbox_model.pt"]),
    )
    network.model.to(device)
    network.bbox_model.to(device)
    return network


def _checked(name: str) -> Path:
    path = _weights_folder() / name
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if found != WEIGHTS_SHA256[name]:
        raise LesionlessError(
            f"{path}: expected the weights of deepbet 1.0.2 (sha256 {WEIGHTS_SHA256[name]}), "
            f"found {found}. Run `pip install --force-reinstall deepbet==1.0.2`."
        )
    return path


def _weights_folder() -> Path:
    spec = importlib.util.find_spec("deepbet")
    if spec is None or spec.origin is None:
        raise LesionlessError("Expected deepbet, found none. Run `pip install deepbet==1.0.2`.")
    return Path(spec.origin).parents[1] / "data" / "models"


@contextlib.contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
