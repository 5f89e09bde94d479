"""Counters for Prometheus. No label ever comes from a caller: the only one is the status."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter

from gateway.core.access_log import AccessRecord
from gateway.core.errors import StoreUnavailable
from gateway.core.ports import AccessLog


def quota_refusal_counter(registry: CollectorRegistry) -> Callable[[], None]:
    """Return what counts one call that was refused because a quota was used up."""
    return Counter(
        "sealgate_quota_refusals",
        "Calls refused because a quota of their client was used up",
        registry=registry,
    ).inc


class CountingAccessLog:
    """An ``AccessLog`` around another one, which counts what is written and what is lost."""

    def __init__(self, access_log: AccessLog, registry: CollectorRegistry) -> None:
        self._access_log = access_log
        self._requests = Counter(
            "sealgate_requests", "Requests by final status", ["status"], registry=registry
        )
        self._lost = Counter(
            "sealgate_access_records_lost",
            "Access records that could not be written",
            registry=registry,
        )

    def write(self, record: AccessRecord) -> None:
        """Write and count *record*. Raises ``StoreUnavailable`` when the log cannot be written."""
        self._requests.labels(str(record.status)).inc()
        try:
            self._access_log.write(record)
        except StoreUnavailable:
            self._lost.inc()
            raise
