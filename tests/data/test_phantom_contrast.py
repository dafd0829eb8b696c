"""FLAIR contrast at points of known tissue."""

import numpy as np

from lesionless.data.phantom import Contrast
from lesionless.data.phantom.contrast import Signal, TissueAt, flair_signal

# one point each of white matter, cortex, ventricle, sulcus, cap in white matter
TISSUE = TissueAt(
    grey=np.array([0, 1, 0, 0.9, 0.0]),
    white=np.array([1, 0, 0, 0.1, 1.0]),
    t1=np.array([0.87, 0.65, 0.28, 0.60, 0.87]),
    sulcus=np.array([0, 0, 0, 0.4, 0.0]),
    cap=np.array([0, 0, 0, 0, 1.0]),
)
STILL = np.zeros((2, 5))


def _signal(seed: int, contrast: Contrast) -> Signal:
    return flair_signal(np.random.default_rng(seed), TISSUE, STILL, contrast=contrast)


def test_tissues_have_the_order_of_flair_in_every_scan() -> None:
    for seed in range(20):
        white, grey, ventricle, sulcus, cap = _signal(seed, Contrast()).healthy
        assert ventricle < 0.5 * white
        assert sulcus < 0.7 * white
        assert 1.05 * white < grey < 1.45 * white
        assert white < cap < 1.45 * white


def test_signal_is_exact_without_spread() -> None:
    fixed = Contrast(
        grey=(1.2, 1.2),
        fluid=(0.2, 0.2),
        texture=(0, 0),
        variation=(0, 0),
        cap=(0.25, 0.25),
        sulcus=(0.4, 0.4),
        sharpness=(2, 2),
    )
    signal = _signal(0, fixed)
    assert np.allclose(signal.healthy, [1.0, 1.2, 0.2, 0.2, 1.25], atol=2e-3)
    assert np.allclose(signal.white, [1, 0, 0, 0, 1], atol=2e-3)
    assert signal.fluid_level == 0.2


def test_brighter_t1_is_darker_in_flair() -> None:
    tissue = TissueAt(*(np.repeat(v[:1], 2) for v in vars(TISSUE).values()))
    tissue.t1[1] += 0.05
    dull, bright = flair_signal(
        np.random.default_rng(0), tissue, np.zeros((2, 2)), contrast=Contrast()
    ).healthy
    assert bright < dull
