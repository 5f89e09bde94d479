"""Stage 5: put the call to vLLM.

vLLM's error texts echo the prompt, so of a refusal only the fact is kept. When no server of the
model is there the call is refused with ``UpstreamUnavailable``, when all have too much to do with
``Overloaded``. What one server may have had is never given to a second one.
"""

from __future__ import annotations

from gateway.core.errors import UpstreamRefused, UpstreamUnavailable
from gateway.core.upstream_port import Upstream
from gateway.pipeline.exchange import Forwarded, Masked

_EVENT_STREAM = "text/event-stream"
_JSON = "application/json"


class Forward:
    """Sends a call and hands on the answer once its head is there."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def __call__(self, masked: Masked) -> Forwarded:
        """Return the answer that begins.

        Raises ``UpstreamRefused``, ``UpstreamUnavailable`` or ``Overloaded``.
        """
        authorized = masked.authorized
        answer = await self._upstream.send(authorized.upstream_request)
        expected = _EVENT_STREAM if authorized.streamed else _JSON
        if answer.status == 200 and answer.content_type == expected:
            return Forwarded(authorized, answer, masked.masks)
        await answer.close()
        if answer.status in {400, 413, 422}:
            raise UpstreamRefused
        raise UpstreamUnavailable
