"""Phantoms: synthetic FLAIR scans with known lesions, drawn from the MNI152 maps."""

from lesionless.data.phantom.acquisition import Acquisition
from lesionless.data.phantom.cohort import CohortSubject, write_cohort
from lesionless.data.phantom.contrast import Contrast
from lesionless.data.phantom.deformation import Shape
from lesionless.data.phantom.lesions import Lesions
from lesionless.data.phantom.settings import COARSE, DEFAULTS, PhantomSettings
from lesionless.data.phantom.skull import Skull
from lesionless.data.phantom.subject import PhantomSubject, phantom_subject

__all__ = [
    "COARSE",
    "DEFAULTS",
    "Acquisition",
    "CohortSubject",
    "Contrast",
    "Lesions",
    "PhantomSettings",
    "PhantomSubject",
    "Shape",
    "Skull",
    "phantom_subject",
    "write_cohort",
]
