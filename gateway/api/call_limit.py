"""A limit on calls by address, in plain ASGI, in front of everything that costs anything."""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import ceil
from typing import Any, Final

from limits import parse
from slowapi import Limiter
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.caller import rate_limit_key
from gateway.api.refusals import refusal
from gateway.core.errors import RateLimited, SealgateError
from gateway.core.ports import Clock
from gateway.pipeline.exchange import WholeAnswer

_WINDOW_SECONDS: Final = 60


class _Limiter(Limiter):
    """A limiter that is what its arguments say.

    slowapi lets RATELIMIT_* variables overrule them, so that the environment could switch it off.
    """

    def get_app_config(self, key: str, default_value: Any = None) -> Any:  # noqa: ARG002
        """Return the default, whatever environment or file say."""
        return default_value


class CallLimit:
    """Lets *calls_per_minute* of each address through to *app* and answers 429 to the others.

    *paths* are those that count, together; without them all do. *clock* is the real one, since the
    counting goes by it. Each process counts for itself.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        calls_per_minute: int,
        clock: Clock,
        present: Callable[[SealgateError], WholeAnswer],
        paths: Collection[str] | None = None,
    ) -> None:
        self._app = app
        self._clock = clock
        self._present = present
        self._paths = None if paths is None else frozenset(paths)
        self._limit = parse(f"{calls_per_minute}/{_WINDOW_SECONDS} seconds")
        # Without a file name slowapi would read .env in the working directory; it wants one that
        # exists.
        self._limiter = _Limiter(
            key_func=rate_limit_key,
            storage_uri="memory://",
            enabled=True,
            config_filename=__file__,
        ).limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call (ASGI 3)."""
        if scope["type"] != "http" or not (self._paths is None or scope["path"] in self._paths):
            await self._app(scope, receive, send)
            return
        try:
            self._count(HTTPConnection(scope))
        except SealgateError as error:
            answer = refusal(error, self._present)
            answer.headers["Connection"] = "close"  # the body, if there is one, is not read
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _count(self, connection: HTTPConnection) -> None:
        """Raise ``RateLimited`` above the limit, ``AddressNotAllowed`` without an address."""
        key = rate_limit_key(connection)
        if self._limiter.hit(self._limit, key):
            return
        ends_at = self._limiter.get_window_stats(self._limit, key).reset_time
        seconds = ceil(ends_at - self._clock().timestamp())
        raise RateLimited(retry_after_seconds=max(1, min(seconds, _WINDOW_SECONDS)))
