"""What protects a sealed request from being sent twice (RFC 9458 §6.5).

A request says when it was made, and its encapsulated key names it: nobody can make another request
with the same one. So a request counts only within a window around its ``Date``, and within that
window a store remembers its tag. Pure functions: the store is a port.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.core.errors import DateRefused

MAX_SKEW_SECONDS: Final = 120
"""How far the ``Date`` of a request may be from the gateway's clock unless told otherwise."""

TAG_BYTES: Final = 16  # two of 2**64 requests share a tag: far above what a window can hold

# Processes that share a store may have clocks that differ; a tag must outlive the window on each.
_CLOCKS_DIFFER: Final = timedelta(seconds=30)

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_IMF_FIXDATE: Final = re.compile(
    rf"({'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)


def replay_tag(encapsulated_key: bytes) -> bytes:
    """Return what a store remembers of a request: 16 bytes of a hash of its encapsulated key."""
    return hashlib.sha256(encapsulated_key).digest()[:TAG_BYTES]


def replay_until(now: datetime, *, max_skew_seconds: int = MAX_SKEW_SECONDS) -> datetime:
    """Return how long the tag of a request accepted *now* must be remembered.

    Its ``Date`` is at most one skew ahead and is accepted until one skew after, so two skews, and
    what the clocks of two processes may differ.
    """
    return now + timedelta(seconds=2 * max_skew_seconds) + _CLOCKS_DIFFER


def verify_date(
    value: bytes | None, *, now: datetime, max_skew_seconds: int = MAX_SKEW_SECONDS
) -> None:
    """Raise ``DateRefused`` unless *value* is an IMF-fixdate (RFC 9110 §5.6.7) near *now*.

    A missing value is refused. The obsolete forms are refused too, and so is a name of a day that
    does not fit the date: one moment has one spelling.
    """
    moment = _parse_imf_fixdate(b"" if value is None else value)
    if abs(now - moment) > timedelta(seconds=max_skew_seconds):
        raise DateRefused


def _parse_imf_fixdate(value: bytes) -> datetime:
    found = _IMF_FIXDATE.fullmatch(value.decode("latin-1"))
    if found is None:
        raise DateRefused
    name, day, month, year, *clock = found.groups()
    hour, minute, second = (int(part) for part in clock)
    try:
        moment = datetime(
            int(year), _MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=UTC
        )
    except (
        ValueError
    ):  # 30 February, 25 o'clock; a leap second is refused, as no clock of ours has one
        raise DateRefused from None
    if _DAYS[moment.weekday()] != name:
        raise DateRefused
    return moment
