"""The openai package over the sealed transport, and the ready-made clients."""

import json

import httpx2
import openai
import pytest

from gateway.client import httpx2_transport, httpx_transport

BASE = "https://gateway.example:8443/v1"
QUESTION = {"model": "m", "messages": [{"role": "user", "content": "canary"}]}


def event(text: str) -> bytes:
    """Return one streamed completion event."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    document = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    }
    return b"data: " + json.dumps(document).encode() + b"\n\n"


EVENTS = [event("Hel"), event("lo"), b"data: [DONE]\n\n"]
EVENT_STREAM = ((b"content-type", b"text/event-stream"),)
WHOLE = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}
    ],
}


@pytest.fixture
def library():
    """Use httpx2 alone, as the openai package does."""
    return httpx2


@pytest.fixture
def sdk(client):
    """Return the synchronous SDK over the sealed transport, without retries of its own."""
    with openai.OpenAI(base_url=BASE, api_key="sdk", http_client=client, max_retries=0) as made:
        yield made


@pytest.fixture
async def async_sdk(async_client):
    """Return the asynchronous SDK over the sealed transport."""
    async with openai.AsyncOpenAI(
        base_url=BASE, api_key="sdk", http_client=async_client, max_retries=0
    ) as made:
        yield made


def test_sdk_completion(sdk, gateway):
    """A completion goes out and comes back sealed; no header of the SDK is seen outside."""
    gateway.answer.pieces = [json.dumps(WHOLE).encode()]
    completion = sdk.chat.completions.create(**QUESTION)
    assert completion.choices[0].message.content == "Hello"
    headers = dict(gateway.opened[0].headers)
    assert headers[b"authorization"] == b"Bearer jwt.canary.0"
    assert b"x-stainless-lang" in headers
    outside = gateway.seen[-1]
    assert not [
        name for name in outside.headers if name.startswith(("x-stainless", "auth", "user"))
    ]
    assert b"canary" not in outside.body


def test_sdk_stream(sdk, gateway):
    """A streamed completion arrives event by event."""
    gateway.answer.pieces, gateway.answer.headers = EVENTS, EVENT_STREAM
    stream = sdk.chat.completions.create(**QUESTION, stream=True)
    assert [chunk.choices[0].delta.content for chunk in stream] == ["Hel", "lo"]


async def test_asynchronous_sdk_stream(async_sdk, gateway):
    """The asynchronous SDK streams as well."""
    gateway.answer.pieces, gateway.answer.headers = EVENTS, EVENT_STREAM
    stream = await async_sdk.chat.completions.create(**QUESTION, stream=True)
    assert [chunk.choices[0].delta.content async for chunk in stream] == ["Hel", "lo"]


def test_sdk_cut_stream(sdk, gateway):
    """A stream that is cut between events raises in the application's loop."""
    gateway.answer.pieces, gateway.answer.headers = EVENTS[:2], EVENT_STREAM
    gateway.answer.is_cut = True
    stream = sdk.chat.completions.create(**QUESTION, stream=True)
    with pytest.raises((httpx2.RemoteProtocolError, openai.APIConnectionError)):
        list(stream)


async def test_asynchronous_sdk_cut_stream(async_sdk, gateway):
    """The asynchronous SDK raises as well when all but the end has arrived, [DONE] included."""
    gateway.answer.pieces, gateway.answer.headers = EVENTS, EVENT_STREAM
    gateway.answer.is_cut = True
    stream = await async_sdk.chat.completions.create(**QUESTION, stream=True)
    with pytest.raises((httpx2.RemoteProtocolError, openai.APIConnectionError)):
        [chunk async for chunk in stream]


def test_sdk_errors(sdk, gateway):
    """Refusals inside and outside become the SDK's own exceptions."""
    gateway.answer.status = 404
    with pytest.raises(openai.NotFoundError):
        sdk.models.list()
    gateway.outside.append((429, [], iter([b"MODEL OUTPUT"])))
    with pytest.raises(openai.RateLimitError) as caught:
        sdk.models.list()
    assert "MODEL" not in str(caught.value)
    gateway.pass_time(3600)
    headers = [("content-type", "application/json")]
    gateway.token_answer = (401, headers, iter([b'{"error":"invalid_client"}']))
    with pytest.raises(openai.AuthenticationError, match="client credentials"):
        sdk.models.list()


@pytest.mark.parametrize("module", [httpx2_transport, httpx_transport])
async def test_ready_made_clients(module):
    """The ready-made clients seal to their gateway and refuse a clear-text origin."""
    credentials = {"client_id": "a", "client_secret": "b", "trust_tls": True}
    with module.sealed_client("https://gateway.example", **credentials) as client:
        assert isinstance(client._transport, module.SealgateTransport)
    async with module.sealed_async_client("https://gateway.example", **credentials) as client:
        assert isinstance(client._transport, module.AsyncSealgateTransport)
    with pytest.raises(ValueError, match="https"):
        module.sealed_client("http://gateway.example", **credentials)
