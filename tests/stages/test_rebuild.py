"""Reconstructions that are kept belong to one model and to one image, whatever their names."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor, nn

from lesionless import store
from lesionless.models.bundle import DESCRIPTION, WEIGHTS
from lesionless.preprocess.prepared import PreparedScan
from lesionless.stages.rebuild import Rebuild, cache_of, rebuilder, remembered

MakeRebuild = Callable[[nn.Module, Path], Rebuild]


def searching(n_slices: list[int]) -> nn.Module:
    """Return a dear method that rebuilds a slice as itself and 1, and counts in a list."""

    class Searching(nn.Module):
        def search(self) -> None: ...

        def reconstruct(self, x: Tensor) -> Tensor:
            n_slices.append(len(x))
            return x + 1

    return Searching()


def on_disk(method: nn.Module, folder: Path) -> Rebuild:
    return rebuilder(method, cache=folder)


def in_memory(method: nn.Module, folder: Path) -> Rebuild:
    return remembered(rebuilder(method))


@pytest.fixture
def scan(prepared: Path) -> PreparedScan:
    return store.load(store.paths(prepared)[0])


@pytest.mark.parametrize("kept", [on_disk, in_memory])
def test_scans_of_one_name_share_no_reconstruction(
    kept: MakeRebuild, scan: PreparedScan, tmp_path: Path
) -> None:
    rebuild = kept(searching([]), tmp_path)
    namesake = replace(scan, image=scan.image[:, ::-1] / 2)
    shorter = replace(scan, image=scan.image[:-1], brain=scan.brain[:-1])
    reshaped = replace(scan, image=scan.image.reshape(-1, 32, 128))
    for one in (scan, namesake, shorter, reshaped):
        everything = np.ones(len(one.image), dtype=bool)
        np.testing.assert_array_equal(rebuild(one, everything), one.image + 1)


@pytest.mark.parametrize("kept", [on_disk, in_memory])
def test_one_image_is_rebuilt_once(kept: MakeRebuild, scan: PreparedScan, tmp_path: Path) -> None:
    n_slices: list[int] = []
    everything = np.ones(len(scan.image), dtype=bool)
    rebuild = kept(searching(n_slices), tmp_path)
    first = rebuild(scan, everything)
    again = rebuild(replace(scan, image=scan.image.copy()), everything)
    np.testing.assert_array_equal(first, again)
    assert sum(n_slices) == len(scan.image)


def test_an_image_of_which_some_slices_are_kept_is_completed(
    scan: PreparedScan, tmp_path: Path
) -> None:
    n_slices: list[int] = []
    rebuild = on_disk(searching(n_slices), tmp_path)
    some = rebuild(scan, np.arange(len(scan.image)) < 3)
    np.testing.assert_array_equal(some[:3], scan.image[:3] + 1)
    assert not some[3:].any()
    everything = rebuild(scan, np.ones(len(scan.image), dtype=bool))
    np.testing.assert_array_equal(everything, scan.image + 1)
    assert sum(n_slices) == len(scan.image)


def test_what_is_rebuilt_at_a_glance_is_kept_apart(scan: PreparedScan) -> None:
    class Glancing(nn.Module):
        def reconstruct(self, x: Tensor) -> Tensor:
            return x + 1

        def glance(self, x: Tensor) -> Tensor:
            return x + 2

    rebuild, everything = remembered(rebuilder(Glancing())), np.ones(len(scan.image), dtype=bool)
    for added, glance in ((1, False), (2, True), (1, False)):
        rebuilt = rebuild(scan, everything, glance=glance)
        np.testing.assert_array_equal(rebuilt, scan.image + np.float32(added))


def test_models_of_one_name_and_other_trainings_have_caches_of_their_own(tmp_path: Path) -> None:
    for run in ("run1", "run2"):
        folder = tmp_path / run / "AnoGAN"
        folder.mkdir(parents=True)
        (folder / DESCRIPTION).write_text("{}")
        (folder / WEIGHTS).write_bytes(run.encode())
    first, second = (cache_of(tmp_path, tmp_path / run / "AnoGAN") for run in ("run1", "run2"))
    assert first.parent == second.parent and first != second
    assert cache_of(tmp_path, tmp_path / "run1" / "AnoGAN") == first
    (tmp_path / "run1" / "AnoGAN" / DESCRIPTION).write_text('{"epochs": 2}')
    assert cache_of(tmp_path, tmp_path / "run1" / "AnoGAN") not in (first, second)
