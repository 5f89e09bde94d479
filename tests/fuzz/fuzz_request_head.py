"""What a listener reads: request lines, headers and the frames of bodies."""

from __future__ import annotations

from gateway.backends.http_requests import RequestReader
from gateway.core.errors import SealgateError
from gateway.core.request_head import MAX_HEAD_BYTES, MAX_HEADERS, MAX_LINE_BYTES

_Read = tuple[list[object], bytes, int]


class _Requests:
    def __init__(self) -> None:
        self.heads: list[object] = []
        self.body = b""
        self.ends = 0

    def take_head(self, line, headers, facts):
        assert line.path.startswith(b"/")
        assert not any(odd in line.path for odd in (b"\\", b";", b"\x00", b"//", b"/../", b"/./"))
        assert [name for name, _ in headers].count(b"host") == 1
        assert len(headers) <= MAX_HEADERS
        assert len(line.path) + len(line.query) <= MAX_LINE_BYTES
        assert sum(len(name) + len(value) for name, value in headers) <= MAX_HEAD_BYTES
        self.heads.append((line, tuple(headers), facts))

    def take_body(self, piece):
        assert self.heads
        self.body += piece

    def take_end(self):
        self.ends += 1


def _read(data: bytes, size: int) -> _Read | type[SealgateError]:
    requests = _Requests()
    reader = RequestReader(requests)
    try:
        for start in range(0, len(data), size):
            reader.feed(data[start : start + size])
    except SealgateError as error:
        return type(error)
    assert requests.ends <= len(requests.heads) <= 1, "one request at a time"
    return requests.heads, requests.body, requests.ends


def check(data: bytes) -> None:
    """Cuts between reads change nothing, and nothing but a documented error escapes."""
    size = 1 + (data[0] if data else 0) % 64
    whole = _read(data[1:], len(data) or 1)
    assert _read(data[1:], size) == whole
    assert _read(data[1:], 1) == whole
