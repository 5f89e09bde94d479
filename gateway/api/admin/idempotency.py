"""``Idempotency-Key`` on the writes of the admin API (draft-ietf-httpapi-idempotency-key-header).

A call that is sent again with the same key is answered as before, and nothing is done twice. The
key is the caller's own: another member of staff may use the same one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.admin.session import CALLER
from gateway.api.body_limit import replay
from gateway.api.inference import raw_target
from gateway.api.problems import problem_json
from gateway.api.refusals import refusal
from gateway.control.idempotency import IdempotentCalls, KeptAnswer
from gateway.core.errors import MalformedRequest, SealgateError, StoreUnavailable
from gateway.core.idempotency import CallClaim, call_fingerprint

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
MAX_KEY_CHARS: Final = 255

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEPT_HEADERS: Final = ("content-type", "etag")


def parse_key(fields: Sequence[str]) -> str:
    """Return the idempotency key; quotes around it are not part of it.

    Raises ``MalformedRequest`` for two of them, and for one that is not 1 to 255 visible
    characters.
    """
    key = fields[0] if len(fields) == 1 else ""
    if len(key) > 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if _KEY.fullmatch(key) is None:
        raise MalformedRequest(f"An {HEADER} has 1 to {MAX_KEY_CHARS} visible ASCII characters.")
    return key


class Idempotent:
    """Lets a write with a key through to *app* once, and answers it from memory afterwards.

    Stands inside of what proves the caller and reads the whole body. An answer is kept before it is
    sent. What cannot be kept is sent all the same; the key then stays taken.
    """

    def __init__(self, app: ASGIApp, *, calls: IdempotentCalls) -> None:
        self._app = app
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call (ASGI 3)."""
        is_write = scope["type"] == "http" and scope["method"] in _WRITES
        fields = Headers(scope=scope).getlist(HEADER) if is_write else []
        if not fields:
            await self._app(scope, receive, send)
            return
        body = (await receive()).get("body", b"")
        try:
            key = parse_key(fields)
            fingerprint = call_fingerprint(scope["method"], raw_target(scope).encode(), body)
            began = await self._calls.begin(scope[CALLER], key, fingerprint=fingerprint)
        except SealgateError as error:
            await refusal(error, problem_json)(scope, receive, send)
            return
        if isinstance(began, KeptAnswer):
            await _answer_again(began)(scope, receive, send)
            return
        held = _HeldSend(send)
        await self._app(scope, replay(body, receive), held)
        with suppress(StoreUnavailable):  # the call was made; that it is taken is all that is lost
            await self._settle(began, held)
        await held.release()

    async def _settle(self, claim: CallClaim, held: _HeldSend) -> None:
        """Keep the answer, or forget a call that changed nothing; of a bug nobody can say."""
        if 400 <= held.status < 500 or held.status == 503:
            await self._calls.release(claim)
        elif held.status < 400:
            await self._calls.finish(claim, held.answer())


class _HeldSend:
    """Holds an answer back until it is kept. Answers to writes are short."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []
        self.status = 0

    async def __call__(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        self._messages.append(message)

    def answer(self) -> KeptAnswer:
        """Return what is to be sent again."""
        headers = Headers(raw=self._messages[0]["headers"])
        kept = tuple((name, headers[name]) for name in _KEPT_HEADERS if name in headers)
        body = b"".join(message.get("body", b"") for message in self._messages[1:])
        return KeptAnswer(self.status, kept, body)

    async def release(self) -> None:
        """Send what was held."""
        for message in self._messages:
            await self._send(message)


def _answer_again(kept: KeptAnswer) -> Response:
    return Response(kept.body, kept.status, {**dict(kept.headers), REPLAYED: "true"})
