"""The ports: what the planes need from the outside world, as Protocols that backends satisfy.

Each Protocol says what its methods raise, because a backend that fails in any other way than a
:class:`~gateway.core.errors.SealgateError` has a bug. Every backend passes the contract suite of its
port in ``tests/contract``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.access_log import AccessRecord
from gateway.core.policy import Snapshot

Clock = Callable[[], datetime]
"""Returns the current time as an aware datetime in UTC."""


class SnapshotSource(Protocol):
    """Where the data plane reads what is allowed now."""

    def current(self) -> Snapshot:
        """Return the newest snapshot. Raises ``StoreUnavailable`` while there is none to trust."""


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What is sent to vLLM: built by the gateway from checked values, never the caller's bytes."""

    method: str
    path: str
    body: bytes = b""


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

        Raises ``UpstreamUnavailable`` when there is no connection or no answer in time.
        """

    async def is_healthy(self) -> bool:
        """Return whether vLLM says that it can serve."""

    async def close(self) -> None:
        """Close all pooled connections."""


class AccessLog(Protocol):
    """Where a record of each request goes."""

    def write(self, record: AccessRecord) -> None:
        """Append *record*. Raises ``StoreUnavailable`` when it cannot be written."""
