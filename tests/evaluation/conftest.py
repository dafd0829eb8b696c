from dataclasses import replace

import numpy as np
import pytest

from lesionless.evaluation.case import Case
from lesionless.evaluation.settings import EvaluationSettings

SHAPE = (20, 18, 12)


@pytest.fixture
def make_case():
    """Build a scan: a brain ellipsoid, a few lesions, a score that knows them to some degree."""

    def make(subject="01", *, seed=0, method="sAE3", contrast=2.0, n_lesions=3, **changes):
        rng = np.random.default_rng(seed)
        i, j, k = np.indices(SHAPE)
        brain = ((i - 9.5) / 9) ** 2 + ((j - 8.5) / 8) ** 2 + ((k - 5.5) / 5) ** 2 < 1
        lesion = np.zeros(SHAPE, bool)
        for centre in rng.permutation(np.argwhere(brain))[:n_lesions]:
            square = sum((axis - at) ** 2 for axis, at in zip((i, j, k), centre, strict=True))
            lesion |= square <= rng.choice([1, 4, 6])
        lesion &= brain
        noise = np.random.default_rng([seed, sum(map(ord, method))]).gamma(2, 1, SHAPE)
        score = np.where(brain, noise + contrast * lesion, 0).astype(np.float32)
        upper = np.broadcast_to(k >= 6, SHAPE)
        case = Case(
            subject=subject,
            name=f"sub-{subject}_FLAIR",
            method=method,
            score=score,
            brain=brain,
            lesion=lesion,
            segmentations={"low": brain & (score > 3), "high": brain & (score > 5)},
            spacing_mm=(1.0, 1.5, 3.0),
            regions={"mid": upper},
            tissues={"normal": brain & ~lesion},
        )
        return replace(case, **changes)

    return make


@pytest.fixture
def settings():
    return EvaluationSettings(froc_points=6, bootstrap_draws=100, permutation_draws=200)
