"""A gateway in the same process, made of the core alone, behind both libraries' mock transports."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import ModuleType
from urllib.parse import parse_qs, unquote_plus

import httpx
import httpx2
import pytest

from gateway.client import httpx2_transport, httpx_transport
from gateway.client.account import Account
from gateway.core.bhttp import Request, parse_request
from gateway.core.bhttp_response import ResponseEncoder
from gateway.core.errors import UnknownKey
from gateway.core.hpke import KEM_X25519
from gateway.core.ohttp import RequestOpener
from gateway.core.ohttp_keys import encode_key_list, load_recipient_key
from gateway.core.secret import Secret

KEY_PROBLEM = b'{"type":"https://iana.org/assignments/http-problem-types#ohttp-key"}'
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "s3cret: canary&+"


@dataclass
class Seen:
    """One outer request as a middlebox sees it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What the fake puts into the sealed answer."""

    pieces: list[bytes] = field(default_factory=lambda: [b'{"ok":true}'])
    status: int = 200
    headers: tuple = ((b"content-type", b"application/json"),)
    is_cut: bool = False
    is_whole: bool = False
    is_coalesced: bool = False


@dataclass
class FakeGateway:
    """Keys, tokens and a sealed entrance, with a switch for each thing that can go wrong."""

    now: datetime = START
    key_id: int = 1
    seen: list[Seen] = field(default_factory=list)
    opened: list[Request] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    refused_tokens: set[str] = field(default_factory=set)
    lifetime_seconds: int = 3600
    answer: Answer = field(default_factory=Answer)
    outside: list[tuple] = field(default_factory=list)
    token_answer: tuple | None = None
    keys_answer: tuple | None = None
    on_piece: Callable[[bytes], None] = lambda _: None
    extensions: list[dict] = field(default_factory=list)

    def clock(self) -> datetime:
        """Return the time that the test has set."""
        return self.now

    def pass_time(self, seconds: float) -> None:
        """Move the clock."""
        self.now += timedelta(seconds=seconds)

    def count(self, path: str) -> int:
        """Return how many requests had this path."""
        return sum(seen.path == path for seen in self.seen)

    def key(self):
        """Return the present private key."""
        return load_recipient_key(self.key_id, bytes([self.key_id]) * 32, kem_id=KEM_X25519)

    def handle(self, seen: Seen) -> tuple[int, list, Iterator[bytes]]:
        """Answer one outer request."""
        self.seen.append(seen)
        if seen.path == "/oauth2/token":
            return self._token(seen)
        if seen.method == "GET":
            if self.keys_answer is not None:
                return self.keys_answer
            body = encode_key_list([self.key().config])
            headers = [("content-type", "application/ohttp-keys"), ("cache-control", "max-age=300")]
            return 200, headers, iter([body])
        if self.outside:
            return self.outside.pop(0)
        return self._sealed(seen)

    def _token(self, seen: Seen):
        if self.token_answer is not None:
            return self.token_answer
        pair = base64.b64decode(seen.headers["authorization"].removeprefix("Basic ")).decode()
        client_id, secret = map(unquote_plus, pair.split(":"))
        assert (client_id, secret) == ("app:one", SECRET)
        assert parse_qs(seen.body.decode())["grant_type"] == ["client_credentials"]
        self.tokens.append(f"jwt.canary.{len(self.tokens)}")
        document = {
            "access_token": self.tokens[-1],
            "token_type": "Bearer",
            "expires_in": self.lifetime_seconds,
        }
        return 200, [("content-type", "application/json")], iter([json.dumps(document).encode()])

    def _sealed(self, seen: Seen):
        opener = RequestOpener({self.key_id: self.key()}.get, max_body_bytes=1 << 20)
        try:
            request = parse_request(opener.finish(seen.body))
        except UnknownKey:
            return 422, [("content-type", "application/problem+json")], iter([KEY_PROBLEM])
        self.opened.append(request)
        token = dict(request.headers)[b"authorization"].removeprefix(b"Bearer ").decode()
        answer = self.answer
        if token in self.refused_tokens:
            answer = Answer([b'{"error":{"message":"no"}}'], status=401)
        headers = [("content-type", "message/ohttp-chunked-res"), ("incremental", "?1")]
        return 200, headers, self._stream(answer, opener.response_sealer(bytes(range(32))))

    def _stream(self, answer: Answer, sealer) -> Iterator[bytes]:
        encoder = ResponseEncoder(answer.status, answer.headers)
        if answer.is_whole:
            content = b"".join(map(encoder.feed, answer.pieces))
            yield sealer.finish(encoder.head + content + encoder.finish())
            return
        if answer.is_coalesced:
            first, last = map(encoder.feed, answer.pieces)
            yield sealer.feed(encoder.head + first)
            yield sealer.finish(last + encoder.finish())
            return
        yield sealer.feed(encoder.head)
        for piece in answer.pieces:
            self.on_piece(piece)
            yield sealer.feed(encoder.feed(piece))
        if not answer.is_cut:
            yield sealer.finish(encoder.finish())


def mock_transport(library: ModuleType, gateway: FakeGateway):
    """Return a mock transport of *library* that the fake answers, streams included."""

    class Stream(library.SyncByteStream, library.AsyncByteStream):
        def __init__(self, chunks: Iterator[bytes]) -> None:
            self.chunks = chunks

        def __iter__(self):
            yield from self.chunks

        async def __aiter__(self):
            for chunk in self.chunks:
                yield chunk

    def handle(request):
        gateway.extensions.append(request.extensions)
        status, headers, chunks = gateway.handle(
            Seen(
                request.method,
                request.url.raw_path.decode(),
                dict(request.headers.items()),
                request.content,
            )
        )
        return library.Response(status, headers=headers, stream=Stream(chunks))

    return library.MockTransport(handle)


def account(**options) -> Account:
    """Return credentials with every character that encodings get wrong."""
    return Account(
        "https://gateway.example:8443", "app:one", Secret(SECRET), **{"trust_tls": True} | options
    )


@pytest.fixture
def gateway() -> FakeGateway:
    """Return a fresh fake gateway."""
    return FakeGateway()


@pytest.fixture(params=["httpx2", "httpx"])
def library(request) -> ModuleType:
    """Return each HTTP library in turn."""
    return {"httpx2": httpx2, "httpx": httpx}[request.param]


@pytest.fixture
def client(library, gateway):
    """Return a synchronous client of the library in turn, sealed to the fake."""
    module = {httpx2: httpx2_transport, httpx: httpx_transport}[library]
    transport = module.SealgateTransport(
        account(), upstream=mock_transport(library, gateway), now=gateway.clock
    )
    with library.Client(transport=transport) as sealed:
        yield sealed


@pytest.fixture
async def async_client(library, gateway):
    """Return an asynchronous client of the library in turn, sealed to the fake."""
    module = {httpx2: httpx2_transport, httpx: httpx_transport}[library]
    transport = module.AsyncSealgateTransport(
        account(), upstream=mock_transport(library, gateway), now=gateway.clock
    )
    async with library.AsyncClient(transport=transport) as sealed:
        yield sealed
