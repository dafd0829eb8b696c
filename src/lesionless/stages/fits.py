"""Whether a trained model and a store go together."""

from pathlib import Path

from lesionless.errors import UsageError
from lesionless.models.bundle import Bundle
from lesionless.stages.prepare import load_settings


def check_fits(bundle: Bundle, name: str, prepared: Path) -> None:
    """Refuse a store that was prepared otherwise than the scans that a model learnt from.

    Args:
        bundle: A trained model.
        name: What the user calls it.
        prepared: A store.

    Raises:
        UsageError: Pixels or atlas differ.
    """
    store = load_settings(prepared)
    for key in ("matrix", "space"):
        wanted, found = bundle.prepare[key], getattr(store, key)
        if found != wanted:
            raise UsageError(
                f"{prepared}: expected {key} {wanted} as {name} learnt from, found {found}. "
                f"Prepare the scans with --{key} {wanted}."
            )
