"""Stage 5: put the call to vLLM.

vLLM's error texts echo the prompt, so of a refusal only the fact is kept. When no server of the
model is there the call is refused with ``UpstreamUnavailable``, when all have too much to do with
``Overloaded``, or ``RateLimited`` if what is left is for other clients. What one server may have
had is never given to a second one.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.core.errors import (
    Overloaded,
    RateLimited,
    UpstreamRefused,
    UpstreamUnavailable,
)
from gateway.core.upstream_port import Upstream
from gateway.pipeline.exchange import Forwarded, Masked

_EVENT_STREAM = "text/event-stream"
_JSON = "application/json"


class Forward:
    """Sends a call and hands on the answer once its head is there.

    *count_refusal* is called for each call for which there is no place.
    """

    def __init__(
        self, upstream: Upstream, *, count_refusal: Callable[[], None] = lambda: None
    ) -> None:
        self._upstream = upstream
        self._count_refusal = count_refusal

    async def __call__(self, masked: Masked) -> Forwarded:
        """Return the answer that begins.

        Raises ``UpstreamRefused``, ``UpstreamUnavailable``, ``Overloaded`` or ``RateLimited``.
        """
        authorized = masked.authorized
        try:
            answer = await self._upstream.send(authorized.upstream_request)
        except (Overloaded, RateLimited):
            self._count_refusal()
            raise
        expected = _EVENT_STREAM if authorized.streamed else _JSON
        if answer.status == 200 and answer.content_type == expected:
            return Forwarded(authorized, answer, masked.masks)
        await answer.close()
        if answer.status in {400, 413, 422}:
            raise UpstreamRefused
        raise UpstreamUnavailable
