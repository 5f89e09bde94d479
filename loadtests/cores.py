"""Which processor cores a contender has to itself, so that the load does not slow it down.

Client and model work for each token, too. On the contender's core they would take turns with it,
and what it pays for that would count as its own.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

_ALL: Final = tuple(sorted(os.sched_getaffinity(0)))


def own_cores(workers: int = 1, *, every: tuple[int, ...] = _ALL) -> Collection[int]:
    """Return the cores of a contender with so many *workers*; all, if none would be left over."""
    return set(every[-workers:] if len(every) > workers else every)


def keep_off(cores: Collection[int]) -> None:
    """Keep this process, and all that it starts, off *cores*; not if there are no others."""
    os.sched_setaffinity(0, set(_ALL).difference(cores) or _ALL)


@contextmanager
def starting_on(cores: Collection[int] | None) -> Iterator[None]:
    """Let what is started inside run on *cores*, if they are given, and nowhere else."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
