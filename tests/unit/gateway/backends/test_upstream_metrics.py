"""The backends in the metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from gateway.backends.upstream_metrics import count_upstream
from gateway.core.balancer import Backend, Balancer, Outcome


def test_each_backend_is_shown_by_its_name() -> None:
    """Calls under way, health, failures and ejections, as they are at the moment of asking."""
    registry, balancer = CollectorRegistry(), Balancer([Backend("a"), Backend("b")])
    count_upstream(registry, balancer.loads)
    balancer.note_check("a", healthy=True, now=0)
    lease = balancer.find_place("m", "c", now=0, avoided={"b"})
    for _ in range(3):
        failing = balancer.find_place("m", "c", now=0, avoided={"a"})
        assert failing is not None
        failing.end(Outcome.FAILED, now=0)
    shown = generate_latest(registry).decode()
    assert 'sealgate_upstream_outstanding{backend="a"} 1.0' in shown
    assert 'sealgate_upstream_up{backend="a"} 1.0' in shown
    assert 'sealgate_upstream_up{backend="b"} 0.0' in shown
    assert 'sealgate_upstream_failures_total{backend="b"} 3.0' in shown
    assert 'sealgate_upstream_ejections_total{backend="b"} 1.0' in shown
    assert lease is not None
    lease.end(Outcome.COMPLETED, now=0)
    assert 'sealgate_upstream_outstanding{backend="a"} 0.0' in generate_latest(registry).decode()
