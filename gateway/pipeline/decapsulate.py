"""Stage 2: read the request whole and, if it came encapsulated, open it (RFC 9458 §4.3).

It runs before authentication because the access token travels inside. Nothing is acted on before
the final chunk has been verified, so a cut-off prompt is never executed. A request in the clear is
read as it is; whether its client may do that is decided in ``authenticate``.

Strangers can make the gateway do this much, so it is bounded: bytes of one body, bytes of all
bodies at once, of which one address gets a share, the time a body may take, and the work of opening
what proves to be nobody's.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.core import bhttp
from gateway.core.errors import (
    EncryptionRequired,
    MalformedRequest,
    NotFound,
    Overloaded,
    PayloadTooLarge,
    RateLimited,
    RequestTimeout,
    UnknownKey,
)
from gateway.core.fair_share import is_within_share
from gateway.core.ohttp import PROFILES, Profile, RequestOpener
from gateway.core.ohttp_keys import RecipientKey
from gateway.core.ports import SnapshotSource
from gateway.core.replay import replay_tag
from gateway.pipeline.exchange import Admitted, Decapsulated, Headers, Opened, Received, Seal

GATEWAY_RESOURCE = "/.well-known/ohttp-gateway"
"""Where encapsulated requests and requests for key configurations go (RFC 9540 §4)."""

_PROFILES = {media_type.encode("ascii"): profile for media_type, profile in PROFILES.items()}
_FRAMING_BYTES = 65_536  # what sealing in chunks of a sensible size may add
_SHARE = 4
"""An address may have four times the bytes in hand that it leaves to others."""

_SHARE_USED = "The bodies from this address are as large as its share; try again later."
_RETRY_SECONDS = 1


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What reading may cost: bytes of one body, bytes of all bodies together, seconds of one."""

    max_body_bytes: int
    max_total_bytes: int
    seconds: float


class Decapsulate:
    """Opens requests with the recipient keys of the current snapshot."""

    def __init__(self, snapshots: SnapshotSource, limits: BodyLimits) -> None:
        self._snapshots = snapshots
        self._limits = limits
        self._bytes_in_hand = 0
        self._bytes_of_sites: Counter[str] = Counter()

    async def __call__(self, admitted: Admitted) -> Opened:
        """Return the request once all of it is here.

        Raises ``OpenFailed``, ``UnknownKey``, ``EncryptionRequired``, ``PayloadTooLarge``,
        ``RequestTimeout``, ``RateLimited`` or ``Overloaded``.
        """
        received = admitted.received
        try:
            async with asyncio.timeout(self._limits.seconds):
                profile = _PROFILES.get(_single(received.headers, b"content-type"))
                if profile is not None:
                    return await self._open(admitted, profile)
                if received.path == GATEWAY_RESOURCE:
                    raise EncryptionRequired
                return Opened(admitted, await self._read_clear(admitted), seal=None)
        except TimeoutError:
            raise RequestTimeout from None

    async def _open(self, admitted: Admitted, profile: Profile) -> Opened:
        limit = self._limits.max_body_bytes
        opener = RequestOpener(self._find_key, max_body_bytes=limit, profile=profile)
        key: RecipientKey | None = None
        parts: list[bytes] = []
        attempt = admitted.attempt
        attempt.verify()
        async for data in self._budgeted(admitted):
            if (
                opener.encapsulated_key is None
            ):  # the work is still to come, as may be that of others
                attempt.verify()
            parts.append(attempt.do(opener.feed, data))
            if key is None and opener.key_id is not None:
                key = self._find_key(opener.key_id)
        parts.append(attempt.do(opener.finish))
        # A body may take its time: a key that was withdrawn meanwhile opens nothing any more.
        key_id, enc = opener.key_id, opener.encapsulated_key
        if key is None or key_id is None or enc is None or self._find_key(key_id) is not key:
            raise UnknownKey
        seal = Seal(
            kid=self._snapshots.current().recipient_kids[key_id],
            profile=profile,
            replay_tag=replay_tag(enc),
            response_sealer=opener.response_sealer(
                secrets.token_bytes(profile.response_nonce_bytes)
            ),
        )
        return Opened(admitted, b"".join(parts), seal=seal)

    def _find_key(self, key_id: int) -> RecipientKey | None:
        # Asked anew each time, so that a slow body keeps no old snapshot and no old key alive.
        return self._snapshots.current().recipient_keys.get(key_id)

    async def _read_clear(self, admitted: Admitted) -> bhttp.Request:
        received = admitted.received
        body = b"".join([data async for data in self._budgeted(admitted)])
        if len(body) > self._limits.max_body_bytes:
            raise PayloadTooLarge
        return bhttp.Request(
            method=received.method.encode("ascii"),
            scheme=b"https",
            authority=_single(received.headers, b"host"),
            path=received.path.encode("ascii"),
            headers=tuple(received.headers),
            body=body,
        )

    async def _budgeted(self, admitted: Admitted) -> AsyncIterator[bytes]:
        taken, site, of_sites = 0, admitted.attempt.site, self._bytes_of_sites
        try:
            async for data in admitted.received.body:
                left = self._limits.max_total_bytes - self._bytes_in_hand
                if taken + len(data) > self._limits.max_body_bytes + _FRAMING_BYTES:
                    raise PayloadTooLarge
                if len(data) > left:
                    raise Overloaded
                if not is_within_share(of_sites[site], left, multiple=_SHARE):
                    raise RateLimited(_SHARE_USED, retry_after_seconds=_RETRY_SECONDS)
                taken += len(data)
                self._bytes_in_hand += len(data)
                of_sites[site] += len(data)
                yield data
        finally:
            self._bytes_in_hand -= taken
            of_sites[site] -= taken
            if not of_sites[site]:
                del of_sites[site]


class ReadRequest:
    """Turns what was opened into the request that was meant."""

    def __init__(self, authorities: frozenset[bytes]) -> None:
        self._authorities = authorities

    def __call__(self, opened: Opened) -> Decapsulated:
        """Return the request inside. Raises ``MalformedRequest`` or ``NotFound``.

        The authority must be one of ours: a gateway that takes any would be an open proxy. What a
        proxy in front decided by, the outer path and an outer token, must be what is inside.
        """
        admitted, request = opened.admitted, opened.content
        if isinstance(request, bytes):
            request = admitted.attempt.do(bhttp.parse_request, request)
        if request.scheme != b"https":
            raise MalformedRequest("The scheme must be https.")
        if request.host.lower() not in self._authorities:
            raise NotFound
        if opened.seal is not None:
            _verify_outer(admitted.received, request)
        return Decapsulated(
            address=admitted.address,
            request=request,
            seal=opened.seal,
            client_certificate=admitted.received.client_certificate,
            attempt=admitted.attempt,
        )


def _verify_outer(outer: Received, inner: bhttp.Request) -> None:
    target = (outer.method.encode("ascii"), outer.path.encode("ascii"))
    if outer.path != GATEWAY_RESOURCE and target != (inner.method, inner.path):
        raise MalformedRequest("The outer path is not that of the request inside.")
    token = _single(outer.headers, b"authorization")
    if token and token != dict(inner.headers).get(b"authorization"):
        raise MalformedRequest("The outer token is not that of the request inside.")


def _single(headers: Headers, name: bytes) -> bytes:
    values = [value for key, value in headers if key == name]
    if len(values) > 1:
        raise MalformedRequest
    return values[0].strip() if values else b""
