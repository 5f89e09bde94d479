"""A listener's front door: an exact table of (method, path), nothing else exists.

No prefixes, no redirects, no decoding: ``//v1/models`` or ``/v1/%6dodels`` are simply not in the
table. Whatever is refused here was never seen by vLLM.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.inference import peer_address, raw_target
from gateway.api.problems import ProblemPresenter
from gateway.core.errors import InternalError, NotFound, SealgateError
from gateway.pipeline.admit import Admit
from gateway.pipeline.chain import CLIENT_CLOSED_REQUEST
from gateway.pipeline.exchange import WholeAnswer
from gateway.pipeline.record import Record

Route = tuple[str, str]

_PRESENTER = ProblemPresenter()
_NO_PORT = 0  # behind a proxy the client's own is not known, and nobody asks for it


class Guard(NamedTuple):
    """What every request meets, whichever application serves it."""

    admit: Admit
    record: Record
    report_fault: Callable[[Exception], None]


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    """Refuse: there is nothing here."""
    raise NotFound


class Edge:
    """Sends each request to the application its route names.

    *inference* routes go to the chain, which admits and records by itself; all others are admitted
    and recorded here with the same two stages, and find their client in ``scope["client"]``. What
    is in neither table goes to *others*. *called_by_proxies* are the routes that a trusted proxy
    may ask for itself, without naming a client.
    """

    def __init__(
        self,
        guard: Guard,
        routes: Mapping[Route, ASGIApp],
        *,
        inference: Mapping[Route, ASGIApp] | None = None,
        others: ASGIApp = not_found,
        called_by_proxies: Collection[Route] = (),
    ) -> None:
        self._guard = guard
        self._routes = dict(routes)
        self._inference = dict(inference or {})
        self._others = others
        self._called_by_proxies = frozenset(called_by_proxies)

    def replace_inference(self, inference: Mapping[Route, ASGIApp]) -> None:
        """Send these routes to the chain from now on, instead of those of before."""
        self._inference = dict(inference)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; any other protocol is ignored."""
        if scope["type"] != "http":
            return
        route = (scope["method"], raw_target(scope))
        inference = self._inference.get(route)
        if inference is None:
            await self._serve_guarded(scope, receive, send)
            return
        try:
            await inference(scope, receive, send)
        except SealgateError:  # an answer that its client did not take
            raise
        except Exception as fault:  # the chain answers all but bugs of before a request is open
            self._guard.report_fault(fault)
            raise

    async def _serve_guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        watched = _WatchedSend(send)
        target, address = raw_target(scope), peer_address(scope)
        route = (scope["method"], target)
        try:
            address = self._guard.admit.client_address(
                address, scope["headers"], proxy_may_call=route in self._called_by_proxies
            )
            self._guard.admit.verify(address)
            app = self._routes.get(route, self._others)
            await app({**scope, "client": (str(address), _NO_PORT)}, receive, watched)
        except SealgateError as refusal:
            await _send_answer(_PRESENTER.outside(refusal, target), watched)
        except Exception as fault:  # noqa: BLE001  # the ASGI border: a bug must not show itself
            self._guard.report_fault(fault)
            if not watched.status:
                await _send_answer(_PRESENTER.outside(InternalError(), target), watched)
        finally:
            self._guard.record(watched.status or CLIENT_CLOSED_REQUEST, address)


class _WatchedSend:
    """Passes ASGI messages on and remembers the status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        await self._send(message)


async def _send_answer(answer: WholeAnswer, send: Send) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"cache-control", b"no-store"),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
