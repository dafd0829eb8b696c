"""Gates: known figures of simple masks, limits, and what a slab changes."""

import nibabel as nib
import numpy as np
import pytest

from lesionless.preprocess import quality
from lesionless.preprocess.symmetry import mirror_dice

SHAPE = (32, 36, 30)
SPACING_MM = 6.0
AFFINE = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])


def ellipsoid(radii_mm=(65, 80, 62), turn=None, dent=False) -> np.ndarray:
    grid = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1)
    places = (grid - (np.array(SHAPE) - 1) / 2) * SPACING_MM
    places = places if turn is None else places @ turn
    mask = np.linalg.norm(places / radii_mm, axis=-1) <= 1
    if dent:
        mask &= ~((places[..., 0] > 5) & (places[..., 1] > 10))
    return mask


def figures_of(mask: np.ndarray, raw: np.ndarray | None = None) -> dict[str, float]:
    return quality.mask_figures(mask if raw is None else raw, mask, AFFINE)


def failed(figures) -> list[str]:
    return [judgement.name for judgement in quality.judge(figures) if not judgement.passed]


def test_a_brain_of_usual_size_passes():
    figures = figures_of(ellipsoid())
    assert figures["brain_ml"] == pytest.approx(4 / 3 * np.pi * 65 * 80 * 62 / 1000, rel=0.03)
    assert figures["field_height_mm"] == pytest.approx(180)
    assert figures["largest_component"] == 1
    assert figures["cut_share"] == 0
    assert failed(figures) == []


@pytest.mark.parametrize("factor", [0.7, 1.2])
def test_a_mask_too_small_or_too_large_fails_by_its_volume(factor):
    assert failed(figures_of(ellipsoid(np.array([65, 80, 62]) * factor))) == ["brain_ml"]


def test_a_mask_in_pieces_fails_by_its_share():
    raw = ellipsoid()
    raw[:4] = True
    figures = figures_of(ellipsoid() & (np.arange(32) >= 4)[:, None, None], raw)
    assert figures["largest_component"] == pytest.approx(ellipsoid().sum() / raw.sum())
    assert failed(figures) == ["largest_component"]


def test_a_lopsided_mask_fails_by_its_symmetry():
    assert failed(figures_of(ellipsoid(dent=True))) == ["symmetry"]


def test_an_empty_mask_has_figures_too():
    figures = figures_of(np.zeros(SHAPE, dtype=bool))
    assert figures["brain_ml"] == figures["symmetry"] == figures["largest_component"] == 0


def test_a_slab_needs_less_brain_but_says_that_it_is_cut():
    slab = ellipsoid()[:, :, 11:19]  # 48 mm around the middle
    figures = figures_of(slab)
    assert figures["brain_ml"] < quality.GATES["brain_ml"].low
    assert failed(figures) == ["cut_share"]
    assert quality.mask_failures(figures) == []


def test_a_slab_holds_no_more_than_the_largest_section():
    assert failed({"brain_ml": 1000.0, "field_height_mm": 50.0}) == ["brain_ml"]
    assert failed({"brain_ml": 850.0, "field_height_mm": 50.0}) == []


def test_the_lowest_slice_may_cut_the_brain_in_any_storage_order():
    mask = ellipsoid()[:, :, 12:]
    assert figures_of(mask)["cut_share"] == 0
    flipped = np.diag([1.0, 1, -1, 1]) @ AFFINE
    assert quality.mask_figures(mask, mask, flipped)["cut_share"] > 0.8


def test_the_sentence_has_figure_limits_and_advice():
    (judgement,) = quality.judge({"registration_dice": 0.5, "unknown": 3.0})
    assert judgement.sentence == (
        "Dice of the brain mask with the atlas brain: 0.5, expected 0.9 to 1; "
        "the scan is not aligned to the atlas, or the mask is wrong"
    )


@pytest.mark.parametrize("angles", [(0, 0, 0), (0.25, 0, 0), (0, 0.2, 0.1), (0.2, -0.15, 0.1)])
def test_symmetry_does_not_depend_on_how_the_head_lies(angles):
    turn = nib.eulerangles.euler2mat(*angles)
    assert mirror_dice(ellipsoid(turn=turn), AFFINE) > 0.96
    assert mirror_dice(ellipsoid(turn=turn, dent=True), AFFINE) < 0.9


def test_symmetry_does_not_depend_on_the_storage_order():
    mask = ellipsoid(dent=True)
    turned = np.transpose(mask, (2, 0, 1))[::-1]
    affine = np.zeros((4, 4))
    affine[:3, :3] = np.array([[0, 1, 0], [0, 0, 1], [-1, 0, 0]]) * SPACING_MM
    affine[3, 3] = 1
    assert mirror_dice(turned, affine) == pytest.approx(mirror_dice(mask, AFFINE), abs=0.01)
