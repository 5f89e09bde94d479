"""Through a proxy that ends TLS: streams flow, nothing is readable, the path may be shown.

The proxy listens on another loopback address at the gateway's own port, since the gateway answers
to the names of ``[listen]`` with that port only.
"""

from __future__ import annotations

import json
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import httpx2
import pytest
from openai import APIConnectionError, APIError, OpenAI

from gateway.client.httpx2_transport import sealed_client
from gateway.core import bhttp
from gateway.core.bhttp_response import Response, parse_response
from gateway.core.ohttp import REQUEST_MEDIA_TYPE, RequestSealer
from gateway.core.ohttp_keys import parse_key_list
from loadtests.script import Pause, Until
from tests.interop.conftest import PROXY_ADDRESS
from tests.interop.proxies import PROXIES, Site
from tests.interop.test_node_client import KEMS, client_of

CHAT = "/v1/chat/completions"
GATEWAYS_TYPE = "application/json"  # neither proxy answers with it by itself
HELLO = [{"role": "user", "content": "canary-prompt"}]
ENTRANCES = pytest.mark.parametrize("entrance", ["well-known", "same-path"])


@pytest.fixture(scope="module", params=PROXIES)
def site(request, world) -> Iterator[Site]:
    """Start one proxy in front of the gateway."""
    with tempfile.TemporaryDirectory(prefix="sealgate-proxy-") as folder:
        site = Site(Path(folder), PROXY_ADDRESS, world.gateway.port, world.gateway.ca_file)
        site.write_certificate()
        process = PROXIES[request.param](site)
        try:
            process.wait_until(site.is_up, seconds=30)
            yield site
        finally:
            process.stop()


@pytest.fixture
def sealed(world, site, pin, entrance) -> Iterator[httpx2.Client]:
    """Our client library, which knows the proxy's address and pins the gateway's key."""
    with sealed_client(
        site.origin,
        client_id=world.application.client_id,
        client_secret=world.application.client_secret,
        ca_file=site.ca_file,
        pin=pin,
        entrance=entrance,
    ) as http:
        yield http


@pytest.fixture
def openai(site, sealed) -> OpenAI:
    """The official SDK over it."""
    return OpenAI(base_url=site.origin + "/v1", api_key="unused", http_client=sealed, max_retries=0)


def streamed(openai, said=HELLO):
    chunks = openai.chat.completions.create(model="tiny", messages=said, stream=True)
    for chunk in chunks:
        if chunk.choices and chunk.choices[0].delta.content:
            yield chunk.choices[0].delta.content


@ENTRANCES
def test_tokens_arrive_one_by_one(world, openai):
    """No proxy collects the stream: a token arrives, scrubbed, before the next one is made."""
    first_read, second_read = threading.Event(), threading.Event()
    world.says(
        "water, ", Until(first_read), "river, ", Until(second_read), "anna@example.com ", "grass"
    )
    read = streamed(openai)
    arrived = [next(read)]
    first_read.set()
    arrived.append(next(read))
    second_read.set()
    assert "".join([*arrived, *read]) == "water, river, [EMAIL] grass"


@ENTRANCES
def test_long_prompt_passes(world, openai):
    """A prompt that is larger than any of the proxy's buffers arrives whole."""
    world.says("fine")
    before = world.upstream_calls()
    said = [{"role": "user", "content": "long " * 60_000}]
    assert "".join(streamed(openai, said)) == "fine"
    assert json.loads(world.vllm.requests[before].body)["messages"] == said


@ENTRANCES
def test_other_operations_pass(world, openai):
    """The list of models, a GET, and an answer in one piece pass too."""
    world.says("fine")
    assert [model.id for model in openai.models.list()] == ["tiny"]
    answer = openai.chat.completions.create(model="tiny", messages=HELLO)
    assert answer.choices[0].message.content == "fine"


@ENTRANCES
def test_cut_stream_is_an_error(world, openai):
    """A stream that breaks off behind the proxy does not end in silence before it."""
    with world.breaks_off("half an ans"), pytest.raises((APIError, APIConnectionError)):
        list(streamed(openai))


@ENTRANCES
def test_proxy_reads_nothing(world, site, sealed, openai, entrance):
    """Neither prompt, answer, model nor token is in what the proxy can log or passes on."""
    passed: list[bytes] = []

    class Tap(httpx2.HTTPTransport):
        def handle_request(self, request):
            response = super().handle_request(request)
            answer = b"".join(response.stream)
            passed.append(repr(request.headers.raw).encode() + request.read() + answer)
            return httpx2.Response(response.status_code, headers=response.headers, content=answer)

    list(openai.models.list())  # the token is fetched now; its request is not sealed by design
    wait_for(site, b"Basic ")  # what is not sealed can be seen
    site.forget()
    world.says("canary-answer")
    path = CHAT if entrance == "same-path" else "/.well-known/ohttp-gateway"
    with Tap(verify=ssl.create_default_context(cafile=site.ca_file)) as tap:
        sealed._transport._upstream.close()
        sealed._transport._upstream = tap
        answer = openai.chat.completions.create(model="tiny", messages=HELLO)
        assert answer.choices[0].message.content == "canary-answer"
        logged = wait_for(site, path.encode())
    wire = b"".join(passed)
    assert len(wire) > 1500
    assert b"message/ohttp-chunked-res" in logged
    for word in (b"canary", b'"model"', b"tiny", b"chatcmpl", b"earer", b"eyJ", b"ompletion"):
        assert word not in wire
        assert word not in logged.replace(path.encode(), b"")
    assert path.encode() in logged


def wait_for(site, word: bytes) -> bytes:
    """Return what the proxy wrote once *word* is in it; proxies write when an exchange is over."""
    deadline = time.monotonic() + 30
    while word not in (seen := site.seen()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)
    return seen


def test_routing_by_path(site, request):
    """A path that the site did not list is the proxy's own 404 and never reaches the gateway."""
    is_passed_on = "as it comes" in request.node.name  # this one lists none and passes all on
    with plain(site) as http:
        answer = http.post("/v1/load_lora_adapter", content=b"x")
        assert answer.status_code == 404
        assert (answer.headers.get("content-type") == GATEWAYS_TYPE) == is_passed_on
        assert http.post(CHAT, content=b"x").headers["content-type"] == GATEWAYS_TYPE


def plain(site) -> httpx2.Client:
    tls = ssl.create_default_context(cafile=site.ca_file)
    return httpx2.Client(base_url=site.origin, verify=tls, timeout=30)


@pytest.mark.parametrize(
    ("outer", "status"),
    [("none", 200), ("same", 200), ("other", 400), ("none on another path", 400)],
)
def test_outer_token_and_path_are_those_inside(world, site, outer, status):
    """What a proxy could have decided by must be what is sealed; otherwise 400, sealed."""
    world.says("fine")
    token, other = world.gateway.token(world.application), world.gateway.token(world.application)
    authorization = {"same": token, "other": other}.get(outer)
    path = "/v1/completions" if "another path" in outer else CHAT
    calls = world.upstream_calls()
    answer = by_hand(site, token, path=path, authorization=authorization)
    assert answer.status == status
    assert world.upstream_calls() - calls == (status == 200)


def by_hand(site, token, *, path, authorization) -> Response:
    """Post a sealed chat request to *path* with this outer token."""
    request = bhttp.Request(
        method=b"POST",
        path=CHAT.encode(),
        authority=f"{site.address}:{site.port}".encode(),
        headers=(
            (b"authorization", f"Bearer {token}".encode()),
            (b"content-type", b"application/json"),
            (b"date", formatdate(usegmt=True).encode()),
        ),
        body=json.dumps({"model": "tiny", "messages": HELLO}).encode(),
    )
    headers = {"content-type": REQUEST_MEDIA_TYPE}
    if authorization:
        headers["authorization"] = f"Bearer {authorization}"
    with plain(site) as http:
        keys = http.get("/.well-known/ohttp-gateway").raise_for_status().content
        sealer = RequestSealer(parse_key_list(keys)[0])
        sealed = sealer.finish(bhttp.encode_request(request))
        answer = http.post(path, content=sealed, headers=headers).raise_for_status()
    opener = sealer.response_opener()
    return parse_response(opener.feed(answer.content) + opener.finish())


@KEMS
def test_javascript_client_streams_too(world, site, node, pin, kem):
    """The client from npm packages streams through the proxy as it does without one."""
    world.says("water, ", Pause(0.8), "river")
    client = client_of(world, kem, origin=site.origin, trustTls=False, pin=pin)
    answer = node("chat", ca_file=site.ca_file, client=client, stream=True)
    assert "error" not in answer
    at = [
        next(ms for ms, text in answer["pieces"] if word in text) for word in ('"water', '"river')
    ]
    assert at[1] - at[0] > 200
