"""One application request through the gateway, without I/O: seal, judge the answer, open it.

The order of the calls, which ``gateway.client.driver`` makes: ask the :class:`Session` for a
:class:`Grant` and carry out its fetches until it has one; ``seal()`` and send; for an answer that
is not sealed ``retries_outside()``; for a sealed one ``feed()`` until ``head`` is there, then
``retries_inside()``; last ``feed()`` and ``finish()`` for the content.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from gateway.client.account import Account, utc_now
from gateway.client.key_cache import GATEWAY_PATH, KEYS_REQUEST, KeyCache
from gateway.client.last_event import LastEventHold
from gateway.client.outer import (
    GatewayRefused,
    OuterAnswer,
    OuterHead,
    OuterRequest,
    ProtocolFailure,
)
from gateway.client.token_cache import Token, TokenCache
from gateway.core.bhttp import Request, encode_request
from gateway.core.bhttp_fields import HOP_BY_HOP_FIELDS, Fields
from gateway.core.bhttp_response import ResponseDecoder, ResponseHead
from gateway.core.errors import SealgateError
from gateway.core.hpke import RandomBytes
from gateway.core.ohttp import (
    REQUEST_MEDIA_TYPE,
    RESPONSE_MEDIA_TYPE,
    RequestSealer,
    ResponseOpener,
)
from gateway.core.ohttp_keys import KeyConfig

Clock = Callable[[], datetime]

KEY_PROBLEM: Final = "https://iana.org/assignments/http-problem-types#ohttp-key"
"""Problem type of RFC 9458 §5.3: fetch the keys again and seal afresh."""

# Set anew for the sealed request, or about the connection to the gateway alone. Compression is left
# out because the length of compressed text tells about the text.
_NOT_FORWARDED: Final = HOP_BY_HOP_FIELDS | {
    b"accept-encoding",
    b"authorization",
    b"content-length",
    b"cookie",
    b"date",
    b"expect",
    b"host",
}
_SEALED_HEADERS: Final = (
    ("content-type", REQUEST_MEDIA_TYPE),
    ("accept", RESPONSE_MEDIA_TYPE),
    ("incremental", "?1"),
)
_OK: Final = 200
_UNAUTHORIZED: Final = 401
_UNPROCESSABLE: Final = 422
_UNAVAILABLE: Final = 503


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request is sealed with: a key and a token."""

    config: KeyConfig
    token: Token


@dataclass(frozen=True, slots=True)
class Fetch:
    """A request that has to be answered first; give its answer to ``store``."""

    request: OuterRequest
    store: Callable[[OuterAnswer], None]


class Session:
    """Keys and token of one account, shared by all requests of a transport.

    The caller lets one thread or task at a time carry out fetches.
    """

    def __init__(
        self,
        account: Account,
        *,
        now: Clock = utc_now,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        self.account = account
        self.now = now
        self.random_bytes = random_bytes
        self.keys = KeyCache()
        self.tokens = TokenCache(account)

    def next_step(self) -> Grant | Fetch:
        """Return the key and the token, or the fetch that is needed to have them."""
        now = self.now()
        config = self.keys.find(now=now)
        if config is None:
            return Fetch(KEYS_REQUEST, lambda answer: self.keys.store(answer, now=self.now()))
        token = self.tokens.find(now=now)
        if token is None:
            return Fetch(
                self.tokens.request(), lambda answer: self.tokens.store(answer, now=self.now())
            )
        return Grant(config, token)


def inner_request(
    method: str,
    path: bytes,
    *,
    authority: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
) -> Request:
    """Return the application's request as it will be sealed, still without token and date."""
    kept = tuple(
        (name.lower(), value) for name, value in headers if name.lower() not in _NOT_FORWARDED
    )
    return Request(method.encode("ascii"), path, authority=authority, headers=kept, body=body)


class Exchange:
    """One application request and its answer, across at most one retry for each of two reasons."""

    def __init__(self, session: Session, request: Request) -> None:
        self._session = session
        self._request = request
        self._grant: Grant | None = None
        self._opener: ResponseOpener | None = None
        self._decoder = ResponseDecoder()
        self._hold = LastEventHold()
        self._may_retry_key = True
        self._may_retry_token = True
        self._is_finished = False

    @property
    def head(self) -> ResponseHead | None:
        """Status and headers of the sealed answer, once they have arrived."""
        return self._decoder.head

    def seal(self, grant: Grant) -> OuterRequest:
        """Return the request sealed afresh, with *grant*'s token and the present date inside.

        Raises ``MalformedRequest`` when the application's request cannot be sent at all.
        """
        session = self._session
        own: Fields = (
            (b"authorization", b"Bearer " + grant.token.value.reveal().encode("ascii")),
            (b"date", format_datetime(session.now(), usegmt=True).encode("ascii")),
        )
        request = replace(self._request, headers=self._request.headers + own)
        sealer = RequestSealer(grant.config, random_bytes=session.random_bytes)
        plaintext = encode_request(request, pad_to_bytes=session.account.pad_to_bytes)
        body = sealer.finish(plaintext)
        self._grant = grant
        self._opener = sealer.response_opener()
        self._decoder = ResponseDecoder()
        self._hold = LastEventHold()
        self._is_finished = False
        return OuterRequest("POST", GATEWAY_PATH, _SEALED_HEADERS, body)

    def is_sealed(self, head: OuterHead) -> bool:
        """Say whether this outer answer carries a sealed one."""
        return head.status == _OK and head.media_type == RESPONSE_MEDIA_TYPE and not head.is_encoded

    def retries_outside(self, answer: OuterAnswer) -> bool:
        """Say whether to seal again with another key: once, for the problem type that asks for it.

        Otherwise raises ``GatewayRefused``: what is not sealed is never an answer of a model.
        """
        head = answer.head
        is_key_problem = head.status == _UNPROCESSABLE and _problem_type(answer) == KEY_PROBLEM
        if is_key_problem and self._grant is not None:
            self._session.keys.drop(self._grant.config)
            if self._may_retry_key:
                self._may_retry_key = False
                return True
            raise GatewayRefused(
                _UNAVAILABLE,
                code="key_unknown",
                message="The gateway does not know the encryption key that it offers.",
            )
        raise GatewayRefused(
            head.status,
            code="refused_outside",
            message="The request was refused before it was opened, so the reason is not certain.",
            retry_after=head.retry_after,
        )

    def retries_inside(self) -> bool:
        """Say whether to seal again with a new token: once, when the gateway refused this one."""
        head = self._decoder.head
        if head is None or head.status != _UNAUTHORIZED or self._grant is None:
            return False
        self._session.tokens.drop(self._grant.token)
        may_retry, self._may_retry_token = self._may_retry_token, False
        return may_retry

    def feed(self, data: bytes) -> bytes:
        """Accept the next bytes of the sealed answer; return the content that may be shown.

        Of an event stream that is all but ``[DONE]``, which ``finish()`` gives out. Raises
        ``ProtocolFailure`` when the bytes do not open.
        """
        if self._opener is None:
            raise RuntimeError("a request is sealed before its answer is opened")
        try:
            content = self._decoder.feed(self._opener.feed(data))
        except SealgateError:
            raise ProtocolFailure("The gateway's answer could not be opened.") from None
        return self._hold.feed(content) if self._is_event_stream else content

    def finish(self) -> bytes:
        """Return the rest of the content; harmless to repeat.

        Raises ``ProtocolFailure`` when the answer was cut short, whatever its content said.
        """
        if self._is_finished:
            return b""
        if self._opener is None:
            raise RuntimeError("a request is sealed before its answer is opened")
        try:
            content = self._decoder.feed(self._opener.finish())
            self._decoder.finish()
        except SealgateError:
            raise ProtocolFailure("The gateway's answer was cut short or altered.") from None
        self._is_finished = True
        return self._hold.finish() + content

    @property
    def _is_event_stream(self) -> bool:
        head = self._decoder.head
        return head is not None and any(
            name == b"content-type" and value.lower().startswith(b"text/event-stream")
            for name, value in head.headers
        )


def _problem_type(answer: OuterAnswer) -> str | None:
    if answer.head.media_type != "application/problem+json":
        return None
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    found = document.get("type") if isinstance(document, dict) else None
    return found if isinstance(found, str) else None
