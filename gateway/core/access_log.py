"""What is remembered of a request: when, which status, from which address. Nothing else.

There is no field to put more into: no path, no model, no client, no size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from gateway.core.errors import StoreUnavailable
from gateway.core.identity import Address, unmapped

_PACKED: Final = struct.Struct(">QH16s")  # milliseconds since 1970, status, IPv6 or mapped IPv4
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MAPPED: Final = bytes(10) + b"\xff\xff"  # RFC 4291 §2.5.5.2


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """One line of the access log."""

    at: datetime
    status: int
    ip: Address


@dataclass(frozen=True, slots=True)
class LogSpan:
    """The records from *since* on and before *until*, without the first *skip*.

    Records are in the order of their times; milliseconds count, no smaller part.
    """

    since: datetime
    until: datetime
    skip: int = 0

    def after(self, page: Sequence[AccessRecord]) -> LogSpan:
        """Return what is left of the span after its first records, *page*."""
        if not page:
            return self
        last = page[-1].at
        shown = sum(record.at == last for record in page)
        return replace(self, since=last, skip=shown + (self.skip if last == self.since else 0))


class SegmentState(StrEnum):
    """What a check found of one segment."""

    WHOLE = "whole"
    UNFINISHED = "unfinished"
    """It is still written to, or its process was killed; what was cut off its end is not seen."""

    TORN = "torn"
    """As a crash leaves it: the last frame was not written to its end."""

    DAMAGED = "damaged"
    """A byte was changed, moved, left out or added."""

    MISSING = "missing"
    """There is a key, and no segment."""

    KEYLESS = "keyless"
    """There are records, and no key that opens them."""


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """What a check found: *frame* is where it ended, or is not as it was written, from 0 on."""

    name: str
    day: date
    state: SegmentState
    records: int
    frame: int

    @property
    def is_sound(self) -> bool:
        """Whether the segment is as its writer, or a crash of it, left it."""
        return self.state in {SegmentState.WHOLE, SegmentState.UNFINISHED, SegmentState.TORN}


def encode_records(records: Iterable[AccessRecord]) -> bytes:
    """Return *records* in 26 bytes each: time in whole milliseconds, status and address."""
    return b"".join(
        _PACKED.pack(record_milliseconds(record), record.status, packed(record.ip))
        for record in records
    )


def parse_records(data: bytes, span: LogSpan | None = None) -> Iterator[AccessRecord]:
    """Yield the records in *data*, those within the times of *span* alone if one is given.

    Raises ``StoreUnavailable`` for what :func:`encode_records` cannot have made.
    """
    since, until = (_count(span.since), _count(span.until)) if span else (0, 2**64)
    if len(data) % _PACKED.size:
        raise StoreUnavailable("A frame of the access log has an unknown format.")
    for moment, status, address in _PACKED.iter_unpack(data):
        if since <= moment < until:
            yield AccessRecord(_EPOCH + moment * _MILLISECOND, status, unpacked(address))


def packed(address: Address) -> bytes:
    """Return *address* in 16 bytes: an IPv4 address as the IPv6 address that it is mapped to."""
    return _MAPPED + address.packed if isinstance(address, IPv4Address) else address.packed


def unpacked(data: bytes) -> Address:
    """Return the address in 16 bytes; an IPv4-mapped one as the IPv4 address that it carries."""
    return unmapped(IPv6Address(data))


def record_milliseconds(record: AccessRecord) -> int:
    """Return the time of *record* in whole milliseconds since 1970, which is all that is kept."""
    return (record.at - _EPOCH) // _MILLISECOND


def record_time(record: AccessRecord) -> str:
    """Return the time of *record* as it is shown: RFC 3339 with milliseconds and ``Z``."""
    utc = record.at.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"


def _count(moment: datetime) -> int:
    """Return the first whole millisecond that is not before *moment*."""
    return max(0, -((_EPOCH - moment) // _MILLISECOND))
