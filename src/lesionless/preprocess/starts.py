"""Poses from which the alignment of a scan begins."""

from itertools import permutations, product

import numpy as np

from lesionless.arrays import Affine, Mask
from lesionless.preprocess.atlas import Atlas

PITCHES_DEGREES = (-16, 0, 16)  # nodding: the tilt that scanner operators choose
SCALES = (0.9, 1.0, 1.12)
SHIFTS_MM = (-30, -15, 0, 15, 30)  # along z: slabs, and masks cut at the neck


def header_starts(
    brain: Mask, frame_to_scan: Affine, spacing: np.ndarray, atlas: Atlas
) -> list[Affine]:
    """List poses that trust the orientation in the header.

    Args:
        brain: (i, j, k) brain mask.
        frame_to_scan: From the scan's frame (voxel index times spacing) to scan millimetres.
        spacing: Voxel size in mm.
        atlas: The atlas.

    Returns:
        Poses from the scan's frame to atlas millimetres; centres of mass meet, but for a shift.
    """
    middle = spacing * np.argwhere(brain).mean(axis=0)
    return [
        _pose(_rotation_x(pitch) @ frame_to_scan[:3, :3] * scale, up, middle, atlas)
        for pitch, scale, up in product(PITCHES_DEGREES, SCALES, SHIFTS_MM)
    ]


def other_starts(
    brain: Mask, frame_to_scan: Affine, spacing: np.ndarray, atlas: Atlas
) -> list[Affine]:
    """List poses in the 23 other axis orders that a wrong header may hide; see `header_starts`.

    Mirror images are left out: a brain looks the same in them.
    """
    middle = spacing * np.argwhere(brain).mean(axis=0)
    return [
        _pose(turn @ _rotation_x(pitch) @ frame_to_scan[:3, :3], 0, middle, atlas)
        for turn, pitch in product(_quarter_turns()[1:], PITCHES_DEGREES)
    ]


def _pose(linear: np.ndarray, up_mm: float, middle: np.ndarray, atlas: Atlas) -> Affine:
    pose = np.eye(4)
    pose[:3, :3] = linear
    pose[:3, 3] = atlas.middle_mm + np.array([0, 0, up_mm]) - linear @ middle
    return pose


def _rotation_x(degrees: float) -> np.ndarray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])


def _quarter_turns() -> list[np.ndarray]:
    """List the 24 rotations that map axes to axes, identity first."""
    turns = [
        np.diag(signs)[list(order)].astype(float)
        for order in permutations(range(3))
        for signs in product((1, -1), repeat=3)
    ]
    return [turn for turn in turns if np.linalg.det(turn) > 0]
