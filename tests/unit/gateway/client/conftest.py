"""A gateway in the same process, made of the core alone, behind both libraries' mock transports."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from types import ModuleType
from urllib.parse import parse_qs, unquote_plus

import httpx
import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.client import httpx2_transport, httpx_transport
from gateway.client.account import Account
from gateway.core.bhttp import Request, parse_request
from gateway.core.bhttp_response import ResponseEncoder
from gateway.core.errors import UnknownKey
from gateway.core.hpke import KEM_X25519
from gateway.core.key_document import (
    DocumentKey,
    DocumentKeyStatus,
    KeyDocument,
    encode_pin,
    sign_key_document,
)
from gateway.core.ohttp import RequestOpener
from gateway.core.ohttp_keys import encode_key_config, encode_key_list, load_recipient_key
from gateway.core.secret import Secret

DATE_PROBLEM = {"type": "https://iana.org/assignments/http-problem-types#date"}
DOCUMENT_KEY = Ed25519PrivateKey.from_private_bytes(b"d" * 32)
PIN = encode_pin(DOCUMENT_KEY.public_key().public_bytes_raw())
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
    kem_ids: tuple[int, ...] = (KEM_X25519,)
    seq: int = 1
    ahead_seconds: float | None = None
    date_refusals: list[bytes] = field(default_factory=list)
    breaks: set[str] = field(default_factory=set)

    def clock(self) -> datetime:
        """Return the time that the test has set."""
        return self.now

    def pass_time(self, seconds: float) -> None:
        """Move the clock."""
        self.now += timedelta(seconds=seconds)

    def count(self, path: str) -> int:
        """Return how many requests had this path."""
        return sum(seen.path == path for seen in self.seen)

    def keys(self) -> dict:
        """Return the present private keys by identifier: one for each mechanism, from key_id on."""
        numbered = enumerate(self.kem_ids, start=self.key_id)
        return {n: load_recipient_key(n, bytes([n]) * 32, kem_id=kem) for n, kem in numbered}

    def handle(self, seen: Seen) -> tuple[int, list, Iterator[bytes]]:
        """Answer one outer request."""
        self.seen.append(seen)
        if seen.path == "/oauth2/token":
            return self._token(seen)
        if seen.path in self.breaks:
            raise ConnectionError
        if seen.headers.get("content-type") != "message/ohttp-chunked-req":
            if self.keys_answer is not None:
                return self.keys_answer
            configs = [key.config for key in self.keys().values()]
            if seen.path == "/encryption/keys":
                document = sign_document(configs, now=self.now, seq=self.seq)
                return 200, [("content-type", "application/jose+json")], iter([document])
            body = encode_key_list(configs)
            headers = [("content-type", "application/ohttp-keys"), ("cache-control", "max-age=300")]
            return 200, headers, iter([body])
        if self.outside:
            return self.outside.pop(0)
        return self._sealed(seen)

    def _token(self, seen: Seen):
        if "/oauth2/token" in self.breaks:
            raise ConnectionError
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
        opener = RequestOpener(self.keys().get, max_body_bytes=1 << 20)
        try:
            request = parse_request(opener.finish(seen.body))
        except UnknownKey:
            return 422, [("content-type", "application/problem+json")], iter([KEY_PROBLEM])
        self.opened.append(request)
        token = dict(request.headers)[b"authorization"].removeprefix(b"Bearer ").decode()
        answer = self.answer
        if token in self.refused_tokens:
            answer = Answer([b'{"error":{"message":"no"}}'], status=401)
        date = dict(request.headers)[b"date"]
        if self.ahead_seconds is not None:
            answer = self._judge_date(date, answer)
        headers = [("content-type", "message/ohttp-chunked-res"), ("incremental", "?1")]
        return 200, headers, self._stream(answer, opener.response_sealer(bytes(range(32))))

    def _judge_date(self, date: bytes, answer: Answer) -> Answer:
        gateway_now = self.now + timedelta(seconds=self.ahead_seconds)
        if abs((parsedate_to_datetime(date.decode()) - gateway_now).total_seconds()) <= 120:
            return answer
        self.date_refusals.append(date)
        now = format_datetime(gateway_now, usegmt=True).encode()
        headers = ((b"content-type", b"application/problem+json"), (b"date", now))
        return Answer([json.dumps(DATE_PROBLEM).encode()], status=400, headers=headers)

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
        seen = Seen(
            request.method,
            request.url.raw_path.decode(),
            dict(request.headers.items()),
            request.content,
        )
        try:
            status, headers, chunks = gateway.handle(seen)
        except ConnectionError:
            raise library.ConnectError("refused") from None
        return library.Response(status, headers=headers, stream=Stream(chunks))

    return library.MockTransport(handle)


def sign_document(configs, *, now: datetime, seq: int = 1, key=DOCUMENT_KEY) -> bytes:
    """Return a signed document that offers *configs* in this order."""
    keys = []
    for preference, config in enumerate(configs, start=1):
        encoded = encode_key_config(config)
        kid = base64.urlsafe_b64encode(sha256(encoded).digest()).rstrip(b"=").decode()
        keys.append(
            DocumentKey(
                kid,
                config.key_id,
                config.kem_id,
                DocumentKeyStatus.ACTIVE,
                preference=preference,
                config=encoded,
            )
        )
    hour = timedelta(hours=1)
    document = KeyDocument("https://gateway.example", seq, now, now + hour, tuple(keys))
    return sign_key_document(document, key)


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
def options() -> dict:
    """Return what the account takes beside its credentials; tests parametrize it."""
    return {}


@pytest.fixture
def client(library, gateway, options):
    """Return a synchronous client of the library in turn, sealed to the fake."""
    module = {httpx2: httpx2_transport, httpx: httpx_transport}[library]
    transport = module.SealgateTransport(
        account(**options), upstream=mock_transport(library, gateway), now=gateway.clock
    )
    with library.Client(transport=transport) as sealed:
        yield sealed


@pytest.fixture
async def async_client(library, gateway, options):
    """Return an asynchronous client of the library in turn, sealed to the fake."""
    module = {httpx2: httpx2_transport, httpx: httpx_transport}[library]
    transport = module.AsyncSealgateTransport(
        account(**options), upstream=mock_transport(library, gateway), now=gateway.clock
    )
    async with library.AsyncClient(transport=transport) as sealed:
        yield sealed
