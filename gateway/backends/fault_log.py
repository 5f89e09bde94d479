"""Tells an operator that the gateway met a bug, without a word of what was being served.

An exception's text may hold a token or a prompt, and so may the source line that a traceback quotes
values from. What is written is the kind of exception and where in the code it came from.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

_logger = logging.getLogger("sealgate")


def report_fault(fault: Exception) -> None:
    """Log class and place of *fault* on standard error."""
    frames = traceback.extract_tb(fault.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown place"
    _logger.error("internal error: %s at %s", type(fault).__name__, place)
