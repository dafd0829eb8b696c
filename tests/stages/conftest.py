"""A coarse phantom cohort, prepared once for all tests of the stages."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lesionless import store
from lesionless.data.phantom import PhantomSettings, write_cohort
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.stages.prepare import prepare
from lesionless.stages.store_settings import SETTINGS

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


def restated(prepared: Path, other: Path, **changes: Any) -> Path:
    """Copy a store, and let it and its scans say that they were prepared otherwise."""
    shutil.copytree(prepared, other)
    how = json.loads((other / SETTINGS).read_text(encoding="utf-8"))
    (other / SETTINGS).write_text(json.dumps({**how, **changes}), encoding="utf-8")
    for path in store.paths(other):
        scan = store.load(path)
        settings = {**scan.record["settings"], **changes}
        store.save(other, replace(scan, record={**scan.record, "settings": settings}))
    return other
