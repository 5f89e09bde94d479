"""The machine of all detectors that come with the gateway, made once for each process.

Making it may take the better part of a second, so it is not made when a module is imported: a
command that scrubs nothing does without, and the gateway makes it before it says that it is ready.
"""

from __future__ import annotations

from functools import cache

from gateway.core.pii.detectors import DETECTORS
from gateway.core.pii.machine import Machine
from gateway.core.pii.prebuilt import find_tables


@cache
def shipped_machine() -> Machine:
    """Return the machine of all detectors; the first call makes it."""
    return Machine(DETECTORS, packed=find_tables())
