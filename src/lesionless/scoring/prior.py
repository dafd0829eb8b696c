"""What the place of a voxel says about its score."""

from lesionless.arrays import Slices


def favour_white_matter(score: Slices, white_matter: Slices, *, elsewhere: float) -> Slices:
    """Return the score times a factor: 1 in white matter, `elsewhere` where there is none.

    White-matter lesions are what is looked for; cortex is what is bright on FLAIR without them.

    Args:
        score: (slice, row, column).
        white_matter: (slice, row, column) likely share of white matter at that place, in [0, 1].
        elsewhere: In [0, 1]; 1 leaves the score as it is.
    """
    return score * (elsewhere + (1 - elsewhere) * white_matter)
