"""The port to the model servers: what is asked of them, and what comes back.

Apart from the other ports because its values are part of it: a request is made of checked values
alone, and of an answer there is a status, a content type and a body, nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What is sent to vLLM: built from checked values, never the caller's bytes, and not shown.

    *model* (empty: any) and *client_id* choose the server that gets it and are not sent.
    """

    method: str
    path: str
    body: bytes = field(default=b"", repr=False)
    model: str = ""
    client_id: str = field(default="", repr=False)


class UpstreamAnswer(Protocol):
    """vLLM's answer: a status and content type at once, then the body as it arrives."""

    status: int
    content_type: str

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body. Raises ``UpstreamUnavailable`` when it breaks off."""

    async def close(self) -> None:
        """Give the connection back, or cut it when the body was not read to its end.

        Cutting it is what makes vLLM stop generating.
        """


class Upstream(Protocol):
    """The model server."""

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Send *request*; return once the head of the answer is there.

        Raises ``UpstreamUnavailable`` when there is no connection, ``UpstreamTimedOut`` when there
        is no answer in time, ``Overloaded`` when there is too much to do, ``RateLimited`` when this
        client alone has.
        """

    async def is_healthy(self) -> bool:
        """Return whether at least one model can be served."""

    async def close(self) -> None:
        """Close all pooled connections."""
