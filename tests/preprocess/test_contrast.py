"""FLAIRs pass, T1- and T2-weighted scans are named, and nothing is said where nothing is known."""

from dataclasses import replace

import numpy as np
import pytest
from nilearn.datasets import load_mni152_gm_template, load_mni152_wm_template
from scipy import ndimage

from lesionless.preprocess.atlas import MNI152, load_atlas
from lesionless.preprocess.contrast import contrast_doubts, contrast_figures

FLAIR = (1.15, 1.0, 0.2)
T1 = (0.75, 1.0, 0.3)
T2 = (1.3, 1.0, 2.2)


def scan(signals, *, lesion=0.0):
    """An image of the atlas brain at 2 mm: signals of grey matter, white matter and fluid."""
    grey_map, white_map = (
        load(resolution=2) for load in (load_mni152_gm_template, load_mni152_wm_template)
    )
    grey, white = grey_map.get_fdata(), white_map.get_fdata()
    brain = ndimage.binary_closing(grey + white > 0.3, iterations=4)
    tissue = np.stack([grey, white, np.clip(1 - grey - white, 0, 1)])
    image = np.tensordot(signals, tissue, 1) * brain
    places = np.moveaxis(np.indices(image.shape), 0, -1) @ grey_map.affine[:3, :3]
    distance_mm = np.linalg.norm(places + grey_map.affine[:3, 3] - [28, -20, 28], axis=-1)
    image[distance_mm < lesion] *= 1.6
    noise = np.random.default_rng(0).normal(0, 0.04, image.shape)
    return 0.4 * np.maximum(image + noise, 0) * brain, brain, grey_map.affine


def misaligned(affine, millimetres):
    shift = np.eye(4)
    shift[:3, :3] *= 1.04
    shift[:3, 3] = [0, millimetres, -millimetres]
    return shift @ affine


@pytest.mark.parametrize("off_mm", [0, 5])
@pytest.mark.parametrize(
    ("signals", "doubt"), [(FLAIR, None), (T1, "T1-weighted"), (T2, "T2-weighted")]
)
def test_each_contrast_is_told_apart_even_off_its_place(signals, doubt, off_mm):
    image, brain, affine = scan(signals)
    figures = contrast_figures(image, brain, misaligned(affine, off_mm), load_atlas(MNI152))
    found = contrast_doubts(figures)
    assert len(found) == (doubt is not None)
    assert all(doubt in sentence for sentence in found)


def test_the_figures_are_ratios_of_the_signals():
    image, brain, affine = scan(T1)
    figures = contrast_figures(image, brain, affine, load_atlas(MNI152))
    assert figures["grey_to_white"] == pytest.approx(0.75, abs=0.03)
    assert figures["fluid_to_white"] == pytest.approx(0.3, abs=0.05)


def test_a_tumour_does_not_make_a_flair_look_t1_weighted():
    image, brain, affine = scan(FLAIR, lesion=30.0)
    assert not contrast_doubts(contrast_figures(image, brain, affine, load_atlas(MNI152)))


def test_nothing_is_said_of_a_slab_or_another_atlas():
    image, brain, affine = scan(T1)
    atlas = load_atlas(MNI152)
    assert contrast_figures(image, brain, affine, replace(atlas, name="SRI24")) == {}
    low = brain & (np.arange(image.shape[2]) < 15)
    assert contrast_figures(image, low, affine, atlas) == {}
    assert contrast_doubts({}) == []
