"""Tells an operator that the gateway met a bug, without a word of what was being served.

An exception's text may hold a token or a prompt, and so may the source line that a traceback quotes
values from. What is written is the kind of exception and where in the code it came from.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from types import TracebackType
from typing import Final

from gateway.core.events import Event

_LOGGER: Final = logging.getLogger("sealgate")
_OURS: Final = Path(__file__).resolve().parents[1]


def report_fault(fault: BaseException) -> None:
    """Log class and place of *fault*."""
    # No traceback: its text is the fault's own.
    _LOGGER.error(
        Event.FAULT, extra={"kind": type(fault).__name__, "place": fault_place(fault.__traceback__)}
    )


def fault_place(trace: TracebackType | None) -> str:
    """Return file and line of the last step of *trace* in our own code, else of its last one."""
    frames = traceback.extract_tb(trace)
    ours = [frame for frame in frames if _OURS in Path(frame.filename).parents]
    last = next(reversed(ours or frames), None)
    return "unknown place" if last is None else f"{Path(last.filename).name}:{last.lineno}"
