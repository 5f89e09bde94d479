"""Server-sent events: an incremental parser with limits, and the encoder of one event.

The parser follows the WHATWG HTML standard, §9.2 "Server-sent events", for line ends, comments and
fields. It is stricter where a gateway should be: too long an event and a stream that ends inside an
event are errors, and data that is not UTF-8 is never passed on.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final, NamedTuple

from gateway.core.errors import ScrubFailed, UpstreamUnavailable

# One token is a few hundred bytes of event, and a whole tool call at once a few thousand.
# An event is scrubbed at one go; of this size it takes less than a tenth of a second at the worst.
MAX_EVENT_BYTES: Final = 20 * 1024

EVENT_END: Final = b"\n\n"
"""What ends an event as vLLM and the gateway write it."""

# Below this, on average, events say nothing: reading lines is quicker than looking at each of them.
_SHORT: Final = 32

_LINE_END: Final = re.compile(rb"[\r\n]")
_DATA: Final = b"data: "
_NAME: Final = b"event: "
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event: its *name* (``""`` unless given) and its *data*, UTF-8, lines joined by LF."""

    name: str
    data: bytes

    def __repr__(self) -> str:
        return "ServerSentEvent()"


class EventParser:
    """Bytes of an event stream in, events out; the cuts between reads do not matter.

    *max_event_bytes* bounds what one event may hold, comments and field names included, a mark at
    the beginning of the stream not. Raises ``ScrubFailed`` for a longer event or for bytes that are
    not UTF-8.
    """

    __slots__ = ("_buffer", "_data", "_limit", "_name", "_scanned", "_size", "_skip_lf", "_started")

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._buffer = bytearray()
        self._scanned = 0  # no line end before this offset of the buffer
        self._started = False
        self._skip_lf = False  # the last line ended with CR; an LF would belong to it
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Return the events that *data* completes, in order."""
        blocks = self.cut(data)
        if not blocks:
            return self.read_on(data)
        return [event for block in blocks for event in self.read(block)]

    def cut(self, data: bytes) -> list[bytes]:
        """Take *data* and return the events that it completes as bytes without the blank line.

        Each is then understood by the caller or given to :meth:`read`. None, and nothing is taken,
        if *data* does not complete an event, goes on with a line that was read, is hardly more than
        blank lines, or has other line ends than vLLM writes: then it is for :meth:`read_on`.
        """
        if not (self._started or self._buffer) and data[:1] not in (b"", _BYTE_ORDER_MARK[:1]):
            self._started = True
        if not self._started or self._size or self._skip_lf or b"\r" in data:
            return []
        if self._buffer:
            if EVENT_END not in self._buffer[-1:] + data:
                return []
            data = bytes(self._buffer) + data
        *blocks, rest = data.split(EVENT_END)
        if not blocks or len(data) < _SHORT * len(blocks):
            return []
        if len(data) > self._limit and max(map(len, (*blocks, rest))) > self._limit:
            return []
        if self._buffer or rest:
            self._buffer[:] = rest
            self._scanned = 0
        return blocks

    def read(self, block: bytes) -> list[ServerSentEvent]:
        """Return the event that :meth:`cut` returned as *block*; none if it carries no data."""
        name, line = "", block
        if block.startswith(_NAME):
            head, _, line = block.partition(b"\n")
            name = _decoded(head[len(_NAME) :])
        if line.startswith(_DATA) and b"\n" not in line:
            if not line.isascii():
                _decoded(line)
            return [ServerSentEvent(name, line[len(_DATA) :])]
        rest = bytes(self._buffer)
        self._buffer.clear()
        events = self.read_on(block + EVENT_END)
        self._buffer += rest
        self._scanned = 0
        return events

    def read_on(self, data: bytes) -> list[ServerSentEvent]:
        """Return the events that *data* completes, read line by line, whatever they look like."""
        buffer = self._buffer
        buffer += data
        if not self._started:
            if len(buffer) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(bytes(buffer)):
                return []  # whether it is a mark the next bytes tell
            self._started = True
            if buffer.startswith(_BYTE_ORDER_MARK):
                del buffer[: len(_BYTE_ORDER_MARK)]
        events: list[ServerSentEvent] = []
        start = 0
        search_from = self._scanned
        while (found := _LINE_END.search(buffer, search_from)) is not None:
            end = found.start()
            if self._skip_lf and end == start and buffer[end] == 0x0A:
                self._skip_lf = False
            else:
                self._skip_lf = buffer[end] == 0x0D
                self._take_line(bytes(buffer[start:end]), events)
            start = search_from = end + 1
        del buffer[:start]
        self._scanned = len(buffer)
        if self._scanned:
            self._skip_lf = False
        if self._size + self._scanned > self._limit:
            raise ScrubFailed
        return events

    def finish(self) -> None:
        """End the stream; raises ``UpstreamUnavailable`` if it ends inside an event."""
        self.read_on(b"")  # lines that were kept may be comments
        if self._buffer or self._data or self._name:
            raise UpstreamUnavailable

    def _take_line(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if not line:
            self._dispatch(events)
            return
        self._size += len(line)
        if self._size > self._limit:
            raise ScrubFailed
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        # A line that begins with a colon is a comment; id and retry mean nothing here.
        if name == b"data":
            _decoded(value)
            self._data.append(value)
        elif name == b"event":
            self._name = _decoded(value)

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        if self._data:
            events.append(ServerSentEvent(self._name, b"\n".join(self._data)))
        self._name = ""
        self._data = []
        self._size = 0


def _decoded(value: bytes) -> str:
    # Raised outside the handler: the codec's error holds the whole value.
    with suppress(UnicodeDecodeError):
        return value.decode()
    raise ScrubFailed


def encode_event(data: bytes, *, name: str = "") -> bytes:
    """Return the event that carries *data*, one line of UTF-8 such as compact JSON.

    Its *name* is a word of ours. Raises ``ValueError`` if *data* holds a line end, which would
    begin a line of its own.
    """
    if b"\n" in data or b"\r" in data:
        raise ValueError("the data of an event must be one line")
    head = b"event: " + name.encode("ascii") + b"\ndata: " if name else b"data: "
    return head + data + b"\n\n"
