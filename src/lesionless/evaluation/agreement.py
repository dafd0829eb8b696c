"""Agreement of segmented with reference lesion volume."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

NAN = float("nan")


@dataclass(frozen=True)
class Agreement:
    """Hold the Bland-Altman figures of one method.

    Attributes:
        bias_ml: Mean of segmented minus reference volume.
        sd_ml: Standard deviation of the difference (n - 1).
        lower_ml: Lower limit of agreement, bias - 1.96 sd.
        upper_ml: Upper limit of agreement, bias + 1.96 sd.
        n: Scans with a known reference, healthy ones included; each counts once, whatever the
            number of training runs.
    """

    bias_ml: float
    sd_ml: float
    lower_ml: float
    upper_ml: float
    n: int


def bland_altman(
    segmented_ml: Float[np.ndarray, " scan"], reference_ml: Float[np.ndarray, " scan"]
) -> Agreement:
    """Compare two measurements of volume on the same scans; nan below two scans.

    Source: Bland and Altman 1986, "Statistical methods for assessing agreement between two methods
        of clinical measurement".

    Example:
        >>> bland_altman(np.array([2.0, 4.0]), np.array([1.0, 5.0])).bias_ml
        0.0
    """
    difference = np.asarray(segmented_ml, dtype=float) - np.asarray(reference_ml, dtype=float)
    bias = float(difference.mean()) if difference.size else NAN
    sd = float(difference.std(ddof=1)) if difference.size > 1 else NAN
    return Agreement(
        bias_ml=bias,
        sd_ml=sd,
        lower_ml=bias - 1.96 * sd,
        upper_ml=bias + 1.96 * sd,
        n=int(difference.size),
    )
