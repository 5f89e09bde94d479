"""The stages of the data plane, as the configuration wants them, and all that they talk to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from gateway.api.admin.session import Proofs
from gateway.api.edge import Guard
from gateway.backends.metrics import (
    place_refusal_counter,
    quota_refusal_counter,
    redaction_counter,
)
from gateway.backends.shared_memory import SharedMemory
from gateway.control.room import ControlRoom
from gateway.core.access_log_ports import AccessLog
from gateway.core.pii.ner import SentenceModel
from gateway.core.ports import ReplayStore
from gateway.core.upstream_port import Upstream
from gateway.pipeline.authenticate import Authenticate
from gateway.pipeline.authorize import Authorize
from gateway.pipeline.chain import Stages
from gateway.pipeline.cut import RunningAnswers
from gateway.pipeline.decapsulate import BodyLimits, Decapsulate, ReadRequest
from gateway.pipeline.encapsulate import Encapsulate
from gateway.pipeline.exchange import Here, Workplace
from gateway.pipeline.forward import Forward
from gateway.pipeline.mask import Mask
from gateway.pipeline.meter import Meter
from gateway.pipeline.refuse_replay import RefuseReplay
from gateway.pipeline.scrub import Scrub
from gateway.settings import Configuration, Settings


@dataclass(frozen=True, slots=True)
class Outside:
    """What the data plane talks to, and what counts it."""

    upstream: Upstream
    replay_store: ReplayStore
    memory: SharedMemory
    access_log: AccessLog

    model: SentenceModel | None = None
    """What finds names by their meaning, if anything does; it works at *workplace*."""

    workplace: Workplace = field(default_factory=Here)

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    shown: CollectorRegistry | None = None
    """What ``/metrics`` shows; None: *registry*, where this process counts."""

    is_stopping: Callable[[], bool] = lambda: False
    """Tells whether the process is about to end."""

    async def is_ready(self) -> bool:
        """Return whether requests can be served as far as it does not depend on the store."""
        return await self.memory.is_ready() and await self.upstream.is_healthy()


def build_stages(
    configuration: Configuration,
    room: ControlRoom,
    outside: Outside,
    *,
    guard: Guard,
    proofs: Proofs,
) -> Stages:
    """Return the stages over one control room; *guard* and *proofs* are those of the listeners."""
    return Stages(
        admit=guard.admit,
        decapsulate=Decapsulate(room.snapshots, _body_limits(configuration.settings)),
        read_request=ReadRequest(configuration.authorities),
        authenticate=Authenticate(
            room.snapshots, proofs.verifier, room.clock, nonces=proofs.nonces
        ),
        refuse_replay=RefuseReplay(outside.replay_store, room.clock),
        authorize=Authorize(room.snapshots, room.permission_uses),
        meter=Meter(
            outside.memory.quota_store,
            count_refusal=quota_refusal_counter(outside.registry),
            places=outside.memory.places,
        ),
        mask=Mask(outside.workplace),
        forward=Forward(outside.upstream, count_refusal=place_refusal_counter(outside.registry)),
        running=RunningAnswers(room.snapshots),
        scrub=Scrub(
            count=redaction_counter(outside.registry),
            model=outside.model,
            workplace=outside.workplace,
        ),
        encapsulate=Encapsulate(
            room.clock,
            event_bucket_bytes=configuration.settings.encryption.event_bucket_bytes,
        ),
        record=guard.record,
    )


def _body_limits(settings: Settings) -> BodyLimits:
    limits = settings.limits
    return BodyLimits(
        max_body_bytes=limits.max_body_bytes,
        max_total_bytes=limits.max_total_body_bytes,
        seconds=limits.body_timeout_seconds,
    )
