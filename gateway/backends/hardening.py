"""Keeps what is in the memory of this process out of files: no core dump, no foreign reader.

Prompts, answers and keys are in memory while they are needed. A process that aborts is not dumped,
and others of the same user can neither attach to it nor read its memory.
"""

from __future__ import annotations

import ctypes
import faulthandler
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # prctl(2)


def harden_process() -> None:
    """Forbid core dumps of this process and of its children, and tracebacks when it is killed.

    On Linux also attaching to it. What the system refuses is left as it is: a container may do all
    of it already.
    """
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # A dump may also go to a program, to which the limit does not apply (core(5)).
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
