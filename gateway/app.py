"""Composition: the only file that knows every room. Settings go in, ASGI applications come out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from gateway.api.admin.app import build_admin_app
from gateway.api.admin.session import Proofs
from gateway.api.discovery import build_key_configurations, build_key_document
from gateway.api.edge import Edge, Guard, Route
from gateway.api.health import build_health_app
from gateway.api.inference import Inference
from gateway.api.metrics import build_metrics_app
from gateway.api.oauth.app import OAUTH_ROUTES, OauthServices, build_oauth_app
from gateway.api.problems import ProblemPresenter
from gateway.api.public_document import PUBLIC_DOCUMENT_PATH, build_public_document
from gateway.api.unread_requests import UnreadRequests
from gateway.backends.access_log_writer import FLUSH_SECONDS, PREPARE_SECONDS
from gateway.backends.anonymous_file import AnonymousFile
from gateway.backends.database.schema import verify_schema
from gateway.backends.entity_finder import load_entity_finder
from gateway.backends.fault_log import report_fault
from gateway.backends.metrics import (
    CountingAccessLog,
    KeyServiceMeter,
    error_counter,
    open_registry,
    stranger_refusal_counter,
)
from gateway.backends.scrub_thread import ScrubThread
from gateway.backends.upstream_metrics import count_upstream
from gateway.configured_issuers import open_issuer_keys
from gateway.configured_keys import open_key_service
from gateway.configured_log import open_log_writer
from gateway.configured_memory import open_shared_memory
from gateway.configured_room import control_room, open_access_log, utc_now
from gateway.configured_rules import policies
from gateway.configured_stages import Outside, build_stages
from gateway.configured_upstream import open_upstream
from gateway.control.room import ControlRoom
from gateway.core.forwarded import ForwardedHeader, TrustedProxies
from gateway.core.pii.ner import SentenceModel
from gateway.core.pii.shipped import shipped_machine
from gateway.core.token_verifier import TokenVerifier
from gateway.pipeline.admit import Admit
from gateway.pipeline.authorize import inference_routes
from gateway.pipeline.chain import Chain
from gateway.pipeline.decapsulate import GATEWAY_RESOURCE
from gateway.pipeline.exchange import Here
from gateway.pipeline.record import Record
from gateway.pipeline.spend import Spending
from gateway.settings import Admin, Configuration, Listen, Settings
from gateway.settings_scrub import ScrubSettings

_PAUSE_SECONDS = 0.05  # between two looks at a changed snapshot, so that a storm of changes is one
_HEALTH_ROUTES: tuple[Route, ...] = (("GET", "/livez"), ("GET", "/readyz"))


@dataclass(frozen=True, slots=True)
class Applications:
    """What the two listeners serve."""

    public: ASGIApp
    admin: ASGIApp
    unread: UnreadRequests
    """What answers for both where no application is reached."""

    retire: Callable[[], None]
    """Leaves to another process what only one of a host does."""

    adopt: Callable[[Configuration], Awaitable[None]]
    """Serves by the ``policies`` of a configuration from now on.

    Raises ``StoreUnavailable``, and then nothing changed.
    """


@asynccontextmanager
async def running_gateway(
    configuration: Configuration,
    *,
    registries: tuple[CollectorRegistry, CollectorRegistry] | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
    shared: AnonymousFile | None = None,
) -> AsyncIterator[Applications]:
    """Start the gateway's tasks and yield its applications; stop them at the end.

    *registries* are as of ``open_registry``, *shared* is the memory of all workers, *is_stopping*
    tells whether the process ends. Raises ``StoreUnavailable`` without the store or the key file,
    ``SettingsError`` without the model for names. Without its key service it is not ready.
    """
    await verify_schema(configuration.at.database_url)
    registry, shown = registries or open_registry(None)
    scrub = configuration.settings.scrub
    thread, model = ScrubThread(seconds=scrub.ner_seconds), await _load_model(scrub)
    keys = open_key_service(configuration, KeyServiceMeter(registry), shared=shared)
    files = open_access_log(configuration, keys)
    log = open_log_writer(configuration, files, utc_now, registry=registry)
    memory = open_shared_memory(configuration, utc_now)
    room = control_room(
        configuration,
        files,
        keys,
        replay_store=memory.replay_store,
        lockout_store=memory.lockout_store,
    )
    count_upstream(shown, room.backends.balancer.loads)
    upstream = open_upstream(
        configuration, room.backends.balancer, keys.upstream_key, drained=room.backends.drained
    )
    outside = Outside(
        upstream=upstream,
        replay_store=room.replay_store,
        memory=memory,
        access_log=log,
        model=model,
        workplace=Here() if model is None else thread,
        registry=registry,
        shown=shown,
        is_stopping=is_stopping,
    )
    try:
        await asyncio.to_thread(shipped_machine)  # more than a second, which no request waits for
        logging = (PREPARE_SECONDS, log.prepare), (FLUSH_SECONDS, log.flush)
        for seconds, work in (*keys.upkeep, *logging):
            room.background.every(seconds, work)
        if memory.verify is not None:
            await memory.verify()
        await room.start()
        health_seconds = configuration.settings.upstream.health_interval_seconds
        room.background.every(health_seconds, upstream.check)
        yield build_applications(configuration, room, outside)
    finally:
        await room.close()
        await keys.close()
        await upstream.close()
        thread.close()
        await log.close()


def build_applications(
    configuration: Configuration, room: ControlRoom, outside: Outside
) -> Applications:
    """Return both applications over one control room.

    Also starts the task that cuts running answers; it ends with the room.
    """
    settings = configuration.settings
    registry = outside.registry
    record = Record(CountingAccessLog(outside.access_log, registry), room.clock)
    count_refusal = stranger_refusal_counter(registry)
    spending = Spending(settings.overload.effort, count_refusal=count_refusal)
    public = Guard(_admit(settings.listen, spending), record, report_fault)
    admin = Guard(_admit(settings.admin), record, report_fault)
    health = build_health_app(room.snapshots, outside.is_ready, is_stopping=outside.is_stopping)
    admin_routes: dict[Route, ASGIApp] = dict.fromkeys(_HEALTH_ROUTES, health)
    admin_routes["GET", "/metrics"] = build_metrics_app(outside.shown or registry)
    proofs = Proofs(
        verifier=TokenVerifier(
            room.tokens.rules.expectations, issuers=open_issuer_keys(configuration, room)
        ),
        replay_store=outside.replay_store,
        authorities=configuration.admin_authorities,
        nonces=room.snapshots.dpop_nonces if settings.tokens.dpop_nonce_required else None,
    )
    stages = build_stages(configuration, room, outside, guard=public, proofs=proofs)
    room.background.every(_PAUSE_SECONDS, stages.running.cut_at_next_change)
    inference = Inference(
        Chain(
            stages,
            ProblemPresenter(),
            report_fault=report_fault,
            count_error=error_counter(registry),
        ),
    )
    edge = Edge(
        public,
        _public_routes(configuration, room, health=health),
        inference=_inference_table(settings, inference),
        called_by_proxies=_HEALTH_ROUTES,
    )
    return Applications(
        public=edge,
        admin=Edge(
            admin,
            admin_routes,
            others=build_admin_app(
                room, proofs, calls_per_minute=settings.limits.admin_requests_per_minute
            ),
            called_by_proxies=_HEALTH_ROUTES,
        ),
        unread=UnreadRequests(record),
        retire=room.upkeep.close,
        adopt=partial(_adopt, room, edge=edge, inference=inference),
    )


async def _adopt(
    room: ControlRoom, newest: Configuration, *, edge: Edge, inference: Inference
) -> None:
    await room.snapshots.refresh(policies(newest.settings))
    edge.replace_inference(_inference_table(newest.settings, inference))


def _inference_table(settings: Settings, inference: Inference) -> dict[Route, ASGIApp]:
    return dict.fromkeys(
        {*inference_routes(settings.models), ("POST", GATEWAY_RESOURCE)}, inference
    )


async def _load_model(scrub: ScrubSettings) -> SentenceModel | None:
    if scrub.ner is None:
        return None
    finder = await asyncio.to_thread(load_entity_finder, scrub.ner, seconds=scrub.ner_seconds)
    return SentenceModel(finder, scrub.ner_holdback_characters)


def _admit(listener: Listen | Admin, spending: Spending | None = None) -> Admit:
    header = ForwardedHeader(listener.forwarded_header)
    proxies = TrustedProxies(listener.trusted_proxies, header)
    return Admit(listener.networks, proxies=proxies, spending=spending)


def _public_routes(
    configuration: Configuration, room: ControlRoom, *, health: ASGIApp
) -> dict[Route, ASGIApp]:
    settings = configuration.settings
    services = OauthServices(
        room.tokens,
        room.snapshots,
        configuration.issuer,
        utc_now,
        authorities=configuration.authorities,
        prepublish_seconds=settings.tokens.prepublish_seconds,
        takes_certificates=settings.tls.client_ca_file is not None,
    )
    oauth = build_oauth_app(services, calls_per_minute=settings.limits.token_requests_per_minute)
    return {
        **dict.fromkeys(_HEALTH_ROUTES, health),
        **dict.fromkeys(OAUTH_ROUTES, oauth),
        ("GET", GATEWAY_RESOURCE): build_key_configurations(room.snapshots),
        ("GET", "/encryption/keys"): build_key_document(room.key_documents),
        ("GET", PUBLIC_DOCUMENT_PATH): build_public_document(configuration.issuer),
    }
