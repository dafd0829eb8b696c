"""Skull strip: which method is used, what is cleaned, what is refused, what is recorded."""

import json
import logging
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.data.scan import Scan, read_mask, read_scan
from lesionless.errors import LesionlessError, StripError, UsageError
from lesionless.preprocess import strip, strip_command, strip_network
from lesionless.preprocess.strip_background import background_value, foreground_mask

SPACING_MM = 6.0
SHAPE = (32, 36, 30)


def ball(radius_mm: float) -> np.ndarray:
    grid = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1)
    centre = (np.array(SHAPE) - 1) / 2
    return np.linalg.norm((grid - centre) * SPACING_MM, axis=-1) <= radius_mm


BRAIN = ball(70)


def scan_of(image: np.ndarray, affine: np.ndarray | None = None) -> Scan:
    affine = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0]) if affine is None else affine
    return Scan(Path("scan.nii.gz"), image.astype(np.float32), affine, nib.Nifti1Header())


def stripped_image() -> np.ndarray:
    return np.where(BRAIN, np.random.default_rng(1).normal(100, 10, SHAPE), 0)


def head_image() -> np.ndarray:
    """Brain, dark skull and bright scalp in noisy air."""
    rng = np.random.default_rng(1)
    image = np.where(ball(85), 200, 0) * ~ball(78) + stripped_image()
    return image + np.abs(rng.normal(0, 1, SHAPE))


@pytest.fixture
def installed(monkeypatch):
    """Replace every method; each test says what they find and which programs there are."""
    masks = {}
    calls = []

    def method(name):
        def make(image, affine, *, threads, device):
            calls.append(name)
            if isinstance(masks[name], Exception):
                raise masks[name]
            return masks[name]

        return make

    for name in ("deepbet", *strip_command.COMMANDS):
        monkeypatch.setitem(strip.METHODS, name, method(name))
    monkeypatch.setattr(strip, "program_of", lambda name: name if name in masks else None)
    masks["calls"] = calls
    return masks


# --- the user decides -------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, -1024.0, 12.5])
def test_none_finds_the_brain_on_any_constant_background(offset):
    result = strip.brain_mask(scan_of(stripped_image() + offset), method="none")
    assert result.method == "none"
    np.testing.assert_array_equal(result.mask, BRAIN)


def test_a_given_mask_is_used_and_cleaned():
    mask = ball(60)
    mask[16, 18, 15] = False  # a hole
    mask[0, 0, 0] = True  # a speck
    result = strip.brain_mask(scan_of(stripped_image()), mask=mask)
    assert result.method == "mask"
    np.testing.assert_array_equal(result.mask, ball(60))


def test_a_doubtful_mask_of_the_user_goes_on_with_a_warning(caplog):
    result = strip.brain_mask(scan_of(stripped_image()), mask=ball(40))
    assert not result.record["passed"]
    assert "doubtful brain mask by mask: brain volume in ml: 260.9" in caplog.text


def test_an_empty_mask_is_refused():
    with pytest.raises(StripError, match="mask: 0 ml"):
        strip.brain_mask(scan_of(stripped_image()), mask=np.zeros(SHAPE, dtype=bool))


@pytest.mark.parametrize("method", ["mask", "scissors"])
def test_a_method_that_cannot_work_is_a_wrong_usage(method):
    with pytest.raises(UsageError, match="Expected"):
        strip.brain_mask(scan_of(stripped_image()), method=method)


# --- the gates decide -------------------------------------------------------------------------


def test_a_plausible_mask_ends_the_search(installed):
    installed |= {"deepbet": BRAIN, "hd-bet": BRAIN}
    result = strip.brain_mask(scan_of(head_image()))
    assert result.method == "deepbet"
    assert result.record["passed"]
    assert installed["calls"] == ["deepbet"]


def test_the_next_installed_method_takes_over_and_the_record_says_so(installed, caplog):
    installed |= {"deepbet": ball(40), "robex": BRAIN}
    result = strip.brain_mask(scan_of(head_image()))
    assert result.method == "robex"
    np.testing.assert_array_equal(result.mask, BRAIN)
    record = json.loads(json.dumps(result.record))
    assert [attempt["method"] for attempt in record["attempts"]] == ["deepbet", "robex"]
    assert record["attempts"][0]["problems"] == [
        "brain volume in ml: 260.9, expected 800 to 2100; the mask leaves out brain or takes in "
        "skull, or the voxel size in the header is wrong"
    ]
    assert record["attempts"][1]["problems"] == []
    assert "brain mask by robex, not deepbet" in caplog.text


def test_a_method_that_fails_altogether_is_followed_by_the_next(installed):
    installed |= {"deepbet": StripError("no head"), "synthstrip": BRAIN}
    result = strip.brain_mask(scan_of(head_image()))
    assert result.method == "synthstrip"
    assert result.record["attempts"][0]["problems"] == ["no head"]


def test_where_all_fail_the_best_goes_on_with_a_warning(installed, caplog):
    lopsided = ball(40)
    lopsided[:16, :18] = False
    installed |= {"deepbet": lopsided, "hd-bet": ball(40), "robex": np.zeros(SHAPE, dtype=bool)}
    result = strip.brain_mask(scan_of(head_image()))
    assert result.method == "hd-bet"
    assert not result.record["passed"]
    assert "doubtful brain mask by hd-bet" in caplog.text


def test_where_all_are_hopeless_the_error_names_each(installed):
    installed |= {"deepbet": StripError("no head"), "hd-bet": np.zeros(SHAPE, dtype=bool)}
    with pytest.raises(StripError, match=r"deepbet: 0 ml \(no head\); hd-bet: 0 ml \(brain volume"):
        strip.brain_mask(scan_of(head_image()))


def test_a_scan_that_is_stripped_already_is_recognised(installed, caplog):
    eaten = BRAIN & ball(66)  # what a network for heads makes of a bare brain
    installed |= {"deepbet": eaten}
    result = strip.brain_mask(scan_of(stripped_image()))
    assert result.method == "none"
    np.testing.assert_array_equal(result.mask, BRAIN)
    assert "skull-stripped already" in caplog.text


def test_a_head_in_air_that_was_set_to_zero_is_not_taken_for_a_brain(installed, caplog):
    caplog.set_level(logging.WARNING)
    head = np.where(ball(75), 100, 0)  # no larger than a large brain
    installed |= {"deepbet": ball(60)}
    assert strip.brain_mask(scan_of(head)).method == "deepbet"
    assert caplog.text == ""


# --- the background ---------------------------------------------------------------------------


def test_dips_of_interpolation_are_not_brain():
    image = stripped_image()
    ring = ball(76) & ~BRAIN
    image[ring] = np.where(np.arange(ring.sum()) % 9 == 0, -4.0, 0.0)
    np.testing.assert_array_equal(foreground_mask(image), BRAIN)


def test_a_z_scored_brain_is_found_whole():
    values = np.random.default_rng(2).normal(0, 1, SHAPE)
    values[np.abs(values) < 0.05] = 0.5
    np.testing.assert_array_equal(foreground_mask(np.where(BRAIN, values, 0)), BRAIN)


def test_a_background_with_resampling_noise_is_background():
    noise = np.random.default_rng(3).normal(0, 0.05, SHAPE)
    image = np.where(BRAIN, stripped_image(), 7 + noise)
    assert background_value(image) == pytest.approx(7, abs=0.1)
    np.testing.assert_array_equal(foreground_mask(image), BRAIN)


# --- deepbet ----------------------------------------------------------------------------------


class _Threshold:
    """Stand in for the network: bright voxels, and one mark that ties it to RAS order."""

    def run_model(self, image):
        probability = (image > 50).astype(np.float32)
        probability[0, 0, 0] = 1
        return probability


def test_deepbet_sees_ras_order_and_the_mask_returns_to_the_scan(monkeypatch):
    monkeypatch.setattr(strip_network, "_network", lambda device: _Threshold())
    affine = np.diag([-SPACING_MM, SPACING_MM, -SPACING_MM, 1.0])
    mask = strip_network.deepbet_mask(stripped_image(), affine)
    expected = BRAIN.copy()
    expected[-1, 0, -1] = True  # right, posterior, inferior is stored last, first, last
    np.testing.assert_array_equal(mask, expected)


def test_changed_weights_are_refused(monkeypatch, tmp_path):
    for name in strip_network.WEIGHTS_SHA256:
        (tmp_path / name).write_bytes(b"other weights")
    monkeypatch.setattr(strip_network, "_weights_folder", lambda: tmp_path)
    strip_network._network.cache_clear()
    with pytest.raises(LesionlessError, match=r"expected the weights of deepbet 1\.0\.2"):
        strip_network.deepbet_mask(head_image(), np.eye(4))


@pytest.mark.slow
def test_deepbet_runs_on_a_head_with_the_installed_weights():
    strip_network._network.cache_clear()
    rough = strip_network.deepbet_mask(head_image(), scan_of(head_image()).affine)
    overlap = 2 * np.count_nonzero(rough & BRAIN) / (rough.sum() + BRAIN.sum())
    assert overlap > 0.8


@pytest.mark.real
@pytest.mark.slow
def test_deepbet_loses_no_lesion_of_a_real_scan():
    folder = os.environ.get("LESIONLESS_DATA")
    if not folder:
        pytest.skip("LESIONLESS_DATA is not set")
    cohort = Path(folder) / "ms-tabriz"
    scan = read_scan(cohort / "sub-105074/anat/sub-105074_FLAIR.nii.gz")
    masks = cohort / "derivatives/lesion/sub-105074/anat"
    lesion = read_mask(masks / "sub-105074_label-lesion_mask.nii.gz", scan)
    result = strip.brain_mask(scan)
    assert result.method == "deepbet"
    assert result.record["passed"]
    assert not np.any(lesion & ~result.mask)
