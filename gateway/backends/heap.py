"""Keeps the C library's heap small: what was freed goes back to the system.

Checking the secret of a client takes 19 MB for a moment. By default glibc learns from the
first such block to serve the next from its heap, which is never given back, and gives each thread
a heap of its own. Where the C library has no such switches nothing is changed.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

# The options of mallopt(3) in glibc.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_BLOCK_BYTES: Final = 128 * 1024
"""From this size a block is its own mapping; glibc's first value, which setting it keeps."""

TRIM_SECONDS: Final = 10.0
"""Between two calls of :func:`trim_heap`: often enough that there is never much to give back."""

_LIBRARY: Final = ctypes.CDLL(None) if sys.platform == "linux" else None
_SET_OPTION: Final = getattr(_LIBRARY, "mallopt", None)
_TRIM: Final = getattr(_LIBRARY, "malloc_trim", None)


def keep_heap_small() -> None:
    """Set how memory is taken; to be called before threads are started."""
    if _SET_OPTION is not None:
        _SET_OPTION(_M_ARENA_MAX, 1)
        _SET_OPTION(_M_MMAP_THRESHOLD, _BLOCK_BYTES)
        _SET_OPTION(_M_TRIM_THRESHOLD, _BLOCK_BYTES)


def settle_heap() -> None:
    """Take what was loaded until now as there to stay, and give back what loading it needed.

    A collection that looked through all of it would hold every stream up for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    trim_heap()


def trim_heap() -> None:
    """Give back every page that holds nothing, also between what is in use.

    For each TLS connection uvloop takes 256 KiB, which it hardly touches. glibc finds them room in
    what earlier connections have left, so what is small comes to lie above, on pages not used
    before: little by little the heap gets as large as all these blocks, however little is in use.

    Takes less than half a millisecond, and 0.13 ms more for each MB that it gives back. Others who
    need memory meanwhile wait.
    """
    if _TRIM is not None:
        _TRIM(0)
