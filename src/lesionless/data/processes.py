"""Work that is shared among processes, which end with the one that started them."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait

from lesionless.errors import UsageError


@contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Yield processes to give work to; what is not begun when the context ends is not done.

    They are spawned, since forked ones inherit locked thread pools of torch and SimpleITK. Where
    the process that started them is killed they end too, instead of working on for nobody.

    Raises:
        UsageError: One of them was ended from outside, as for lack of memory.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_end_with_parent) as executor:
        try:
            yield executor
        except BrokenProcessPool as error:
            raise UsageError(
                f"Expected {workers} processes that work to the end, found one that was killed, "
                "most likely for lack of memory. Run the same command again to go on, with fewer "
                "processes (--jobs) or more memory."
            ) from error
        finally:
            executor.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
