"""The local side of HTTP: which requests are taken, and how an answer is written.

Only HTTP/1.1, because an application notices a cut answer by its missing end, and HTTP/1.0 has no
end to miss. Requests that a web browser could have been tricked into are refused: a page must not
spend the credentials of whoever has it open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import h11

from gateway.client.outer import error_body
from gateway.core.bhttp_fields import HOP_BY_HOP_FIELDS

HeaderList = list[tuple[bytes, bytes]]

_PATH: Final = re.compile(rb"/v1/[A-Za-z0-9\-._~/%?=&,:+@]*")
_METHODS: Final = frozenset({b"GET", b"POST", b"DELETE"})
_LOCAL_HOST: Final = re.compile(rb"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?")
# An answer as long as announced looks whole, though its verified end never came: so it is chunked.
_NOT_ANSWERED: Final = HOP_BY_HOP_FIELDS | {b"content-length"}
_FROM_A_PAGE: Final = frozenset({b"origin", b"sec-fetch-site", b"sec-fetch-mode"})


@dataclass(frozen=True, slots=True)
class LocalRefusal(Exception):
    """A local request that is not passed on."""

    status: int
    code: str
    message: str

    @property
    def body(self) -> bytes:
        """The error in the shape that OpenAI's SDKs read."""
        return error_body(self.message, code=self.code)


def check_request(request: h11.Request, *, is_tcp: bool) -> None:
    """Raise ``LocalRefusal`` unless *request* is one for the model API by a local program."""
    if request.http_version != b"1.1":
        raise LocalRefusal(505, "http_version", "Speak HTTP/1.1, which shows a cut answer.")
    path = request.target.partition(b"?")[0]
    if _PATH.fullmatch(request.target) is None or {b".", b".."} & set(path.split(b"/")):
        raise LocalRefusal(404, "not_found", "Only paths below /v1/ are served here.")
    if request.method not in _METHODS:
        raise LocalRefusal(405, "method_not_allowed", "This method is not served here.")
    headers = dict(request.headers)
    if _FROM_A_PAGE & headers.keys():
        raise LocalRefusal(403, "from_a_page", "Requests of web pages are not served here.")
    # A page whose name was made to point at loopback still sends its own name.
    if is_tcp and _LOCAL_HOST.fullmatch(headers.get(b"host", b"")) is None:
        raise LocalRefusal(403, "not_local", "The host of the request is not a local name.")


def answer_headers(headers: Iterable[tuple[bytes, bytes]], *, is_last: bool) -> HeaderList:
    """Return the gateway's headers without length and connection; *is_last* adds our own."""
    kept = [(name, value) for name, value in headers if name.lower() not in _NOT_ANSWERED]
    return [*kept, (b"connection", b"close")] if is_last else kept


def refusal_events(refusal: LocalRefusal) -> list[h11.Event]:
    """Return a whole error answer, after which the connection is closed."""
    head = h11.Response(
        status_code=refusal.status,
        headers=[
            (b"content-type", b"application/json"),
            (b"content-length", str(len(refusal.body)).encode()),
            (b"connection", b"close"),
        ],
    )
    return [head, h11.Data(data=refusal.body), h11.EndOfMessage()]
