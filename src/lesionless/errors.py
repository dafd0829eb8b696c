"""Every error that the tool raises on purpose; each says what was expected, found, and to do."""


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
