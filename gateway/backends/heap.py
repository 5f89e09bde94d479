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


def keep_heap_small() -> None:
    """Set how memory is taken; to be called before threads are started."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if set_option is not None:
        set_option(_M_ARENA_MAX, 1)
        set_option(_M_MMAP_THRESHOLD, _BLOCK_BYTES)
        set_option(_M_TRIM_THRESHOLD, _BLOCK_BYTES)


def settle_heap() -> None:
    """Take what was loaded until now as there to stay, and give back what loading it needed.

    A collection that looked through all of it would hold every stream up for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
