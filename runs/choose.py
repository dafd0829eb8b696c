"""Judge a model on prepared scans that serve to choose: mean AUPRC per store, over the whole brain.

Usage: python runs/choose.py MODEL STORE[:SPLIT] ..., where MODEL is a folder or a shipped name.
Scans without a lesion are left out. Every scan is judged as it is and as another scanner might show
it: `rescanned`, drawn once per scan, so that all slices change alike; blur stays within them, noise
is white and drawn for each voxel anew, and pose stays.
Writes one line, `STORE as it is -> another scanner (number of scans)`.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from lesionless import store
from lesionless.errors import UsageError
from lesionless.models.appearance import Variation, rescanned
from lesionless.models.bundle import Bundle, load
from lesionless.preprocess.prepared import PreparedScan
from lesionless.stages.apply import apply
from lesionless.stages.normals import split_of
from lesionless.stages.rebuild import Rebuild, rebuilder
from lesionless.training.normals import NormalsSettings


def patients(folder: Path, split: str) -> Iterator[PreparedScan]:
    """Yield the scans of a store, or of one split of it, that have lesions."""
    parts = split_of(folder, NormalsSettings()) if split else None
    for scan in store.scans(folder):
        wanted = parts is None or parts.part_of(scan.subject) == split
        if wanted and scan.lesion is not None and scan.lesion.any():
            yield scan


def other_scanner(scan: PreparedScan, number: int) -> PreparedScan:
    """Return a scan as another scanner might show it."""
    generator, variation = np.random.default_rng(number), Variation()
    planes = np.stack(rescanned(generator, list(scan.image), replace(variation, noise=0.0)))
    spread = generator.uniform(0, variation.noise)
    noise = np.float32(spread) * generator.standard_normal(planes.shape, dtype=np.float32)
    return replace(scan, image=np.clip(planes + noise, 0, 1) * scan.brain)


def auprc(bundle: Bundle, rebuild: Rebuild, scan: PreparedScan) -> float:
    """Return the area under the precision-recall curve of one scan."""
    score = apply(bundle, scan, rebuild).score
    return float(average_precision_score(scan.lesion[scan.brain], score[scan.brain]))


def main(model: str, stores: list[str]) -> None:
    """Judge a model on every store."""
    torch.set_num_threads(1)
    bundle = load(model)
    rebuild = rebuilder(bundle.method)
    cells = []
    for named in stores:
        folder, _, split = named.partition(":")
        found = list(patients(Path(folder), split))
        if not found:
            raise UsageError(f"{named}: expected prepared scans with lesions, found none.")
        changed = [other_scanner(scan, number) for number, scan in enumerate(found)]
        same, other = (
            np.mean([auprc(bundle, rebuild, scan) for scan in scans]) for scans in (found, changed)
        )
        cells.append(f"{Path(folder).name} {same:.3f} -> {other:.3f} ({len(found)})")
    sys.stdout.write(f"{model} | {' / '.join(cells)}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
