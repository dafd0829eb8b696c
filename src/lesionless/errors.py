"""Every error that the tool raises on purpose; each says what was expected, found, and to do."""

from collections.abc import Iterable


class LesionlessError(Exception):
    """Be the base of all errors below."""


class UsageError(LesionlessError):
    """Report a wrong option, path or setting; ends the command with exit code 2."""


class ScanError(LesionlessError):
    """Report one scan that cannot be used; the other scans go on."""


class StripError(ScanError):
    """Report a scan for which no plausible brain mask was found."""


class RegistrationError(ScanError):
    """Report a scan that could not be aligned to the atlas."""


class ModelError(LesionlessError):
    """Report a model folder that is missing, broken or of another kind."""


class TrainingError(LesionlessError):
    """Report a training run that cannot go on."""


def check_choice(name: str, value: object, known: Iterable[str]) -> None:
    """Refuse a setting that is none of the words that it can be.

    Raises:
        UsageError: It is not one of them.

    >>> check_choice("law", "vae", ("AE", "VAE"))
    Traceback (most recent call last):
        ...
    lesionless.errors.UsageError: Expected law to be one of AE, VAE, found 'vae'.
    """
    words = list(known)
    if value not in words:
        raise UsageError(f"Expected {name} to be one of {', '.join(words)}, found {value!r}.")
