"""What a model has found in patients' scans, to learn from: no label takes part."""

from dataclasses import dataclass

import numpy as np

from lesionless.arrays import Plane, SliceMask, Slices
from lesionless.models.corruption import Shape


@dataclass(frozen=True, eq=False)
class Findings:
    """Hold slices of patients and what a model takes for lesion in them.

    Attributes:
        image: (slice, row, column) in [0, 1], 0 outside the brain.
        clean: The same as the model rebuilds them where it takes them for lesion.
        lesion: What it takes for lesion.
        unsure: What may be lesion or not: nothing is to be learnt there.
        shape: What draws the shapes of synthetic lesions meanwhile: after those that were found.

    Source: Lee 2013, "Pseudo-label"; that the one who learns sees noisier examples than the one
    who taught: Xie et al. 2020, "Self-training with Noisy Student".
    """

    image: Slices
    clean: Slices
    lesion: SliceMask
    unsure: SliceMask
    shape: Shape

    def draw(self, generator: np.random.Generator) -> list[Plane]:
        """Return image, clean image, lesion and what is unsure of a random slice, as float32."""
        number = int(generator.integers(len(self.image)))
        parts = (self.image, self.clean, self.lesion, self.unsure)
        return [part[number].astype(np.float32) for part in parts]
