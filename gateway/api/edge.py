"""The public listener's front door: an exact table of (method, path), nothing else exists.

No prefixes, no redirects, no decoding: ``//v1/models`` or ``/v1/%6dodels`` are simply not in the
table. Whatever is refused here was never seen by vLLM.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.inference import peer_address, raw_target
from gateway.api.problems import ProblemPresenter
from gateway.core.errors import InternalError, NotFound, SealgateError
from gateway.pipeline.admit import Admit
from gateway.pipeline.exchange import WholeAnswer
from gateway.pipeline.record import Record

Route = tuple[str, str]

_PRESENTER = ProblemPresenter()


class PublicEdge:
    """Sends each request to the application its route names.

    The inference application admits and records by itself; the others (key configurations, OAuth,
    health) are admitted and recorded here with the same two stages.
    """

    def __init__(
        self,
        routes: Mapping[Route, ASGIApp],
        inference_routes: Mapping[Route, ASGIApp],
        *,
        admit: Admit,
        record: Record,
        report_fault: Callable[[Exception], None],
    ) -> None:
        self._routes = dict(routes)
        self._inference_routes = dict(inference_routes)
        self._admit = admit
        self._record = record
        self._report_fault = report_fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one HTTP request; anything else a server may offer is refused unseen."""
        if scope["type"] != "http":
            return
        route = (scope["method"], raw_target(scope))
        inference = self._inference_routes.get(route)
        if inference is not None:
            await inference(scope, receive, send)
        else:
            await self._serve_other(scope, receive, send)

    async def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        watched = _WatchedSend(send)
        try:
            self._admit.verify(peer_address(scope))
            app = self._routes.get((scope["method"], raw_target(scope)), _not_found)
            await app(scope, receive, watched)
        except SealgateError as refusal:
            await _send_answer(_PRESENTER.outside(refusal, raw_target(scope)), watched)
        except Exception as fault:  # noqa: BLE001  # the ASGI border: a bug must not show itself
            self._report_fault(fault)
            if not watched.status:
                await _send_answer(_PRESENTER.outside(InternalError(), raw_target(scope)), watched)
        finally:
            self._record(watched.status or 499, peer_address(scope))


class _WatchedSend:
    """Passes ASGI messages on and remembers the status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Mapping[str, object]) -> None:
        status = message.get("status")
        if isinstance(status, int):
            self.status = status
        await self._send(dict(message))


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    raise NotFound


async def _send_answer(answer: WholeAnswer, send: Send) -> None:
    headers = [(b"content-type", answer.content_type.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
