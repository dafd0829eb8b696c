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
from scipy import ndimage

from lesionless.data.folders import find_masks
from lesionless.models.corruption import Blob, softened, window_around
from lesionless.models.restoration import Restoration
from lesionless.stages.normals import NormalsSettings
from lesionless.stages.train import TrainRequest, train_model
from lesionless.training.loop import TrainSettings

EPOCHS = 12
SMALLEST_PIXELS = 3
LARGEST_PIXELS = 1500  # a radius of 22 mm, as the largest of `Lesions`


class Sections:
    """Draw the shape of a labelled lesion's axial section; its size is the section's own."""

    def __init__(self, sections: list[np.ndarray]) -> None:
        self._sections = sections

    def __call__(
        self,
        generator: np.random.Generator,
        centre: tuple[int, int],
        radius: float,
        shape: tuple[int, ...],
    ) -> Blob:
        """Turn and mirror a random section and put it at the centre; `radius` is not used."""
        section = self._sections[int(generator.integers(len(self._sections)))]
        turned = ndimage.rotate(section, generator.uniform(0, 360), order=1)
        inside = np.pad(turned[:: generator.choice([-1, 1])], 4)
        reach = max(inside.shape) // 2
        plane = np.zeros(shape, dtype=np.float32)
        _put(plane, inside, centre)
        window = window_around(centre, reach, shape)
        return Blob(window, softened(generator, plane[window]))


def _put(plane: np.ndarray, patch: np.ndarray, centre: tuple[int, int]) -> None:
    """Write a patch into a plane, cut at the plane's edge."""
    first = [c - n // 2 for c, n in zip(centre, patch.shape, strict=True)]
    to = [slice(max(0, a), a + n) for a, n in zip(first, patch.shape, strict=True)]
    seen = plane[tuple(to)].shape
    start = [max(0, -a) for a in first]
    plane[tuple(to)] = patch[start[0] : start[0] + seen[0], start[1] : start[1] + seen[1]]


def sections(tree: Path, left_out: Collection[str]) -> Iterator[np.ndarray]:
    """Yield the axial sections of all lesions of all subjects but those left out."""
    for mask in find_masks(tree):
        if mask.name.subject in left_out:
            continue
        lesion = np.asarray(nib.load(mask.path).dataobj) > 0
        for plane in np.moveaxis(lesion, 2, 0):
            labelled, _ = ndimage.label(plane, np.ones((3, 3)))
            for number, window in enumerate(ndimage.find_objects(labelled), start=1):
                section = labelled[window] == number
                if SMALLEST_PIXELS <= section.sum() <= LARGEST_PIXELS:
                    yield section.astype(np.float32)


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
