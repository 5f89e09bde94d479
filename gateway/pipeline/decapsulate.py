"""Stage 2: read the request whole and, if it came encapsulated, open it (RFC 9458 §4.3).

It runs before authentication because the access token travels inside. Nothing is acted on before
the final chunk has been verified, so a cut-off prompt is never executed. A request in the clear is
read as it is; whether its client may do that is decided in ``authenticate``.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

from gateway.core import bhttp
from gateway.core.errors import EncryptionRequired, MalformedRequest, NotFound, PayloadTooLarge
from gateway.core.ohttp import CHUNKED, REQUEST_MEDIA_TYPE, RequestOpener
from gateway.core.ports import SnapshotSource
from gateway.pipeline.exchange import Admitted, Decapsulated, Headers, Opened, Received

GATEWAY_RESOURCE = "/.well-known/ohttp-gateway"
"""Where encapsulated requests and requests for key configurations go (RFC 9540 §4)."""

_SEALED_MEDIA_TYPE = REQUEST_MEDIA_TYPE.encode("ascii")


class Decapsulate:
    """Opens requests with the recipient keys of the current snapshot."""

    def __init__(self, snapshots: SnapshotSource, *, max_body_bytes: int) -> None:
        self._snapshots = snapshots
        self._max_body_bytes = max_body_bytes

    async def __call__(self, admitted: Admitted) -> Opened:
        """Return the request once all of it is here.

        Raises ``OpenFailed``, ``UnknownKey``, ``EncryptionRequired`` or ``PayloadTooLarge``.
        """
        received = admitted.received
        if _single(received.headers, b"content-type") == _SEALED_MEDIA_TYPE:
            return await self._open(admitted)
        if received.path == GATEWAY_RESOURCE:
            raise EncryptionRequired
        return Opened(admitted.address, await self._read_clear(received), response_sealer=None)

    async def _open(self, admitted: Admitted) -> Opened:
        keys = self._snapshots.current().recipient_keys
        opener = RequestOpener(keys.get, max_body_bytes=self._max_body_bytes)
        parts = [opener.feed(data) async for data in admitted.received.body]
        parts.append(opener.finish())
        sealer = opener.response_sealer(secrets.token_bytes(CHUNKED.response_nonce_bytes))
        return Opened(admitted.address, b"".join(parts), response_sealer=sealer)

    async def _read_clear(self, received: Received) -> bhttp.Request:
        return bhttp.Request(
            method=received.method.encode("ascii"),
            scheme=b"https",
            authority=_single(received.headers, b"host"),
            path=received.path.encode("ascii"),
            headers=tuple(received.headers),
            body=await _read_all(received.body, self._max_body_bytes),
        )


class ReadRequest:
    """Turns what was opened into the request that was meant."""

    def __init__(self, authorities: frozenset[bytes]) -> None:
        self._authorities = authorities

    def __call__(self, opened: Opened) -> Decapsulated:
        """Return the request inside. Raises ``MalformedRequest`` or ``NotFound``.

        The authority must be one of ours: a gateway that takes any would be an open proxy.
        """
        content = opened.content
        request = bhttp.parse_request(content) if isinstance(content, bytes) else content
        if request.scheme != b"https":
            raise MalformedRequest("The scheme must be https.")
        if request.host.lower() not in self._authorities:
            raise NotFound
        return Decapsulated(
            address=opened.address, sealed=opened.response_sealer is not None, request=request
        )


def _single(headers: Headers, name: bytes) -> bytes:
    values = [value for key, value in headers if key == name]
    if len(values) > 1:
        raise MalformedRequest
    return values[0].strip() if values else b""


async def _read_all(body: AsyncIterator[bytes], max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for data in body:
        size += len(data)
        if size > max_bytes:
            raise PayloadTooLarge
        parts.append(data)
    return b"".join(parts)
