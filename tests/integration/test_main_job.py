"""The main job over real sockets: sealed, checked, scrubbed, recorded, with the official SDK."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx2
import pytest
from openai import APIConnectionError, APIError, AsyncOpenAI, OpenAI

from loadtests.script import Fault, Hang, Pause, Until, reasoning, tool_arguments, tool_start

HELLO = [{"role": "user", "content": "Who is it?"}]


@pytest.fixture
def openai(world):
    """The official SDK over a sealed transport."""
    with world.gateway.sealed(world.application) as http:
        yield OpenAI(
            base_url=world.gateway.origin + "/v1", api_key="unused", http_client=http, max_retries=0
        )


def streamed(openai, **options):
    chunks = openai.chat.completions.create(model="tiny", messages=HELLO, stream=True, **options)
    return [chunk for chunk in chunks]  # noqa: C416  # a list of what arrived, in order


def test_stream_is_redacted_wherever_it_is_cut(world, openai):
    """Values that straddle events are redacted, and the rest arrives unchanged."""
    world.says("Call ", "138", "00138", "000 or ma", "il anna@exa", "mple.com", " today.")
    content = "".join(c.choices[0].delta.content or "" for c in streamed(openai))
    assert content == "Call [PHONE] or mail [EMAIL] today."


def test_whole_answer_is_redacted(world, openai):
    """The same holds for an answer that is not streamed."""
    world.says("Her card is 4111 1111 1111 1111.")
    answer = openai.chat.completions.create(model="tiny", messages=HELLO)
    assert answer.choices[0].message.content == "Her card is [BANK_CARD]."


def test_completions_are_served(world, openai):
    """The older completions operation passes the same stages."""
    world.says("anna@exam", "ple.com")
    answer = openai.completions.create(model="tiny", prompt="mail: ")
    assert answer.choices[0].text == "[EMAIL]"
    chunks = openai.completions.create(model="tiny", prompt="mail: ", stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == "[EMAIL]"


def test_reasoning_and_tool_arguments_are_redacted(world, openai):
    """The other fields in which a model speaks are scrubbed too, and JSON stays JSON."""
    world.says(
        reasoning("It is anna@exam"), reasoning("ple.com."),
        tool_start("dial"), tool_arguments('{"number": "138001'), tool_arguments('38000"}'),
    )  # fmt: skip
    tools = [{"type": "function", "function": {"name": "dial", "parameters": {"type": "object"}}}]
    chunks = streamed(openai, tools=tools)
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    said = "".join((d.model_extra or {}).get("reasoning") or "" for d in deltas)
    calls = [call for d in deltas for call in d.tool_calls or []]
    assert said == "It is [EMAIL]."
    assert "".join(c.function.arguments or "" for c in calls) == '{"number": "[PHONE]"}'


def test_tokens_arrive_as_they_come(world, openai):
    """A token is not held until the next one, which is made only when it was read."""
    first_read, second_read = threading.Event(), threading.Event()
    world.says("water, ", Until(first_read), "river, ", Until(second_read), "cloud, ")
    stream = openai.chat.completions.create(model="tiny", messages=HELLO, stream=True)
    read = (c.choices[0].delta.content for c in stream if c.choices and c.choices[0].delta.content)
    arrived = [next(read)]
    first_read.set()
    arrived.append(next(read))
    second_read.set()
    assert "".join([*arrived, *read]) == "water, river, cloud, "


async def test_asynchronous_sdk_runs_many_streams(world):
    """Twenty streams at once over one client, each with its own answer."""
    world.says("mail anna@exam", Pause(0.05), "ple.com")
    async with world.gateway.sealed_async(world.application) as http:
        openai = AsyncOpenAI(
            base_url=world.gateway.origin + "/v1", api_key="x", http_client=http, max_retries=0
        )

        async def one() -> str:
            stream = await openai.chat.completions.create(model="tiny", messages=HELLO, stream=True)
            return "".join([c.choices[0].delta.content or "" async for c in stream])

        answers = await asyncio.gather(*(one() for _ in range(20)))
    assert set(answers) == {"mail [EMAIL]"}


def test_model_list_is_what_was_granted(world, openai):
    """A client sees the models it was granted and no others."""
    assert [model.id for model in openai.models.list()] == ["tiny"]


def test_cut_upstream_is_an_error_for_the_sdk(world, openai):
    """A model server that breaks off never looks like a complete answer."""
    with world.breaks_off("half an ans"), pytest.raises((APIError, APIConnectionError)):
        streamed(openai)


def test_error_event_of_vllm_is_replaced(world, openai):
    """vLLM's own error text does not reach the client."""
    world.says("half an ans", Fault())
    with pytest.raises(APIError) as caught:
        streamed(openai)
    assert "EngineCore" not in str(caught.value)


def test_client_that_leaves_stops_the_generation(world, openai):
    """A client that goes away in the middle of a stream frees the model at once."""
    world.says("water, ", "river, ", Hang())
    before = world.upstream_calls()
    stream = openai.chat.completions.create(model="tiny", messages=HELLO, stream=True)
    next(iter(stream))
    stream.response.close()
    [request] = world.vllm.requests[before:]
    deadline = time.monotonic() + 10
    while not request.disconnected.is_set():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_clear_call_needs_permission(world):
    """Without a seal only a marked client is answered; the answer is scrubbed all the same."""
    world.says("anna@example.com")
    body = {"model": "tiny", "messages": HELLO}
    marked = world.gateway.create_client(plaintext_allowed=True)
    with world.gateway.http() as http:
        for account, status in ((world.application, 415), (marked, 200)):
            headers = {"authorization": f"Bearer {world.gateway.token(account)}"}
            answer = http.post("/v1/chat/completions", json=body, headers=headers)
            assert answer.status_code == status
    assert answer.json()["choices"][0]["message"]["content"] == "[EMAIL]"


def test_proxy_that_ends_tls_reads_nothing(world):
    """On the wire below TLS are neither prompt, answer, path, model nor token."""
    seen: list[bytes] = []

    class Tap(httpx2.HTTPTransport):
        def handle_request(self, request):
            response = super().handle_request(request)
            if request.method == "GET" or request.url.path == "/oauth2/token":
                return response
            answer = b"".join(response.stream)
            seen.append(repr((request.url, request.headers.raw)).encode() + request.read() + answer)
            return httpx2.Response(response.status_code, headers=response.headers, content=answer)

    world.says("canary-answer anna@example.com")
    tap = Tap(verify=world.gateway.tls())
    with world.gateway.sealed(world.application) as http:
        http._transport._upstream = tap
        openai = OpenAI(base_url=world.gateway.origin + "/v1", api_key="x", http_client=http)
        said = [{"role": "user", "content": "canary-prompt"}]
        openai.chat.completions.create(model="tiny", messages=said)
    wire = b"".join(seen)
    assert len(wire) > 500
    for word in (b"canary", b"chat/completions", b"tiny", b"Bearer", b"eyJ", b"EMAIL"):
        assert word not in wire
