"""Counters for Prometheus. No label ever comes from a caller: the only one is the status."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from gateway.core.access_log import AccessRecord
from gateway.core.errors import StoreUnavailable
from gateway.core.ports import AccessLog


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
