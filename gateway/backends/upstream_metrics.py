"""The backends as ``/metrics`` shows them, read when somebody asks, so that no call pays for it.

The one label is the name that the operator gave a backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.core.balancer import BackendLoad

_LABEL = ["backend"]


def count_upstream(registry: CollectorRegistry, loads: Callable[[], Sequence[BackendLoad]]) -> None:
    """Have *registry* show what *loads* returns."""
    registry.register(_Loads(loads))


class _Loads(Collector):
    def __init__(self, loads: Callable[[], Sequence[BackendLoad]]) -> None:
        self._loads = loads

    def collect(self) -> Iterable[Metric]:
        loads = self._loads()
        outstanding = GaugeMetricFamily(
            "sealgate_upstream_outstanding", "Calls under way by backend", labels=_LABEL
        )
        usable = GaugeMetricFamily(
            "sealgate_upstream_up", "Whether a backend is healthy and not ejected", labels=_LABEL
        )
        failures = CounterMetricFamily(
            "sealgate_upstream_failures", "Calls that failed by backend", labels=_LABEL
        )
        ejections = CounterMetricFamily(
            "sealgate_upstream_ejections", "Times a backend was ejected", labels=_LABEL
        )
        for load in loads:
            outstanding.add_metric([load.name], load.outstanding)
            usable.add_metric([load.name], bool(load.healthy) and not load.ejected)
            failures.add_metric([load.name], load.failures)
            ejections.add_metric([load.name], load.ejections)
        return outstanding, usable, failures, ejections
