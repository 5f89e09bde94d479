"""The outer messages: what travels over TLS, seen by every middlebox on the way.

An outer request never holds a token for the model path, a cookie or a header that the application's
SDK sets, and its path only where that was asked for. An outer answer that is not sealed is never
shown as if the gateway had produced it: the application gets its status and a neutral text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MAX_PLAIN_ANSWER_BYTES: Final = 65536
"""Keys, tokens and error documents are far smaller; more is not read."""

FRESH: Final = ("cache-control", "no-cache")
"""Header of a fetch that no cache on the way may answer: it could still hold a revoked key."""

_DELAY_SECONDS: Final = re.compile(r"[0-9]{1,6}")
_LOWEST_ERROR: Final = 400
_HIGHEST_STATUS: Final = 599
_BAD_GATEWAY: Final = 502


@dataclass(frozen=True, slots=True)
class OuterRequest:
    """One request to the gateway's own origin; *path* is one of a few fixed paths.

    With ``entrance="same-path"`` it is the path of the request inside. *max_seconds* bounds each
    wait for fetches, which other requests wait for; None leaves it to the application.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"", repr=False)
    max_seconds: float | None = None

    def timeouts(self, asked: Mapping[str, float | None] | None) -> dict[str, float | None] | None:
        """Return the application's timeouts, none of them above *max_seconds*."""
        if self.max_seconds is None:
            return None if asked is None else dict(asked)
        named = asked or dict.fromkeys(("connect", "read", "write", "pool"))
        limit = self.max_seconds
        return {name: limit if t is None else min(t, limit) for name, t in named.items()}


@dataclass(frozen=True, slots=True)
class OuterHead:
    """Status and headers of an answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_encoded(self) -> bool:
        """Whether something on the way has compressed the body."""
        return self.headers.get("content-encoding", "identity").strip().lower() != "identity"

    @property
    def retry_after(self) -> str | None:
        """The delay in seconds that the answer asks for, if it is a plain number."""
        value = self.headers.get("retry-after", "").strip()
        return value if _DELAY_SECONDS.fullmatch(value) else None


@dataclass(frozen=True, slots=True)
class OuterAnswer:
    """A whole answer that is not sealed: keys, a token, or an error."""

    head: OuterHead
    body: bytes = field(repr=False)


class ProtocolFailure(Exception):
    """What arrived is not an answer of the gateway, or not all of it. Holds no part of it.

    The transports raise it as their library's ``RemoteProtocolError``.
    """


class UntrustedKeys(Exception):
    """The key document must not be believed, so nothing was sealed and nothing sent.

    Trying again does not help unless someone on the way stops tampering or the pin is mended.
    """

    code = "keys_untrusted"


class KeysNotSigned(UntrustedKeys):
    """The pinned key did not sign the document: a wrong pin, or keys of somebody else."""

    code = "keys_not_signed"


class KeysExpired(UntrustedKeys):
    """The document has ended, or our clock is wrong: an old document may hide a revocation."""

    code = "keys_expired"


class KeysRolledBack(UntrustedKeys):
    """The document is older than one seen before: somebody may be hiding a revocation."""

    code = "keys_rolled_back"


class GatewayRefused(Exception):
    """The gateway, or something in front of it, refused before any sealed answer.

    The transports turn it into an ordinary error answer, so that an SDK maps the status to its own
    exception and retries what is worth retrying. *message* is ours, never the peer's.
    """

    def __init__(
        self, status: int, *, code: str, message: str, retry_after: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status if _LOWEST_ERROR <= status <= _HIGHEST_STATUS else _BAD_GATEWAY
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers of the error answer."""
        headers = [(b"content-type", b"application/json")]
        if self.retry_after is not None:
            headers.append((b"retry-after", self.retry_after.encode("ascii")))
        return headers

    @property
    def body(self) -> bytes:
        """Body of the error answer, in the shape that OpenAI's SDKs read."""
        return error_body(self.message, code=self.code)


def error_body(message: str, *, code: str) -> bytes:
    """Return an error answer that is ours, in the shape that OpenAI's SDKs read."""
    error = {"message": message, "type": "gateway_refused", "param": None, "code": code}
    return json.dumps({"error": error}).encode()
