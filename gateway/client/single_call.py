"""One call for debugging: what it looks like sealed, or its answer as it arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO, NoReturn

import httpx2

from gateway.client.account import Account
from gateway.client.httpx2_transport import SealgateTransport
from gateway.core.ohttp import REQUEST_MEDIA_TYPE


@dataclass(frozen=True, slots=True)
class SingleCall:
    """Method, path, headers and body of one call; *path* begins with a slash."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


class NotSealed(Exception):
    """The gateway gave no keys or no token; the text is the refusal that says which."""


class _NotSent(Exception):
    """Carries the sealed request out of the transport."""

    def __init__(self, sealed: bytes) -> None:
        super().__init__()
        self.sealed = sealed


class _HoldBack(httpx2.BaseTransport):
    """Lets fetches of keys and tokens pass, and the sealed request not."""

    def __init__(self, upstream: httpx2.BaseTransport) -> None:
        self._upstream = upstream

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.headers.get("content-type") == REQUEST_MEDIA_TYPE:
            _hold(request.read())
        return self._upstream.handle_request(request)

    def close(self) -> None:
        self._upstream.close()


def encapsulate(call: SingleCall, account: Account, *, upstream: httpx2.BaseTransport) -> bytes:
    """Return *call* as it would go over the wire, without sending it.

    Keys and a token are fetched for it. Raises what the transport raises, and ``NotSealed``.
    """
    try:
        with SealgateTransport(account, upstream=_HoldBack(upstream)) as transport:
            refused = transport.handle_request(_request(call, account))
            raise NotSealed(refused.read().decode("utf-8", "replace"))
    except _NotSent as held:
        return held.sealed


def perform(
    call: SingleCall,
    account: Account,
    *,
    upstream: httpx2.BaseTransport,
    out: BinaryIO,
    with_head: bool = False,
) -> int:
    """Write the opened answer to *out* as it arrives; return its status.

    *with_head* writes status and headers first. Raises what the transport raises: when the answer
    is cut, after what has arrived of it.
    """
    transport = SealgateTransport(account, upstream=upstream)
    with httpx2.Client(transport=transport) as http:
        response = http.send(_request(call, account), stream=True)
        if with_head:
            out.write(f"{response.status_code}\n".encode("ascii"))
            out.writelines(name + b": " + value + b"\n" for name, value in response.headers.raw)
            out.write(b"\n")
        for piece in response.iter_bytes():
            out.write(piece)
            out.flush()
        return response.status_code


def _hold(sealed: bytes) -> NoReturn:
    raise _NotSent(sealed)


def _request(call: SingleCall, account: Account) -> httpx2.Request:
    # The longest wait is a model that thinks before its first token.
    timeouts = {"connect": 10.0, "read": 600.0, "write": 60.0, "pool": 10.0}
    return httpx2.Request(
        call.method,
        account.origin + call.path,
        headers=list(call.headers),
        content=call.body,
        extensions={"timeout": timeouts},
    )
