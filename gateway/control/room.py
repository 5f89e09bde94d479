"""The control room: all use cases of the control plane over one store, and their upkeep."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from gateway.control.acts import NO_RULE, Acts
from gateway.control.approvals import Approvals
from gateway.control.audit import AuditTrail
from gateway.control.backends import Backends
from gateway.control.background import BackgroundTasks, OnlyProcess, Upkeep
from gateway.control.client_authentication import AuthenticationPorts, ClientAuthentication
from gateway.control.clients import Clients
from gateway.control.credentials import Credentials
from gateway.control.idempotency import IdempotentCalls
from gateway.control.key_documents import DocumentRules, KeyDocuments
from gateway.control.key_rules import KeyRules
from gateway.control.keys import Keys
from gateway.control.lockout import Lockout
from gateway.control.models import Models
from gateway.control.permission_uses import PermissionUses
from gateway.control.permissions import Permissions
from gateway.control.retention import DEFAULT_KEEP_DAYS, Retention
from gateway.control.revocations import RevocationList
from gateway.control.rewrapping import Rewrapping
from gateway.control.secrets import HashCost, SecretHasher
from gateway.control.snapshot import (
    WATCH_INTERVAL_SECONDS,
    MonotonicClock,
    Pause,
    Policies,
    SnapshotHolder,
)
from gateway.control.status import Status
from gateway.control.tokens import TokenRules, Tokens
from gateway.control.two_person import TwoPersonRule
from gateway.core.access_log_ports import AccessLogArchive
from gateway.core.balancer import Balancer
from gateway.core.errors import KeyServiceUnavailable, StoreUnavailable, WrappingTokenRefused
from gateway.core.events import Event
from gateway.core.lockout import LockoutRules, LockoutStore
from gateway.core.ports import Clock, ControlStore, IdempotencyStore, KeyWrap, ReplayStore

_LOGGER: Final = logging.getLogger(__name__)
_ACTIVATION_SECONDS: Final = 0.5
_MAINTENANCE_SECONDS: Final = 30.0
_PURGE_SECONDS: Final = 3600.0
_RECLAIM_SECONDS: Final = 86_400.0
_WRITE_USES_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class RoomPorts:
    """What the control plane needs from outside."""

    store: ControlStore
    replay_store: ReplayStore
    key_wrap: KeyWrap
    idempotency_store: IdempotencyStore
    lockout_store: LockoutStore
    access_log: AccessLogArchive
    clock: Clock
    monotonic: MonotonicClock = time.monotonic
    pause: Pause = asyncio.sleep
    """How the watch waits between two looks at the store."""

    upkeep: Upkeep = field(default_factory=OnlyProcess)
    """Tells whether this process does what only one of a host has to do."""

    balancer: Balancer = field(default_factory=lambda: Balancer([]))
    """What the data plane chooses model servers by."""


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What was configured."""

    tokens: TokenRules
    keys: KeyRules = field(default_factory=KeyRules)
    policies: Policies = field(default_factory=Policies)
    lockout: LockoutRules = field(default_factory=LockoutRules)
    access_log_keep_days: int = DEFAULT_KEEP_DAYS
    two_person: TwoPersonRule = NO_RULE
    reclaim_idle_days: int | None = None
    """After how many days a permission nobody uses is withheld; None: only when it is asked for."""

    secret_cost: HashCost = field(default_factory=HashCost)
    document: DocumentRules | None = None
    """What the key document says besides the keys; by default our issuer asks for dates."""


@dataclass(frozen=True, slots=True)
class ControlRoom:
    """The use cases, ready to be called by the API and by the command line.

    :meth:`close` ends the background tasks and gives the stores back.
    """

    clients: Clients
    credentials: Credentials
    keys: Keys
    rewrapping: Rewrapping
    key_documents: KeyDocuments
    tokens: Tokens
    revocations: RevocationList
    retention: Retention
    status: Status
    models: Models
    backends: Backends
    idempotency: IdempotentCalls
    audit: AuditTrail
    acts: Acts
    permission_uses: PermissionUses
    permissions: Permissions
    approvals: Approvals
    reclaim_idle_days: int | None
    snapshots: SnapshotHolder
    clock: Clock
    background: BackgroundTasks
    store: ControlStore
    replay_store: ReplayStore
    lockout_store: LockoutStore
    key_wrap: KeyWrap
    upkeep: Upkeep

    async def start(self) -> None:
        """Make the first keys if there are none, load the first snapshot, keep both in order.

        For the running gateway; a command needs none of this. While what wraps the keys is away
        there is no snapshot to trust; that is tried again until it answers. Raises
        ``StoreUnavailable`` for the store and ``WrappingTokenRefused``, which is no accident.
        """
        try:
            await self.keys.ensure_first()
        except WrappingTokenRefused:
            raise
        except KeyServiceUnavailable:
            # watch() loads the keys once they can be unwrapped; maintain() makes what is missing.
            _LOGGER.warning(Event.NOT_READY)
        self.background.every(WATCH_INTERVAL_SECONDS, self.snapshots.watch)
        self.background.every(_WRITE_USES_SECONDS, self.permission_uses.write)
        upkeep: list[tuple[float, Callable[[], Awaitable[object]]]] = [
            (_ACTIVATION_SECONDS, self.keys.activate_due),
            (_MAINTENANCE_SECONDS, self.keys.maintain),
            (_MAINTENANCE_SECONDS, self.revocations.forget_expired),
            (_MAINTENANCE_SECONDS, self.idempotency.forget_expired),
            (_PURGE_SECONDS, self.retention.purge_expired),
            (_PURGE_SECONDS, self.approvals.forget_old),
        ]
        if self.reclaim_idle_days is not None:
            reclaim = partial(self.permissions.reclaim_idle, self.reclaim_idle_days)
            upkeep.append((_RECLAIM_SECONDS, reclaim))
        for seconds, work in upkeep:
            self.background.every(seconds, work, is_ours=self.upkeep.is_ours)

    async def close(self) -> None:
        """Stop the background tasks, write what they had in hand, then close the stores."""
        await self.background.close()
        self.upkeep.close()
        with suppress(StoreUnavailable):
            await self.permission_uses.write()
        await self.lockout_store.close()
        await self.replay_store.close()
        await self.key_wrap.close()
        await self.idempotency.close()
        await self.store.close()


def build_room(ports: RoomPorts, rules: RoomRules) -> ControlRoom:
    """Return the control room over *ports*. Reads nothing yet."""
    store, clock = ports.store, ports.clock
    snapshots = SnapshotHolder(
        store, ports.key_wrap, policies=rules.policies, monotonic=ports.monotonic, pause=ports.pause
    )
    hasher = SecretHasher(rules.secret_cost)
    uses = PermissionUses(store, clock)
    acts = Acts(store, snapshots, clock=clock, uses=uses, rule=rules.two_person)
    credentials = Credentials(acts, hasher=hasher)
    backends = Backends(acts, ports.balancer)
    keys = Keys(acts, key_wrap=ports.key_wrap, rules=rules.keys)
    return ControlRoom(
        clients=Clients(acts, credentials=credentials),
        credentials=credentials,
        keys=keys,
        rewrapping=Rewrapping(acts, ports.key_wrap, ports.access_log),
        key_documents=KeyDocuments(
            snapshots,
            clock=clock,
            rules=rules.document or DocumentRules(rules.tokens.issuer),
            keys=rules.keys,
        ),
        tokens=_tokens(ports, rules, snapshots=snapshots, hasher=hasher),
        revocations=RevocationList(acts, keys=keys),
        retention=Retention(
            ports.access_log,
            acts,
            monotonic=ports.monotonic,
            keep_days=rules.access_log_keep_days,
        ),
        status=Status(acts, backends),
        models=Models(acts),
        backends=backends,
        idempotency=IdempotentCalls(ports.idempotency_store, ports.key_wrap, clock),
        audit=AuditTrail(acts),
        acts=acts,
        permission_uses=uses,
        # With the rule there must stay somebody to agree with.
        permissions=Permissions(acts, uses, keep_owners=2 if rules.two_person.acts else 1),
        approvals=Approvals(
            acts,
            clients=partial(Clients, credentials=credentials),
            revocations=partial(RevocationList, keys=keys),
        ),
        reclaim_idle_days=rules.reclaim_idle_days,
        snapshots=snapshots,
        clock=clock,
        background=BackgroundTasks(),
        store=store,
        replay_store=ports.replay_store,
        lockout_store=ports.lockout_store,
        key_wrap=ports.key_wrap,
        upkeep=ports.upkeep,
    )


def _tokens(
    ports: RoomPorts, rules: RoomRules, *, snapshots: SnapshotHolder, hasher: SecretHasher
) -> Tokens:
    outside = AuthenticationPorts(ports.store, ports.replay_store, ports.clock)
    authentication = ClientAuthentication(
        outside,
        hasher=hasher,
        lockout=Lockout(ports.lockout_store, rules.lockout),
        audiences=rules.tokens.assertion_audiences,
    )
    return Tokens(outside, snapshots, authentication=authentication, rules=rules.tokens)
