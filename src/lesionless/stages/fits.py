"""Whether a model and a store go together."""

from pathlib import Path

from lesionless.errors import UsageError
from lesionless.models.bundle import Bundle
from lesionless.stages.store_settings import load_settings, load_suffix


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
