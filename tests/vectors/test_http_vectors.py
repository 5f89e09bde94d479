"""llhttp's request messages: none that its strict parser refuses becomes a request here."""

from __future__ import annotations

import re

from gateway.backends.http_requests import RequestReader
from gateway.core.errors import SealgateError
from tests.vectors.http_messages import read_messages
from tests.vectors.tally import shared_path

STRICTER = {
    "a second request before the answer to the first": r"(?s).*\r\n\r\n(.*\r\n)?(PUT|PATCH|GET) /",
    "another protocol": r"(?si)(PRI|SOURCE|OPTIONS|ANNOUNCE) .* (RTSP|ICE|HTTP)/|.*\r\nUpgrade:",
    "no version": r"GET /\r\n",
    "a tunnel": r"CONNECT ",
    "a target that is no plain path": r"[A-Z-]+ ([^/]|/[^ ]*[\"#\\])",
    "a Host that is none": r"(?s).*\r\nHost: 0\.0\.0\.0=5000\r\n",
    "a coding other than chunked": r"(?s).*\r\nTransfer-Encoding: deflate",
    "trailers": r"POST /chunked_w_trailing_headers ",
}
"""What llhttp takes and we do not: the reason, and what such messages look like."""


class _Requests:
    """Counts what was begun and what was whole."""

    def __init__(self) -> None:
        self.heads = self.ends = 0

    def take_head(self, line, headers, facts):
        self.heads += 1

    def take_body(self, piece):
        pass

    def take_end(self):
        self.ends += 1


def _is_refused(data: bytes, size: int) -> tuple[bool, int]:
    """Return whether *data*, read in pieces of *size*, is refused, and how many were whole."""
    requests = _Requests()
    reader = RequestReader(requests)
    try:
        for start in range(0, len(data), size):
            reader.feed(data[start : start + size])
    except SealgateError:
        return True, requests.ends
    return False, requests.ends


def test_llhttp_messages():
    """Every message has the answer that llhttp wants, or a refusal for a reason of ours."""
    messages = list(read_messages(shared_path("http_parser/test/request")))
    assert len(messages) > 150
    used = set()
    for message in messages:
        for size in (len(message.data) or 1, 1):
            refused, ends = _is_refused(message.data, size)
            if message.is_refused:
                # A second message of the same bytes may be what llhttp refuses.
                assert refused or not ends, message.name
            elif refused:
                text = message.data.decode("latin-1")
                reasons = {why for why, pattern in STRICTER.items() if re.match(pattern, text)}
                assert reasons, message
                used |= reasons
    assert used == set(STRICTER)
