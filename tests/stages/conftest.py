"""A coarse phantom cohort, prepared once for all tests of the stages."""

from pathlib import Path

import pytest

from lesionless.data.phantom import PhantomSettings, write_cohort
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.stages.prepare import prepare

COARSE = PrepareSettings(strip="none", n4=False, curvature_iterations=0, matrix=64)


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three healthy phantoms and one patient, anatomy at 4 mm."""
    folder = tmp_path_factory.mktemp("cohort")
    write_cohort(
        folder,
        healthy=4,
        patients=1,
        seed=7,
        thickness_mm=8.0,
        settings=PhantomSettings(anatomy_mm=4),
    )
    return folder


@pytest.fixture(scope="session")
def prepared(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cohort as a store with 4 mm pixels."""
    folder = tmp_path_factory.mktemp("prepared")
    run = prepare(cohort, folder, COARSE, jobs=1)
    assert not run.failed
    return folder
