"""One application request through the gateway, without I/O: seal, judge the answer, open it.

The order of the calls, which ``gateway.client.driver`` makes: ask the :class:`.Session` for a
:class:`.Grant` and carry out its fetches until it has one; ``seal()`` and send; for an answer that
is not sealed ``retries_outside()``; for a sealed one ``feed()`` until ``head`` is there, and while
``needs_content`` until the end; then ``retries_inside()``; last ``feed()`` and ``finish()`` for the
content.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from email.utils import format_datetime
from typing import Final

from gateway.client.key_cache import GATEWAY_PATH
from gateway.client.last_event import LastEventHold
from gateway.client.outer import (
    GatewayRefused,
    OuterAnswer,
    OuterHead,
    OuterRequest,
    ProtocolFailure,
)
from gateway.client.problems import find_gateway_time, is_key_problem, may_be_date_problem
from gateway.client.session import Grant, Session
from gateway.core.bhttp import Request, encode_request
from gateway.core.bhttp_fields import HOP_BY_HOP_FIELDS, Fields
from gateway.core.bhttp_response import ResponseDecoder, ResponseHead
from gateway.core.errors import SealgateError
from gateway.core.ohttp import (
    REQUEST_MEDIA_TYPE,
    RESPONSE_MEDIA_TYPE,
    RequestSealer,
    ResponseOpener,
)

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
_UNAVAILABLE: Final = 503


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
    """One application request and its answer, with at most one retry for each of four reasons."""

    def __init__(self, session: Session, request: Request) -> None:
        self._session = session
        self._request = request
        self._grant: Grant | None = None
        self._opener: ResponseOpener | None = None
        self._decoder = ResponseDecoder()
        self._hold = LastEventHold()
        self._may_retry_key = True
        self._may_retry_token = True
        self._may_retry_date = True
        self._may_retry_nonce = True
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
        headers = self._request.headers + self._own_headers(grant)
        request = replace(self._request, headers=headers)
        sealer = RequestSealer(grant.config, random_bytes=session.random_bytes)
        plaintext = encode_request(request, pad_to_bytes=session.account.pad_to_bytes)
        body = sealer.finish(plaintext)
        self._grant = grant
        self._opener = sealer.response_opener()
        self._decoder = ResponseDecoder()
        self._hold = LastEventHold()
        self._is_finished = False
        if session.account.entrance == "well-known":
            return OuterRequest("POST", GATEWAY_PATH, _SEALED_HEADERS, body)
        method, path = request.method.decode("ascii"), request.path.decode("ascii")
        return OuterRequest(method, path, _SEALED_HEADERS, body)

    def is_sealed(self, head: OuterHead) -> bool:
        """Say whether this outer answer carries a sealed one."""
        return head.status == _OK and head.media_type == RESPONSE_MEDIA_TYPE and not head.is_encoded

    def retries_outside(self, answer: OuterAnswer) -> bool:
        """Say whether to seal again with another key: once, for the problem type that asks for it.

        Otherwise raises ``GatewayRefused``: what is not sealed is never an answer of a model.
        """
        head = answer.head
        if self._grant is not None and is_key_problem(answer):
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

    @property
    def needs_content(self) -> bool:
        """Whether the content decides about another attempt: that of a refused date does."""
        head = self._decoder.head
        return head is not None and self._may_retry_date and may_be_date_problem(head)

    def retries_inside(self, content: bytes = b"") -> bool:
        """Say whether to seal again: once with a nonce, a new token, or the gateway's time.

        *content* is what the answer held, as far as it is read.
        """
        head = self._decoder.head
        if head is None or self._grant is None:
            return False
        if head.status == _UNAUTHORIZED and self._takes_nonce(head):
            self._may_retry_nonce = False
            return True
        if head.status == _UNAUTHORIZED:
            self._session.tokens.drop(self._grant.token)
            may_retry, self._may_retry_token = self._may_retry_token, False
            return may_retry
        gateway_time = find_gateway_time(head, content) if self._may_retry_date else None
        if gateway_time is None:
            return False
        self._may_retry_date = False
        self._session.correct_clock(gateway_time)
        return True

    def feed(self, data: bytes) -> bytes:
        """Accept the next bytes of the sealed answer; return the content that may be shown.

        Of an event stream that is all but its last event, which ``finish()`` gives out. Raises
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

    def _takes_nonce(self, head: ResponseHead) -> bool:
        dpop = self._session.dpop
        nonces = [value for name, value in head.headers if name == b"dpop-nonce"]
        if dpop is None or len(nonces) != 1:
            return False
        return dpop.take_nonce(nonces[0].decode("latin-1")) and self._may_retry_nonce

    def _own_headers(self, grant: Grant) -> Fields:
        session, token = self._session, grant.token.value
        now = session.gateway_time
        date = (b"date", format_datetime(now, usegmt=True).encode("ascii"))
        proof = session.dpop or session.account.proof
        proven = proof.inner_headers(self._request, token=token, now=now) if proof else ()
        if any(name == b"authorization" for name, _ in proven):
            return (date, *proven)
        bearer = (b"authorization", b"Bearer " + token.reveal().encode("ascii"))
        return (bearer, date, *proven)

    @property
    def _is_event_stream(self) -> bool:
        head = self._decoder.head
        return head is not None and any(
            name == b"content-type" and value.lower().startswith(b"text/event-stream")
            for name, value in head.headers
        )
