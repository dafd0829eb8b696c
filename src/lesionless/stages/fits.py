"""Whether a model and a store go together."""

import logging
from pathlib import Path

from lesionless.errors import UsageError
from lesionless.models.bundle import Bundle
from lesionless.stages.store_settings import load_settings, load_suffix

logger = logging.getLogger(__name__)

MODELS_OWN = ("space", "n4", "curvature_iterations", "matrix")
"""Settings of preparation that go with a model: scans that it segments are prepared with them."""


def check_fits(bundle: Bundle, name: str, prepared: Path) -> None:
    """Refuse a store that was prepared otherwise than the scans of a model.

    Args:
        bundle: A model, trained or about to be.
        name: What the user calls it, or the store that it is to learn from.
        prepared: A further store.

    Raises:
        UsageError: Contrast, pixels or atlas differ.
    """
    suffix = load_suffix(prepared)
    if bundle.suffix and suffix != bundle.suffix:
        raise UsageError(
            f"{prepared}: expected {bundle.suffix} scans as in {name}, found {suffix}. Models "
            "learn from one contrast."
        )
    store = load_settings(prepared)
    for key in ("matrix", "space"):
        wanted, found = bundle.prepare[key], getattr(store, key)
        if found != wanted:
            raise UsageError(
                f"{prepared}: expected {key} {wanted} as in {name}, found {found}. "
                f"Prepare the scans with --{key} {wanted}."
            )


def warn_of_change(bundle: Bundle, name: str, prepared: Path) -> None:
    """Warn where a model takes over another preparation with the scans of a store.

    Args:
        bundle: A trained model that is trained on or calibrated.
        name: What the user calls it.
        prepared: The store that it is trained on or calibrated with.
    """
    store = load_settings(prepared)
    for key in MODELS_OWN:
        was, becomes = bundle.prepare[key], getattr(store, key)
        if becomes != was:
            logger.warning(
                "%s: prepared with %s = %s, the scans of %s with %s; the new model is used with %s",
                *(prepared, key, becomes, name, was, becomes),
            )
