"""A control plane in memory: a clock that stands still, a key wrap without a file, a ready room."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from types import MappingProxyType

from gateway.backends.access_log_files import AccessLogFiles
from gateway.backends.access_log_writer import AccessLogWriter
from gateway.backends.key_wrap import KEY_BYTES, FileKeyWrap
from gateway.backends.memory import MemoryStore
from gateway.backends.memory_idempotency import MemoryIdempotencyStore
from gateway.backends.memory_lockout import MemoryLockoutStore
from gateway.backends.memory_replay import MemoryReplayStore
from gateway.backends.segment_keys import SegmentKeys
from gateway.control.actors import Actor, LocalOperator, Staff
from gateway.control.acts import NO_RULE
from gateway.control.client_authentication import ClientProof, SecretProof
from gateway.control.clients import ClientGrants, IssuedCredential
from gateway.control.credentials import SECRET
from gateway.control.key_rules import KeyRules
from gateway.control.room import ControlRoom, RoomPorts, RoomRules, build_room
from gateway.control.secrets import HashCost
from gateway.control.snapshot import Policies
from gateway.control.tokens import TokenRules
from gateway.control.two_person import TwoPersonRule
from gateway.core.access_log import AccessRecord
from gateway.core.balancer import Backend, Balancer
from gateway.core.errors import KeyServiceUnavailable, StoreUnavailable
from gateway.core.grants import every_operation
from gateway.core.identity import Client, Principal, Role
from gateway.core.policy import ModelPolicy
from gateway.core.ports import ControlStore, IdempotencyStore, KeyWrap
from gateway.core.registry import ControlState
from gateway.core.secret import Secret

ISSUER = "https://gateway.example"
AUDIENCE = "sealgate"
LOOPBACK = ip_address("127.0.0.1")
LOCAL = LocalOperator()
POLICIES = Policies(
    models=MappingProxyType({"tiny": ModelPolicy(), "draft": ModelPolicy(production=False)})
)
GRANTS = ClientGrants(grants=every_operation({"tiny"}), networks=(ip_network("127.0.0.0/8"),))


class FakeClock:
    """A clock that a test moves; also the monotonic one."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 10, 30, 15, 500_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the moment at which it stands."""
        return self.now

    def monotonic(self) -> float:
        """Return the same moment in seconds."""
        return self.now.timestamp()

    def advance(self, **duration: float) -> None:
        """Move on by a timedelta's arguments."""
        self.now += timedelta(**duration)


class LosableStore(MemoryStore):
    """A store that a test can take away."""

    lost = False

    async def revision(self) -> int:
        """Return the revision unless the store is lost."""
        self._refuse()
        return await super().revision()

    async def load(self) -> ControlState:
        """Return everything unless the store is lost."""
        self._refuse()
        return await super().load()

    def _refuse(self) -> None:
        if self.lost:
            raise StoreUnavailable


class LosableKeyWrap(FileKeyWrap):
    """A key wrap that a test can take away, and whose key it can rotate."""

    def __init__(self) -> None:
        super().__init__(Secret(secrets.token_bytes(KEY_BYTES)))
        self.lost = False
        self.wraps = 0
        self._before: FileKeyWrap = self

    def rotate(self) -> None:
        """Wrap under a new key from now on; what was wrapped opens once more as well."""
        self._before = make_wrap()
        self._before._cipher, self._cipher = self._cipher, self._before._cipher

    def forget_old(self) -> None:
        """Open nothing any more that was wrapped before the rotation."""
        self._before = self

    async def wrap(self, private: Secret[bytes], *, kid: str) -> bytes:
        """Return *private* wrapped unless the service is lost."""
        self._refuse()
        self.wraps += 1
        return await super().wrap(private, kid=kid)

    async def unwrap(self, wrapped: bytes, *, kid: str) -> Secret[bytes]:
        """Return what was wrapped unless the service is lost."""
        self._refuse()
        try:
            return await super().unwrap(wrapped, kid=kid)
        except StoreUnavailable:
            if self._before is self:
                raise
            return await self._before.unwrap(wrapped, kid=kid)

    def _refuse(self) -> None:
        if self.lost:
            raise KeyServiceUnavailable


def make_wrap() -> FileKeyWrap:
    """Return a key wrap under a fresh key."""
    return FileKeyWrap(Secret(secrets.token_bytes(KEY_BYTES)))


def open_log(directory: Path, key_wrap: KeyWrap) -> AccessLogFiles:
    """Return the access log in *directory*."""
    return AccessLogFiles(directory, SegmentKeys(directory / "keys", key_wrap))


async def write_log(files: AccessLogFiles, *records: AccessRecord) -> None:
    """Write *records* as a process does that begins before them and ends after them."""
    writer = AccessLogWriter(files, FakeClock())
    for record in records:
        writer.write(record)
    await writer.prepare()
    await writer.close()


def make_room(
    directory: Path,
    clock: FakeClock,
    *,
    store: ControlStore | None = None,
    key_wrap: KeyWrap | None = None,
    idempotency_store: IdempotencyStore | None = None,
    lifetime: timedelta = timedelta(hours=1),
    keys: KeyRules | None = None,
    two_person: TwoPersonRule = NO_RULE,
    reclaim_idle_days: int | None = None,
    dpop_nonce_required: bool = True,
) -> ControlRoom:
    """Return a control room over *store*, by default a fresh one in memory."""
    key_wrap = key_wrap or make_wrap()
    ports = RoomPorts(
        store=store or MemoryStore(),
        replay_store=MemoryReplayStore(clock),
        key_wrap=key_wrap,
        idempotency_store=idempotency_store or MemoryIdempotencyStore(),
        lockout_store=MemoryLockoutStore(),
        access_log=open_log(directory / "access", key_wrap),
        clock=clock,
        monotonic=clock.monotonic,
        balancer=Balancer([Backend("gpu-0"), Backend("gpu-1", frozenset({"tiny"}))]),
    )
    rules = RoomRules(
        tokens=TokenRules(ISSUER, AUDIENCE, lifetime, dpop_nonce_required),
        keys=keys or KeyRules(),
        two_person=two_person,
        reclaim_idle_days=reclaim_idle_days,
        policies=POLICIES,
        secret_cost=HashCost(memory_kib=8, iterations=1),  # what Argon2 asks for at least
    )
    return build_room(ports, rules)


def principal(role: Role, client_id: str = "someone") -> Staff:
    """Return a member of staff of *role*, or one who should not be."""
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    client = Client(client_id=client_id, role=role)
    return Staff(Principal(client, jti="j", kid="k", issued_at=moment, expires_at=moment), "r-1")


def proof(issued: IssuedCredential, address: str = "127.0.0.1") -> ClientProof:
    """Return what the client of *issued* sends from *address*."""
    evidence = SecretProof(issued.client_id, issued.secret)
    return ClientProof(evidence, ip_address(address))


async def add_secret(room: ControlRoom, actor: Actor, client_id: str) -> IssuedCredential:
    """Give a client one more secret and return it."""
    credential, secret = (await room.credentials.add(actor, client_id, SECRET)).made
    assert secret is not None
    return IssuedCredential(client_id, credential.credential_id, secret)


async def token_of(room: ControlRoom, role: Role = Role.APPLICATION) -> str:
    """Register a client of *role* and return an access token of it."""
    issued = await room.clients.create(LOCAL, GRANTS, role=role)
    return (await room.tokens.issue(proof(issued))).token.reveal()
