"""A small world for unit tests: one client, its keys and a snapshot that knows them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address, ip_network

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core import bhttp, hpke
from gateway.core.conversation import ConversationKeys
from gateway.core.grants import every_operation
from gateway.core.identity import UNBOUND, Client, Confirmation, Role
from gateway.core.jwk import SigningAlgorithm, VerificationKey
from gateway.core.ohttp import CHUNKED, Profile, RequestSealer
from gateway.core.ohttp_keys import encode_key_list, load_recipient_key
from gateway.core.policy import ModelPolicy, Revocations, Snapshot
from gateway.core.secret import Secret
from gateway.core.tokens import AccessClaims, Expectations, sign_access_token
from gateway.core.upstream_port import UpstreamRequest
from gateway.pipeline.exchange import Decapsulated, Headers, Received, Seal

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
PEER = ip_address("127.0.0.1")
EXPECTED = Expectations(issuer="https://gateway.example", audience="sealgate")
AUTHORITY = b"gateway.example:8443"
SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFICATION_KEY = VerificationKey("sig-1", SigningAlgorithm.EDDSA, SIGNING_KEY.public_key())
RECIPIENT_KEY = load_recipient_key(7, bytes(range(1, 33)), kem_id=hpke.KEM_X25519)
APPLICATION = Client(
    client_id="c-app",
    role=Role.APPLICATION,
    grants=every_operation({"tiny"}),
    networks=(ip_network("127.0.0.0/8"),),
)
CHAT_BODY = b'{"model":"tiny","messages":[{"role":"user","content":"hi"}]}'
STREAM_BODY = b'{"model":"tiny","stream":true,"messages":[{"role":"user","content":"hi"}]}'


def clock() -> datetime:
    """Return the one moment at which everything here happens."""
    return NOW


def snapshot(*clients: Client, revocations: Revocations | None = None) -> Snapshot:
    """Return a snapshot that holds *clients*, two models and the fixed keys."""
    return Snapshot(
        revision=1,
        clients={client.client_id: client for client in clients or (APPLICATION,)},
        models={"tiny": ModelPolicy(), "draft": ModelPolicy(production=False)},
        verification_keys={"sig-1": VERIFICATION_KEY},
        recipient_keys={RECIPIENT_KEY.key_id: RECIPIENT_KEY},
        recipient_kids={RECIPIENT_KEY.key_id: "enc-7"},
        cut_key_ids=frozenset(),
        key_configurations=encode_key_list([RECIPIENT_KEY.config]),
        revocations=revocations or Revocations(),
        conversation_keys=ConversationKeys(Secret(bytes(32))),
    )


class FixedSnapshots:
    """A SnapshotFeed whose snapshot a test may replace."""

    def __init__(self, value: Snapshot | None = None) -> None:
        self.value = value or snapshot()
        self._replaced = asyncio.Event()

    def replace(self, value: Snapshot) -> None:
        """Make *value* the current snapshot, as the next revision, and tell those who wait."""
        self.value = replace(value, revision=self.value.revision + 1)
        self._replaced.set()

    async def changed(self, revision: int) -> Snapshot:
        """Return the snapshot once it is another than that of *revision*."""
        while self.value.revision == revision:
            self._replaced.clear()
            await self._replaced.wait()
        return self.value

    def current(self) -> Snapshot:
        """Return the snapshot."""
        return self.value


class UsesSeen:
    """A UseLog that keeps what it was told."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, str]] = []

    def note(self, client_id: str, permission: str) -> None:
        """Keep it."""
        self.noted.append((client_id, permission))


def token(
    client_id: str = "c-app",
    *,
    jti: str = "token-1",
    issued_at: datetime = NOW,
    confirmation: Confirmation = UNBOUND,
) -> str:
    """Return an access token of *client_id* that lives for ten minutes."""
    claims = AccessClaims(
        issuer=EXPECTED.issuer,
        audience=EXPECTED.audience,
        client_id=client_id,
        jti=jti,
        issued_at=issued_at,
        expires_at=issued_at + timedelta(minutes=10),
        confirmation=confirmation,
    )
    return sign_access_token(claims, SIGNING_KEY, "sig-1")


def inner_request(body: bytes = CHAT_BODY, *, bearer: str | None = None) -> bhttp.Request:
    """Return the request that an application means to make."""
    return bhttp.Request(
        method=b"POST",
        path=b"/v1/chat/completions",
        authority=AUTHORITY,
        headers=(
            (b"authorization", b"Bearer " + (bearer or token()).encode()),
            (b"content-type", b"application/json"),
            (b"date", format_datetime(NOW, usegmt=True).encode()),
        ),
        body=body,
    )


def decapsulated(
    request: bhttp.Request | None = None, *, seal: Seal | bool | None = True
) -> Decapsulated:
    """Return a request as the second stage hands it on, sealed unless *seal* says otherwise."""
    if seal is True:
        seal = Seal("enc-7", CHUNKED, b"tag", response_sealer=None)  # type: ignore[arg-type]
    return Decapsulated(PEER, request or inner_request(), seal or None)


def seal(request: bhttp.Request, *, profile: Profile = CHUNKED) -> tuple[bytes, RequestSealer]:
    """Return *request* sealed, and the sealer that can open the answer."""
    sealer = RequestSealer(RECIPIENT_KEY.config, random_bytes=secrets.token_bytes, profile=profile)
    return sealer.finish(bhttp.encode_request(request)), sealer


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    """Yield *data* as a body arrives."""
    for piece in data:
        yield piece


def sealed_received(
    data: bytes, *, path: str = "/.well-known/ohttp-gateway", profile: Profile = CHUNKED
) -> Received:
    """Return *data* as it arrives at the encrypted entrance, in two pieces."""
    media_type = profile.request_media_type.encode()
    return Received(
        method="POST",
        path=path,
        headers=((b"content-type", media_type), (b"host", AUTHORITY)),
        peer=PEER,
        body=pieces(data[:50], data[50:]),
    )


def clear_received(request: bhttp.Request) -> Received:
    """Return *request* as it arrives without a seal."""
    return Received(
        method=request.method.decode(),
        path=request.path.decode(),
        headers=(*request.headers, (b"host", AUTHORITY)),
        peer=PEER,
        body=pieces(request.body),
    )


class FakeAnswer:
    """An upstream answer of fixed chunks; an exception among them is raised in its turn."""

    def __init__(
        self,
        chunks: Sequence[bytes | Exception],
        *,
        status: int = 200,
        content_type: str = "application/json",
    ) -> None:
        self.status = status
        self.content_type = content_type
        self.closed = False
        self._chunks = chunks

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the chunks."""
        for chunk in self._chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def close(self) -> None:
        """Remember that the answer was let go."""
        self.closed = True


class FakeUpstream:
    """An Upstream that gives one prepared answer and remembers what it was asked."""

    def __init__(self, answer: FakeAnswer | Exception) -> None:
        self.answer = answer
        self.requests: list[UpstreamRequest] = []

    async def send(self, request: UpstreamRequest) -> FakeAnswer:
        """Return the prepared answer, or raise the prepared error."""
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def is_healthy(self) -> bool:
        """Return True."""
        return True

    async def close(self) -> None:
        """Do nothing."""


class RecordingDownstream:
    """A Downstream that keeps what was sent."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = ()
        self.sent: list[bytes] = []
        self.finished = False

    @property
    def body(self) -> bytes:
        """Everything sent so far."""
        return b"".join(self.sent)

    async def start(self, status: int, headers: Headers) -> None:
        """Keep the head."""
        self.status, self.headers = status, headers

    async def send(self, data: bytes) -> None:
        """Keep *data*."""
        self.sent.append(data)

    async def finish(self) -> None:
        """Remember the proper end."""
        self.finished = True


def with_client(**changes: object) -> Client:
    """Return the application client with *changes*."""
    return replace(APPLICATION, **changes)  # type: ignore[arg-type]
