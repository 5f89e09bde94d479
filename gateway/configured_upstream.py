"""The model servers that were configured, put together from the backends."""

from __future__ import annotations

import ssl
from pathlib import Path

from gateway.backends.balanced_upstream import BalancedUpstream
from gateway.backends.upstream import (
    ApiKey,
    ApiKeyFile,
    HostAddress,
    PooledUpstream,
    SocketAddress,
    UpstreamAddress,
)
from gateway.backends.upstream_answer import AnswerLimits
from gateway.backends.upstream_queue import Drained, QueueRules, UpstreamQueue
from gateway.core.balancer import Backend, Balancer, BalanceRules
from gateway.settings import Configuration, SettingsError
from gateway.settings_upstream import Upstream, UpstreamBackend


def build_balancer(upstream: Upstream) -> Balancer:
    """Return what chooses among the backends of *upstream*, none of them in use yet."""
    backends = [Backend(one.name, frozenset(one.models)) for one in upstream.all_backends]
    return Balancer(backends, BalanceRules(upstream.max_outstanding))


def open_upstream(
    configuration: Configuration, balancer: Balancer, api_key: ApiKey, *, drained: Drained
) -> BalancedUpstream:
    """Return the backends behind *balancer*. Connects to nothing yet.

    *api_key* is for those that have no key file of their own, *drained* names those that get no new
    calls. Raises ``SettingsError`` for a file of authorities that cannot be read.
    """
    upstream, base = configuration.settings.upstream, configuration.at.base
    limits = AnswerLimits(
        head=upstream.head_timeout_seconds,
        idle=upstream.idle_timeout_seconds,
        whole=upstream.answer_timeout_seconds,
        max_bytes=upstream.max_answer_bytes,
    )
    backends = {
        one.name: PooledUpstream(
            _address(one, base),
            ApiKeyFile(base / one.api_key_file) if one.api_key_file else api_key,
            connect_seconds=upstream.connect_timeout_seconds,
            limits=limits,
        )
        for one in upstream.all_backends
    }
    most = configuration.settings.limits.max_total_body_bytes
    rules = QueueRules(upstream.max_waiting, upstream.queue_seconds, most)
    queue = UpstreamQueue(balancer, drained=drained, rules=rules)
    return BalancedUpstream(backends, queue, check_seconds=upstream.health_timeout_seconds)


def _address(backend: UpstreamBackend, base: Path) -> UpstreamAddress:
    if backend.uds is not None:
        return SocketAddress(base / backend.uds)
    host, port = backend.host_and_port
    tls = None if backend.ca_file is None else _tls(base / backend.ca_file, backend.name)
    return HostAddress(host, port, tls)


def _tls(ca_file: Path, name: str) -> ssl.SSLContext:
    """Return a context for which the authorities in *ca_file* vouch and no others."""
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError:  # ssl.SSLError is one
        fault = f"upstream.backends.{name}.ca_file: no certificates can be read from it"
        raise SettingsError([fault]) from None
