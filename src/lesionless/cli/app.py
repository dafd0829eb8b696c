"""The application that the commands register with, and how it ends."""

import logging
import signal
import sys
from typing import Annotated, TypeAlias

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from lesionless.errors import LesionlessError, ScanError

DONE, SOME_FAILED, WRONG_USAGE, INTERNAL = 0, 1, 2, 70
INTERRUPTED, TERMINATED = 130, 143

Count: TypeAlias = Annotated[int, Parameter(validator=Number(gte=1))]
"""An option that counts threads or processes: at least 1."""

app = App(
    name="lesionless",
    help="Lesion maps for brain MR, learned from scans without lesions. Research use only.",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # `run` says how to go on
)


class Terminated(KeyboardInterrupt):
    """Report that the process was asked to end, as batch systems do where time is up."""


def end_when_asked() -> None:
    """Let SIGTERM end a command as Ctrl-C does: what is there is kept, and the manifest says so."""

    def end(*_: object) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, end)


def ready_torch(device: str, threads: int | None = None) -> None:
    """Check the device that is asked for, and set the threads; None leaves torch its own number.

    Raises:
        UsageError: There is no such device here.
    """
    import torch  # not before a command needs it: --help stays quick

    from lesionless.training.device import check_device

    check_device(device)
    if threads:
        torch.set_num_threads(threads)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code.

    Returns:
        0; 1: some scans failed; 2: wrong usage, a file that cannot be used, or too little memory;
        70: an internal error; 130 or 143: stopped by Ctrl-C or SIGTERM.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        return int(app(arguments, exit_on_error=False, result_action="return_value") or DONE)
    except ScanError as error:  # none of the scans can be used
        print(error, file=sys.stderr)
        return SOME_FAILED
    except LesionlessError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    except CycloptsError:  # already printed, with the help that fits
        return WRONG_USAGE
    except KeyboardInterrupt as error:
        again = "Run the same command again to go on; with --overwrite all is made anew."
        print(f"Stopped. {again}", file=sys.stderr)
        return TERMINATED if isinstance(error, Terminated) else INTERRUPTED
    except MemoryError as error:
        print(f"Expected more memory, found too little ({error}). Ask for more.", file=sys.stderr)
        return WRONG_USAGE
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            print(_about_file(error), file=sys.stderr)
            logging.getLogger(__name__).debug("The trace of it:", exc_info=True)
            return WRONG_USAGE
        logging.getLogger(__name__).exception("Internal error; please report it with this trace.")
        return INTERNAL


def _about_file(error: OSError) -> str:
    """Say which file or folder cannot be used, for example one that must not be written."""
    return (
        f"{error.filename or 'Output'}: expected to read or write there, found: {error.strerror}. "
        "Check the path, its permissions and the space on the disk, then run the command again."
    )
