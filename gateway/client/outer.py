"""The outer messages: what travels over TLS, seen by every middlebox on the way.

An outer request never holds a token for the model path, a path of the application's request, a
cookie or a header that the application's SDK sets. An outer answer that is not sealed is never
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

_DELAY_SECONDS: Final = re.compile(r"[0-9]{1,6}")
_LOWEST_ERROR: Final = 400
_HIGHEST_STATUS: Final = 599
_BAD_GATEWAY: Final = 502


@dataclass(frozen=True, slots=True)
class OuterRequest:
    """One request to the gateway's own origin; *path* is one of a few fixed paths."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"", repr=False)


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
        error = {
            "message": self.message,
            "type": "gateway_refused",
            "param": None,
            "code": self.code,
        }
        return json.dumps({"error": error}).encode()
