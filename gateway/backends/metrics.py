"""Counters for Prometheus. No label ever comes from a caller.

A label is a status, a code of ``core/errors.py`` or a type of personal data that detectors declare.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, values
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from gateway.core.access_log import AccessRecord
from gateway.core.access_log_ports import AccessLog
from gateway.core.errors import StoreUnavailable
from gateway.core.pii.labels import LABELS

_LOOKS: Final = 10
_LOOK_SECONDS: Final = 0.01  # off the event loop


def quota_refusal_counter(registry: CollectorRegistry) -> Callable[[], None]:
    """Return what counts one call that was refused because a quota was used up."""
    return Counter(
        "sealgate_quota_refusals",
        "Calls refused because a quota of their client was used up",
        registry=registry,
    ).inc


def stranger_refusal_counter(registry: CollectorRegistry) -> Callable[[], None]:
    """Return what counts one call that was refused because too much was done for strangers."""
    return Counter(
        "sealgate_stranger_refusals",
        "Calls refused before the work since others had proven to be nobody",
        registry=registry,
    ).inc


def place_refusal_counter(registry: CollectorRegistry) -> Callable[[], None]:
    """Return what counts one call that found no place at a model server."""
    return Counter(
        "sealgate_place_refusals",
        "Calls refused because no place at a model server was left for their client",
        registry=registry,
    ).inc


def redaction_counter(registry: CollectorRegistry) -> Callable[[str], None]:
    """Return what counts one value of a type that was replaced in an answer."""
    counter = Counter(
        "sealgate_redactions",
        "Values replaced in answers by type of personal data",
        ["type"],
        registry=registry,
    )
    by_type = {label: counter.labels(label) for label in sorted(LABELS)}

    def count(label: str) -> None:
        by_type[label].inc()

    return count


def error_counter(registry: CollectorRegistry) -> Callable[[str], None]:
    """Return what counts one error by its code, such as ``answer_blocked`` or ``scrub_failed``."""
    counter = Counter(
        "sealgate_errors", "Errors that clients were shown by code", ["code"], registry=registry
    )
    return lambda code: counter.labels(code).inc()


def open_registry(directory: Path | None) -> tuple[CollectorRegistry, CollectorRegistry]:
    """Return where this process counts, and what shows it with all that count in *directory*.

    Without a directory both are the same.
    """
    registry = CollectorRegistry()
    if directory is None:
        return registry, registry
    shown = CollectorRegistry()
    shown.register(_AllProcesses(directory))
    return registry, shown


def count_as(number: int) -> None:
    """Let this process count in the files of *number*, which no other process has meanwhile.

    To be called before anything counts. It goes on from what the process before it has counted
    under that number, so there are never more files than there were processes at one time.
    """
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]


class _AllProcesses(Collector):
    """The sums of what all processes count in a folder."""

    def __init__(self, directory: Path) -> None:
        # Without a registry it registers nowhere.
        self._sums = MultiProcessCollector(None, str(directory))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        """Return the sums. A file that another process is just making is looked at again."""
        for _ in range(_LOOKS - 1):
            with suppress(struct.error, ValueError, RuntimeError):
                return self._read()
            time.sleep(_LOOK_SECONDS)
        return self._read()

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that no file is read before anybody asks."""
        return ()

    def _read(self) -> list[Metric]:
        return list(self._sums.collect())  # type: ignore[no-untyped-call]


def refused_change_gauge(registry: CollectorRegistry) -> Callable[[str, bool], None]:
    """Return what notes, for ``configuration`` or ``certificate``, whether a change was refused.

    While it was, what was there before is served.
    """
    gauge = Gauge(
        "sealgate_change_refused",
        "1 while what was last changed of this kind cannot be used and the old is served",
        ["what"],
        registry=registry,
        multiprocess_mode="livemax",
    )
    for what in ("configuration", "certificate"):
        gauge.labels(what).set(0)
    return lambda what, is_refused: gauge.labels(what).set(is_refused)


class KeyServiceMeter:
    """Counts how what wraps the keys (Vault, a security module) answers.

    *registry* is left out where nobody asks for metrics: in a command.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self._up = Gauge(
            "sealgate_key_service_up",
            "Whether the service that wraps the keys answered the last time it was asked",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._failures = Counter(
            "sealgate_key_service_failures",
            "Operations that the service that wraps the keys did not answer",
            registry=registry,
        )
        self._alarms = Counter(
            "sealgate_wrapping_tokens_refused",
            "One-time tokens around a secret that were used before or wrapped something else",
            registry=registry,
        )

    def answered(self) -> None:
        """Note an operation that was answered."""
        self._up.set(1)

    def failed(self) -> None:
        """Note one that was not."""
        self._up.set(0)
        self._failures.inc()

    def wrapping_token_refused(self) -> None:
        """Note the alarm: somebody else may have the secret."""
        self._alarms.inc()


def export_loss_counter(registry: CollectorRegistry) -> Callable[[str], Callable[[int], None]]:
    """Return what gives, for ``syslog`` or ``otlp``, what counts records that did not get there."""
    counter = Counter(
        "sealgate_exported_records_lost",
        "Access records that did not get to the syslog server, or to the collector",
        ["to"],
        registry=registry,
    )
    return lambda to: counter.labels(to).inc


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
