"""Several vLLMs as one: each call goes to one of them, and none is done twice.

A call is given to another backend only if not a byte of it has left the gateway. What was sent may
have been what killed a backend, and is not taken to the next one. Cuts and failures of an answer
are the caller's to see; here they only teach where the next calls go (ADR-0025).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from gateway.backends.model_lists import ListAnswer, merge_lists, read_list
from gateway.backends.upstream import NothingSent, PooledUpstream
from gateway.backends.upstream_answer import Answer
from gateway.backends.upstream_queue import UpstreamQueue
from gateway.core.balancer import Lease, Outcome
from gateway.core.errors import Overloaded, RateLimited, UpstreamTimedOut, UpstreamUnavailable
from gateway.core.upstream_port import UpstreamAnswer, UpstreamRequest

_CHECK_SECONDS: Final = 3.0


class BalancedAnswer:
    """An answer that gives its place back when it is closed; its pieces come as they are."""

    __slots__ = ("_answer", "_lease", "_queue", "content_type", "status")

    def __init__(self, answer: Answer, lease: Lease, queue: UpstreamQueue) -> None:
        self.status = answer.status
        self.content_type = answer.content_type
        self._answer = answer
        self._lease = lease
        self._queue = queue

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body. Raises ``UpstreamUnavailable`` when cut off."""
        return self._answer.chunks()  # itself: a generator around it would cost every token

    async def close(self) -> None:
        """Give connection and place back."""
        await self._answer.close()
        if self._answer.has_failed:
            outcome = Outcome.FAILED
        else:
            outcome = Outcome.COMPLETED if self._answer.is_whole else Outcome.NO_VERDICT
        self._queue.end(self._lease, outcome)


class BalancedUpstream:
    """Satisfies :class:`gateway.core.ports.Upstream` for the backends of *queue*'s balancer.

    *backends* holds each by its name. :meth:`check` is to be run again and again, in the
    background; a check takes *check_seconds* at most.
    """

    def __init__(
        self,
        backends: Mapping[str, PooledUpstream],
        queue: UpstreamQueue,
        *,
        check_seconds: float = _CHECK_SECONDS,
    ) -> None:
        self._backends = backends
        self._queue = queue
        self._check_seconds = check_seconds
        self._is_checked = False
        loads = queue.balancer.loads()
        # A list of models needs one backend of each kind.
        self._others = [
            frozenset(load.name for load in loads if load.models != models)
            for models in dict.fromkeys(load.models for load in loads)
        ]

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Send *request* to a backend that serves its model, or the list of models to all kinds.

        Returns once the head of the answer is there. Raises ``UpstreamUnavailable``,
        ``UpstreamTimedOut``, ``Overloaded`` or ``RateLimited``.
        """
        if request.model or len(self._others) == 1:
            return await self._send(request, frozenset())
        return await self._list_models(request)

    async def is_healthy(self) -> bool:
        """Return whether at least one backend can serve, as the last checks found."""
        if not self._is_checked:
            await self.check()
        return self._queue.has_usable()

    async def check(self) -> None:
        """Ask every backend for its health, all at once."""
        await asyncio.gather(*(self._check(name) for name in self._backends))
        self._is_checked = True
        self._queue.serve()

    async def close(self) -> None:
        """Close all idle connections."""
        for backend in self._backends.values():
            await backend.close()

    async def _send(self, request: UpstreamRequest, avoided: frozenset[str]) -> BalancedAnswer:
        while True:
            lease = await self._queue.take(request, avoided=avoided)
            try:
                answer = await self._backends[lease.name].send(request)
            except NothingSent:
                self._queue.end(lease, Outcome.FAILED)
                avoided |= {lease.name}
            except UpstreamUnavailable as error:
                is_slow = isinstance(error, UpstreamTimedOut)
                self._queue.end(lease, Outcome.NO_VERDICT if is_slow else Outcome.FAILED)
                raise
            except BaseException:
                self._queue.end(lease, Outcome.NO_VERDICT)
                raise
            else:
                lease.answered()
                return BalancedAnswer(answer, lease, self._queue)

    async def _list_models(self, request: UpstreamRequest) -> ListAnswer:
        lists = await asyncio.gather(*(self._list(request, others) for others in self._others))
        if not any(lists):
            raise UpstreamUnavailable
        return ListAnswer(merge_lists(lists))

    async def _list(self, request: UpstreamRequest, others: frozenset[str]) -> list[dict[str, Any]]:
        """Return the list of a kind of backend; nothing of one that cannot give it."""
        try:
            answer = await self._send(request, others)
            try:
                return await read_list(answer)
            finally:
                await answer.close()
        except (UpstreamUnavailable, Overloaded, RateLimited):
            return []

    async def _check(self, name: str) -> None:
        try:
            async with asyncio.timeout(self._check_seconds):
                healthy = await self._backends[name].is_healthy()
        except TimeoutError:
            healthy = False
        self._queue.balancer.note_check(name, healthy=healthy, now=self._queue.monotonic())
