"""What real lesion shapes would give: `restoration` whose synthetic lesions have them.

Shapes are sections of labelled lesions, so that the model is mildly supervised; it is not a model
of this package and is never shipped. All else is as in

    lesionless train PREPARED UNLABELLED --model restoration --beside-lesions-mm 15 --also ALSO \
        --every 2 --epochs 12 --beta1 0.9 --decay cosine

whose shapes are drawn at random: one network as the three of `restoration.sh`, trained for less.

Usage: python runs/mild_supervision.py MASKS LEFT_OUT PREPARED ALSO OUT [EPOCHS], where MASKS is a
BIDS tree of 1 mm lesion masks in atlas space and LEFT_OUT the subjects to be judged, joined by
commas. `lesionless benchmark experiments/mild-supervision.toml` judges both.
"""

import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import nibabel as nib
import numpy as np

from lesionless.data.folders import find_masks
from lesionless.models.restoration import Restoration
from lesionless.models.sections import Sections, outlines
from lesionless.stages.request import TrainRequest
from lesionless.stages.train import train_model
from lesionless.training.loop import TrainSettings
from lesionless.training.normals import NormalsSettings

EPOCHS = 12


def sections(tree: Path, left_out: Collection[str]) -> Iterator[np.ndarray]:
    """Yield the axial sections of all lesions of all subjects but those left out."""
    for mask in find_masks(tree):
        if mask.name.subject in left_out:
            continue
        lesion = np.asarray(nib.load(mask.path).dataobj) > 0
        for plane in np.moveaxis(lesion, 2, 0):
            yield from outlines(plane)


def main(tree: Path, left_out: str, prepared: Path, also: Path, out: Path, epochs: int) -> None:
    """Train one network."""
    shapes = list(sections(tree, left_out.split(",")))
    Restoration.shape = staticmethod(Sections(shapes))
    training = TrainSettings(epochs=epochs, beta1=0.9, decay="cosine")
    normals = NormalsSettings(beside_lesions_mm=15, every=2)
    request = TrainRequest("restoration", training=training, normals=normals)
    train_model(prepared, out, request, also=[also])


if __name__ == "__main__":
    tree, left_out, prepared, also, out, *epochs = sys.argv[1:]
    how_long = int(epochs[0]) if epochs else EPOCHS
    main(Path(tree), left_out, Path(prepared), Path(also), Path(out), how_long)
