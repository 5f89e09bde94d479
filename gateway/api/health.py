"""Liveness and readiness. Two words and a status: strangers learn nothing more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.core.errors import StoreUnavailable
from gateway.core.ports import SnapshotSource

_HEADERS: Final = {"Cache-Control": "no-store"}
_CACHE_SECONDS: Final = 1.0
_TIMEOUT_SECONDS: Final = 2.0

Probe = Callable[[], Awaitable[bool]]
Seconds = Callable[[], float]


def build_health_app(
    snapshots: SnapshotSource,
    upstream_ready: Probe,
    *,
    is_stopping: Callable[[], bool] = lambda: False,
    monotonic: Seconds = time.monotonic,
) -> Starlette:
    """Return the app of ``/livez`` and ``/readyz``.

    Ready means: the gateway is not about to end, the snapshot can be trusted and at least one model
    server can serve. Otherwise 503. *upstream_ready* is asked as :class:`SharedProbe` does, however
    many ask here.
    """
    probe = SharedProbe(upstream_ready, monotonic=monotonic)

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_HEADERS)

    async def readyz(_request: Request) -> Response:
        if not is_stopping() and _is_current(snapshots) and await probe.is_ready():
            return PlainTextResponse("ok\n", headers=_HEADERS)
        return PlainTextResponse("not ready\n", 503, headers={**_HEADERS, "Retry-After": "1"})

    return Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz)])


class SharedProbe:
    """One probe at a time for everybody who asks; its answer is good for a second.

    So strangers cannot open connections to vLLM by asking: there is one at most. A probe that takes
    longer than *timeout_seconds* counts as "not ready".
    """

    def __init__(
        self,
        probe: Probe,
        *,
        monotonic: Seconds = time.monotonic,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self._probe = probe
        self._monotonic = monotonic
        self._timeout_seconds = timeout_seconds
        self._lock = asyncio.Lock()
        self._ready = False
        self._good_until = float("-inf")

    async def is_ready(self) -> bool:
        """Return the newest answer, asking for one if there is none from the last second."""
        async with self._lock:
            if self._monotonic() >= self._good_until:
                self._ready = await self._ask()
                self._good_until = self._monotonic() + _CACHE_SECONDS
            return self._ready

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._probe()
        except TimeoutError:
            return False


def _is_current(snapshots: SnapshotSource) -> bool:
    try:
        snapshots.current()
    except StoreUnavailable:
        return False
    return True
