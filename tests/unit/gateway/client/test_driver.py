"""Whole exchanges through both libraries, synchronous and asynchronous."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.client.driver import ThreadLock, run_without_waiting
from gateway.client.outer import KeysNotSigned
from gateway.core.hpke import KEM_X25519, KEM_XWING
from gateway.core.key_document import encode_pin
from tests.unit.gateway.client.conftest import PIN

URL = "https://gateway.example:8443/v1/chat/completions?canary=1"
ENTRANCE = "/.well-known/ohttp-gateway"
OTHER_PIN = encode_pin(bytes(range(32)))
OLD_DATE = b"Sun, 22 Nov 2020 12:00:00 GMT"
EVENTS = [b"data: 1\n\n", b"data: 2\n\n", b"data: [DONE]\n\n"]
EVENT_STREAM = ((b"content-type", b"text/event-stream; charset=utf-8"),)
HEADERS = {
    "authorization": "Bearer sdk-canary",
    "cookie": "canary=1",
    "x-stainless-lang": "python",
    "idempotency-key": "7",
}


def test_request_and_answer(client, gateway):
    """The gateway gets method, path, headers and body with our token; the client its answer."""
    response = client.post(URL, json={"prompt": "canary"}, headers=HEADERS)
    assert (response.status_code, response.json()) == (200, {"ok": True})
    (request,) = gateway.opened
    headers = dict(request.headers)
    assert (request.method, request.path) == (b"POST", b"/v1/chat/completions?canary=1")
    assert request.host == b"gateway.example:8443"
    assert headers[b"authorization"] == b"Bearer jwt.canary.0"
    assert headers[b"date"] == b"Sun, 22 Nov 2026 12:00:00 GMT"
    assert headers[b"idempotency-key"] == b"7"
    assert not {b"cookie", b"accept-encoding", b"connection", b"host"} & set(headers)
    assert b"canary" in request.body


def test_nothing_secret_outside(client, gateway):
    """A middlebox sees no token, path, cookie, SDK header, prompt or answer, and a rounded size."""
    client.post(URL, json={"prompt": "canary"}, headers=HEADERS)
    keys, token, sealed = gateway.seen
    assert (keys.method, token.path, sealed.path) == ("GET", "/oauth2/token", ENTRANCE)
    for seen in (keys, sealed):
        assert set(seen.headers) <= {
            "host",
            "content-type",
            "content-length",
            "accept",
            "cache-control",
            "incremental",
        }
        assert b"canary" not in repr(seen).encode()
    assert sealed.headers["content-type"] == "message/ohttp-chunked-req"
    assert sealed.headers["incremental"] == "?1"
    assert len(sealed.body) == 1024 + 7 + 32 + 1 + 16


async def test_asynchronous_twin(async_client, gateway):
    """The asynchronous transport does the same."""
    response = await async_client.get(URL, headers=HEADERS)
    assert (response.status_code, response.json()) == (200, {"ok": True})
    assert gateway.opened[0].method == b"GET"


def test_stream_arrives_piece_by_piece(client, gateway):
    """Each piece can be read before the gateway has made the next one."""
    made = []
    gateway.on_piece = made.append
    gateway.answer.pieces = EVENTS
    with client.stream("POST", URL) as response:
        for number, piece in enumerate(response.iter_raw(), start=1):
            assert piece == EVENTS[number - 1]
            assert made == EVENTS[:number]
    assert made == EVENTS


async def test_asynchronous_stream(async_client, gateway):
    """The asynchronous stream has the same pieces."""
    gateway.answer.pieces = EVENTS
    async with async_client.stream("POST", URL) as response:
        assert [piece async for piece in response.aiter_raw()] == EVENTS


def test_whole_answer_in_one_chunk(client, gateway):
    """An answer that fits into the final chunk is opened too."""
    gateway.answer.is_whole = True
    assert client.get(URL).json() == {"ok": True}


def test_coalesced_chunks(client, gateway):
    """Content beside the head and content beside the end are given out."""
    gateway.answer.pieces, gateway.answer.is_coalesced = EVENTS[:2], True
    with client.stream("POST", URL) as response:
        assert list(response.iter_raw()) == EVENTS[:2]


async def test_asynchronous_coalesced_chunks(async_client, gateway):
    """The asynchronous transport gives the same out."""
    gateway.answer.pieces, gateway.answer.is_coalesced = EVENTS[:2], True
    async with async_client.stream("POST", URL) as response:
        assert [piece async for piece in response.aiter_raw()] == EVENTS[:2]


def test_cut_stream(client, library, gateway):
    """A stream without its final chunk is an error in the place of [DONE]."""
    gateway.answer.pieces, gateway.answer.is_cut = EVENTS, True
    gateway.answer.headers = EVENT_STREAM
    with client.stream("POST", URL) as response:
        pieces = response.iter_raw()
        assert [next(pieces), next(pieces)] == EVENTS[:2]
        with pytest.raises(library.RemoteProtocolError, match="cut short"):
            next(pieces)


async def test_asynchronous_cut_stream(async_client, library, gateway):
    """The asynchronous transport notices the same cut."""
    gateway.answer.pieces, gateway.answer.is_cut = EVENTS, True
    with pytest.raises(library.RemoteProtocolError, match="cut short"):
        await async_client.get(URL)


def test_cut_before_the_head(client, library, gateway):
    """An answer that ends before its head is an error, not an empty answer."""
    sealed = [("content-type", "message/ohttp-chunked-res")]
    for chunks in ([], [b"x" * 20], [bytes(32) + b"\x11" + bytes(17)]):
        gateway.outside.append((200, sealed, iter(chunks)))
        with pytest.raises(library.RemoteProtocolError):
            client.get(URL)


def test_key_change(client, gateway):
    """After a key change the keys are fetched again and the request is sealed afresh, once."""
    client.get(URL)
    gateway.key_id = 2
    assert client.get(URL).status_code == 200
    assert [gateway.count(ENTRANCE), len(gateway.tokens)] == [2 + 3, 1]
    first, second = (seen.body for seen in gateway.seen[-3::2])
    assert (first[0], second[0]) == (1, 2)
    assert first[7:39] != second[7:39]


def test_key_that_stays_unknown(client, gateway):
    """A key that the gateway refuses twice ends in a refusal that an SDK may retry later."""
    problem = b'{"type":"https://iana.org/assignments/http-problem-types#ohttp-key"}'
    headers = [("content-type", "application/problem+json; charset=utf-8")]
    gateway.outside += [(422, headers, iter([problem])) for _ in range(2)]
    response = client.get(URL)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "key_unknown")


@pytest.mark.parametrize(
    ("status", "content_type", "shown"),
    [
        (500, "text/plain", 500),
        (422, "application/json", 422),
        (422, "application/problem+json", 422),
        (429, "text/plain", 429),
        (200, "text/event-stream", 502),
        (302, "text/html", 502),
    ],
)
def test_refusal_outside(client, gateway, status, content_type, shown):
    """What is not sealed never reaches the application as content, only its status does."""
    headers = [("content-type", content_type), ("retry-after", "7"), ("set-cookie", "a=1")]
    gateway.outside.append((status, headers, iter([b"data: MODEL OUTPUT\n\n"])))
    response = client.get(URL)
    assert response.status_code == shown
    assert "MODEL" not in response.text
    assert response.json()["error"]["code"] == "refused_outside"
    assert response.headers["retry-after"] == "7"
    assert "set-cookie" not in response.headers


def test_compressed_outside(client, gateway):
    """A sealed answer that something on the way compressed is refused."""
    headers = [("content-type", "message/ohttp-chunked-res"), ("content-encoding", "gzip")]
    gateway.outside.append((200, headers, iter([b"x"])))
    assert client.get(URL).status_code == 502


def test_token_renewal(client, gateway):
    """A token is used until 10 % of its life remain, and then renewed before it ends."""
    client.get(URL)
    gateway.pass_time(3239)
    client.get(URL)
    assert len(gateway.tokens) == 1
    gateway.pass_time(1)
    client.get(URL)
    assert len(gateway.tokens) == 2


def test_renewal_that_fails(client, gateway):
    """While the old token lives, a failed renewal goes unnoticed and is tried again later."""
    client.get(URL)
    gateway.pass_time(3300)
    gateway.token_answer = (500, [], iter([b""]))
    assert client.get(URL).status_code == 200
    gateway.token_answer = None
    gateway.breaks = {"/oauth2/token"}
    gateway.pass_time(15)
    assert client.get(URL).status_code == 200
    fetches = gateway.count("/oauth2/token")
    assert client.get(URL).status_code == 200
    assert gateway.count("/oauth2/token") == fetches == 3
    gateway.breaks = set()
    gateway.pass_time(15)
    client.get(URL)
    assert len(gateway.tokens) == 2


async def test_renewal_that_fails_too_late(async_client, library, gateway):
    """Once the old token is over, the failure is the application's to see."""
    await async_client.get(URL)
    gateway.pass_time(3600)
    gateway.breaks = {"/oauth2/token"}
    with pytest.raises(library.ConnectError):
        await async_client.get(URL)


@pytest.mark.parametrize("ahead", [-86400, 7200])
def test_clock_that_is_off(client, gateway, ahead):
    """The gateway's time is taken over once, sealed afresh, and kept for later requests."""
    gateway.ahead_seconds = ahead
    assert [client.get(URL).json() for _ in range(3)] == [{"ok": True}] * 3
    assert (len(gateway.date_refusals), len(gateway.opened)) == (1, 4)
    enclosed = [seen.body[7:39] for seen in gateway.seen if seen.body and seen.path == ENTRANCE]
    assert len(set(enclosed)) == len(enclosed) == 4


async def test_clock_that_stays_off(async_client, gateway):
    """A second refusal of the date is given to the application, with its content."""
    gateway.ahead_seconds = 7200
    judge = gateway._judge_date
    gateway._judge_date = lambda _, answer: judge(OLD_DATE, answer)
    response = await async_client.get(URL)
    assert (response.status_code, len(gateway.date_refusals)) == (400, 2)
    assert response.json()["type"].endswith("#date")


@pytest.mark.parametrize("body", [b'{"error":{"message":"no"}}', b"x" * 100_000])
def test_other_refusal_with_400(client, gateway, body):
    """Any other 400 reaches the application whole and at once."""
    gateway.answer.status = 400
    gateway.answer.pieces = [body[:70_000], body[70_000:]]
    response = client.get(URL)
    assert (response.status_code, response.content, len(gateway.opened)) == (400, body, 1)


def test_xwing_is_preferred(client, gateway):
    """Where the gateway offers both, the mechanism that resists quantum computers is used."""
    gateway.kem_ids = (KEM_X25519, KEM_XWING)
    assert client.get(URL).status_code == 200
    assert gateway.seen[-1].body[1:3] == KEM_XWING.to_bytes(2, "big")


@pytest.mark.parametrize("options", [{"entrance": "same-path"}])
def test_same_path(client, gateway):
    """In this mode the path and method outside are those inside; the rest stays sealed."""
    assert client.post(URL, json={"prompt": "canary"}).json() == {"ok": True}
    sealed = gateway.seen[-1]
    assert (sealed.method, sealed.path) == ("POST", "/v1/chat/completions?canary=1")
    assert sealed.headers["content-type"] == "message/ohttp-chunked-req"
    assert b"canary" not in sealed.body
    gateway.key_id = 9
    body = b'{"error":{"code":"unknown_key"}}'
    gateway.outside.append((422, [("content-type", "application/json")], iter([body])))
    assert client.get(URL).status_code == 200


class Prover:
    """A proof that names what it was given."""

    def __init__(self, *extra) -> None:
        self.extra = extra

    def inner_headers(self, request, *, token, now):
        proven = f"{request.method.decode()} {token.reveal()} {now:%H:%M}".encode()
        return ((b"dpop", proven), *self.extra)


@pytest.mark.parametrize("options", [{"proof": Prover()}])
def test_proof_of_possession(client, gateway):
    """A proof is asked for each attempt and travels inside beside the token."""
    client.get(URL)
    headers = dict(gateway.opened[0].headers)
    assert headers[b"dpop"] == b"GET jwt.canary.0 12:00"
    assert headers[b"authorization"] == b"Bearer jwt.canary.0"


@pytest.mark.parametrize("options", [{"proof": Prover((b"authorization", b"Bearer mine"))}])
def test_proof_with_its_own_scheme(client, gateway):
    """A proof may bring its own authorization, which then is the only one."""
    client.get(URL)
    values = [value for name, value in gateway.opened[0].headers if name == b"authorization"]
    assert values == [b"Bearer mine"]


@pytest.mark.parametrize("options", [{"pin": PIN, "trust_tls": False}])
def test_pinned(client, gateway):
    """With a pin, keys come from the signed document and the unsigned list is never asked for."""
    gateway.kem_ids = (KEM_X25519, KEM_XWING)
    assert client.get(URL).status_code == 200
    assert [seen.path for seen in gateway.seen] == ["/encryption/keys", "/oauth2/token", ENTRANCE]
    gateway.key_id, gateway.seq = 5, 2
    assert client.get(URL).status_code == 200
    assert gateway.count("/encryption/keys") == 2


@pytest.mark.parametrize("options", [{"pin": OTHER_PIN, "trust_tls": False}])
async def test_wrong_pin(async_client, gateway):
    """Keys that another key signed raise, and neither a token nor a request is sent."""
    with pytest.raises(KeysNotSigned, match="pinned key"):
        await async_client.post(URL, content=b"canary")
    assert [seen.path for seen in gateway.seen] == ["/encryption/keys"]


def test_refused_token(client, gateway):
    """A token that the gateway refuses is replaced once, within the same request."""
    gateway.refused_tokens = {"jwt.canary.0"}
    assert client.get(URL).status_code == 200
    assert gateway.tokens == ["jwt.canary.0", "jwt.canary.1"]


async def test_token_refused_for_good(async_client, gateway):
    """A second refusal is given to the application instead of trying on."""
    gateway.refused_tokens = {"jwt.canary.0", "jwt.canary.1", "jwt.canary.2"}
    response = await async_client.get(URL)
    assert (response.status_code, len(gateway.tokens)) == (401, 2)


def test_refused_credentials(client, gateway):
    """Wrong client credentials are an authentication error, and the sealed entrance is not used."""
    headers = [("content-type", "application/json")]
    gateway.token_answer = (401, headers, iter([b'{"error":"invalid_client"}']))
    response = client.get(URL)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_client")
    assert gateway.opened == []


async def test_keys_not_available(async_client, gateway):
    """Without keys nothing is sent, least of all in the clear."""
    gateway.keys_answer = (500, [], iter([b"x" * 100_000]))
    response = await async_client.post(URL, content=b"canary")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "keys_unavailable")
    assert len(gateway.seen) == 1


def test_threads_share_one_fetch(client, gateway):
    """Threads that start together fetch keys and token once."""
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: client.get(URL).status_code, range(16)))
    assert statuses == [200] * 16
    assert [len(gateway.tokens), gateway.count(ENTRANCE)] == [1, 1 + 16]


async def test_tasks_share_one_fetch(async_client, gateway):
    """Tasks that start together fetch keys and token once."""
    responses = await asyncio.gather(*(async_client.get(URL) for _ in range(8)))
    assert {response.status_code for response in responses} == {200}
    assert [len(gateway.tokens), gateway.count(ENTRANCE)] == [1, 1 + 8]


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/v1/models", "http://gateway.example:8443/v1/models"]
)
def test_other_origin(client, library, gateway, url):
    """A request to any other origin is refused before anything is sent."""
    with pytest.raises(library.UnsupportedProtocol):
        client.get(url)
    assert gateway.seen == []


async def test_request_that_cannot_be_sealed(async_client, library, gateway):
    """A request that the gateway would refuse as malformed is refused here."""
    with pytest.raises(library.LocalProtocolError):
        await async_client.get(URL, headers=[("content-type", "a"), ("content-type", "b")])
    assert gateway.opened == []


def test_timeouts_reach_the_connection(client, gateway):
    """The application's timeouts hold for the outer requests, and nothing else of it goes there."""
    client.get(URL, timeout=7, extensions={"sni_hostname": "canary"})
    assert {tuple(extensions) for extensions in gateway.extensions} == {("timeout",)}
    client.get(URL, timeout=None)
    assert gateway.extensions[-1]["timeout"]["read"] is None
    gateway.pass_time(86400)
    client.get(URL, timeout=None)
    assert [e["timeout"]["read"] for e in gateway.extensions[-3:]] == [30, 30, None]
    client.get(URL, timeout=7)
    assert gateway.extensions[-1]["timeout"]["read"] == 7


def test_wrong_kind_of_upstream_stream(client, library, gateway):
    """An upstream transport of the wrong kind is a programming error, reported as one."""
    transport = client._transport
    transport._upstream = library.MockTransport(lambda _: library.Response(200, stream=object()))
    with pytest.raises(TypeError, match="stream"):
        client.get(URL)


async def test_wrong_kind_of_asynchronous_upstream_stream(async_client, library):
    """The asynchronous transport reports the same programming error."""
    transport = async_client._transport
    transport._upstream = library.MockTransport(lambda _: library.Response(200, stream=object()))
    with pytest.raises(TypeError, match="stream"):
        await async_client.get(URL)


def test_run_without_waiting():
    """A coroutine that would wait is stopped with an error instead of being dropped."""

    async def at_once():
        return 5

    assert run_without_waiting(at_once()) == 5
    with pytest.raises(RuntimeError, match="wait"):
        run_without_waiting(asyncio.sleep(0))


def test_thread_lock():
    """The lock lets one thread in at a time and is free again after an error."""
    lock, inside, most = ThreadLock(), [], []

    async def enter():
        async with lock:
            inside.append(threading.get_ident())
            most.append(len(inside))
            inside.pop()
            raise ValueError("inside")

    def run(_):
        with pytest.raises(ValueError, match="inside"):
            run_without_waiting(enter())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(50)))
    assert set(most) == {1}
