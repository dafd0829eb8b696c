"""The MNI152 maps that nilearn brings, without the seconds that importing its loader takes."""

from pathlib import Path

import nibabel as nib
import numpy as np

from lesionless.arrays import Affine, Volume

BRAIN = 0.2  # of the T1's maximum: what lies above it is brain in the stripped map


def mni152_map(name: str) -> tuple[Volume, Affine]:
    """Read one map of MNI152 (2009a, symmetric) at 1 mm; nothing is downloaded.

    Args:
        name: `t1` (stripped), `gm` or `wm`.

    Returns:
        The (i, j, k) float32 map over its maximum, and its affine to atlas millimetres, RAS+.

    Source: Fonov et al. 2011, NeuroImage 54(1), 313-327.
    """
    import nilearn

    file = f"mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz"
    nifti = nib.load(Path(nilearn.__file__).parent / "datasets" / "data" / file)
    values = np.asarray(nifti.dataobj).astype(np.float32)
    return values / values.max(), np.asarray(nifti.affine, dtype=np.float64)
