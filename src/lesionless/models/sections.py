"""Shapes of lesions in slices that have some, lent to synthetic ones."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from lesionless.arrays import Plane
from lesionless.models.corruption import TISSUE, Blob, bumpy_ellipse, softened, window_around

SMALLEST_PIXELS = 3
LARGEST_PIXELS = 1500  # a radius of 22 mm, as the largest of `Lesions`
AROUND = 6  # pixels that the tissue reaches which a lesion is compared with
FEWEST_AROUND = 8
FAINTEST = 1.05  # a core that is less bright, beside the tissue around, has no shape to lend
_EIGHT = np.ones((3, 3))


class Sections:
    """Draw a lesion as a random section, turned and mirrored; its size is the section's own.

    Args:
        sections: Of one lesion each, (row, column) share of lesion in [0, 1].
        share: Of the lesions that are drawn so; the others are as `bumpy_ellipse` draws them.
    """

    def __init__(self, sections: Sequence[Plane], *, share: float = 1.0) -> None:
        self._sections, self._share = sections, share

    def __call__(
        self,
        generator: np.random.Generator,
        centre: tuple[int, int],
        radius: float,
        shape: tuple[int, ...],
    ) -> Blob:
        """Put a section at the centre; `radius` is not used."""
        if self._share < 1 and generator.random() >= self._share:
            return bumpy_ellipse(generator, centre, radius, shape)
        section = self._sections[int(generator.integers(len(self._sections)))]
        # Without a margin the pixels at the rim of a section would be lost by half
        turned = ndimage.rotate(np.pad(section, 1), generator.uniform(0, 360), order=1)
        inside = np.pad(turned[:: generator.choice([-1, 1])], 4)
        plane = np.zeros(shape, dtype=np.float32)
        _put(plane, inside, centre)
        window = window_around(centre, max(inside.shape) // 2, shape)
        return Blob(window, softened(generator, plane[window]))


def outlines(lesion: Bool[np.ndarray, "row column"]) -> Iterator[Plane]:
    """Yield the outline of each lesion of a slice, 0 or 1, but of the smallest and largest."""
    for _, outline, _ in _lesions(lesion, margin=0):
        yield outline.astype(np.float32)


def profiles(image: Plane, lesion: Bool[np.ndarray, "row column"]) -> Iterator[Plane]:
    """Yield how far each lesion of a slice stands out: 0 like the tissue around, 1 like its core.

    Left out are the smallest and largest, and those that hardly stand out.

    Args:
        image: (row, column) prepared slice.
        lesion: What is taken for lesion in it.
    """
    tissue = (image > TISSUE[0]) & ~ndimage.binary_dilation(lesion, iterations=2)
    for window, mine, others in _lesions(lesion, margin=AROUND):
        profile = _profile(image[window], mine, tissue[window])
        if profile is not None:
            yield profile * ~others


def _lesions(
    lesion: np.ndarray, *, margin: int
) -> Iterator[tuple[tuple[slice, ...], np.ndarray, np.ndarray]]:
    """Yield the window of each lesion that can lend its shape, the lesion, and others in it."""
    labelled, _ = ndimage.label(lesion, _EIGHT)
    for number, found in enumerate(ndimage.find_objects(labelled), start=1):
        window = tuple(slice(max(0, s.start - margin), s.stop + margin) for s in found)
        mine = labelled[window] == number
        if SMALLEST_PIXELS <= mine.sum() <= LARGEST_PIXELS:
            yield window, mine, (labelled[window] > 0) & ~mine


def _profile(image: Plane, lesion: np.ndarray, tissue: np.ndarray) -> Plane | None:
    """Return a lesion's excess as a share of its core's; it fades out over two pixels."""
    around = ndimage.binary_dilation(lesion, iterations=AROUND) & tissue
    if around.sum() < FEWEST_AROUND:
        return None
    level, core = np.median(image[around]), np.percentile(image[lesion], 90)
    if core <= FAINTEST * level:
        return None
    fading = np.clip(1.5 - ndimage.distance_transform_edt(~lesion) / 2, 0, 1)
    excess = np.clip((image - level) / (core - level), 0, 1)
    return np.asarray(excess * fading, dtype=np.float32)


def _put(plane: Plane, patch: Plane, centre: tuple[int, int]) -> None:
    """Write a patch into a plane, cut at the plane's edge."""
    first = [c - n // 2 for c, n in zip(centre, patch.shape, strict=True)]
    to = tuple(slice(max(0, a), a + n) for a, n in zip(first, patch.shape, strict=True))
    seen = plane[to].shape
    start = [max(0, -a) for a in first]
    plane[to] = patch[start[0] : start[0] + seen[0], start[1] : start[1] + seen[1]]
