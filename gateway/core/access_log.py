"""What is remembered of a request: when, which status, from which address. Nothing else.

There is no field to put more into: no path, no model, no client, no size.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.core.identity import Address


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """One line of the access log."""

    at: datetime
    status: int
    ip: Address
