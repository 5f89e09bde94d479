"""Answers and records requests that a listener refuses before any application sees them."""

from __future__ import annotations

from ipaddress import ip_address

from gateway.api.problems import problem_json
from gateway.core.errors import SealgateError
from gateway.pipeline.exchange import Headers
from gateway.pipeline.record import Record


class UnreadRequests:
    """What a listener calls with the error and the address of the connection's client.

    The address is never one of a forwarded header: the head that has it is what was refused.
    """

    def __init__(self, record: Record) -> None:
        self._record = record

    def __call__(self, error: SealgateError, address: str) -> tuple[int, Headers, bytes]:
        """Record the request; return status, headers and body of its answer."""
        answer = problem_json(error)
        self._record(answer.status, ip_address(address))
        headers = (
            (b"content-type", answer.content_type.encode("ascii")),
            (b"cache-control", b"no-store"),
            *answer.headers,
        )
        return answer.status, headers, answer.body
