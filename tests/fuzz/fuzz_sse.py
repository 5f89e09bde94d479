"""Event streams: cuts change nothing, padding changes nothing, what is passed on is UTF-8."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.errors import ScrubFailed, UpstreamUnavailable
from gateway.core.padding import pad_events
from gateway.core.sse import EventParser, ServerSentEvent, encode_event
from tests.fuzz.cuts import pieces

LIMIT = 200


def _read(parts: Iterable[bytes]) -> list[ServerSentEvent] | None:
    parser = EventParser(max_event_bytes=LIMIT)
    events: list[ServerSentEvent] = []
    try:
        for part in parts:
            events += parser.feed(part)
        parser.finish()
    except (ScrubFailed, UpstreamUnavailable):
        return None
    return events


def check(data: bytes) -> None:
    """Any stream is refused or read as the same events, however it is cut and padded."""
    events = _read([data[1:]])
    assert _read(pieces(data)) == events
    for event in events or ():
        assert len(event.data) <= LIMIT
        assert event.data.decode().encode() == event.data
        if b"\n" in event.data or b"\r" in event.data:
            continue
        bucket_bytes = 1 + data[0]
        encoded = encode_event(event.data)
        padded = pad_events(encoded, bucket_bytes=bucket_bytes)
        assert len(padded) % bucket_bytes == 0
        assert EventParser().feed(padded) == EventParser().feed(encoded)
