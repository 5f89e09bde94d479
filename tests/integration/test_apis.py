"""Every API over real sockets, sealed, with the official SDKs of those who made them."""

from __future__ import annotations

import json

import anthropic
import orjson
import pytest
from openai import APIError, BadRequestError, NotFoundError, OpenAI

from loadtests.script import Raw, Refusal, Script
from tests.fakes.streams import (
    block,
    item,
    message,
    message_events,
    named,
    response,
    response_events,
)

HELLO = [{"role": "user", "content": "Who is it?"}]
PIECES = ["Call 138", "00138", "000 or mail ann@exa", "mple.com today."]
SAID = "Call [PHONE] or mail [EMAIL] today."


@pytest.fixture
def openai(world):
    """OpenAI's SDK over a sealed transport."""
    with world.gateway.sealed(world.application) as http:
        yield OpenAI(
            base_url=world.gateway.origin + "/v1", api_key="unused", http_client=http, max_retries=0
        )


@pytest.fixture
def claude(world):
    """Anthropic's SDK over a sealed transport."""
    with world.gateway.sealed(world.application) as http:
        yield anthropic.Anthropic(
            base_url=world.gateway.origin, api_key="unused", http_client=http, max_retries=0
        )


def streams(world, *events):
    """Let the model server send these events from now on."""
    world.says(Raw(named(*events)))


def answers(world, body):
    """Let the model server answer with this body from now on."""
    world.vllm.script = Script(whole_body=orjson.dumps(body))


@pytest.mark.parametrize("kind", ["output_text", "reasoning_text", "refusal", "summary_text"])
def test_a_response_streams(world, openai, kind):
    """The SDK puts together the same as the last event says."""
    streams(world, *response_events(kind, PIECES))
    with openai.responses.create(model="tiny", input="hi", stream=True) as stream:
        events = list(stream)
    said = "".join(event.delta for event in events if event.type.endswith(".delta"))
    assert said == SAID
    assert SAID in events[-1].response.model_dump_json()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "canary" not in str(events)


def test_the_helper_of_the_sdk_follows_a_response(world, openai):
    """It checks itself that what is done fits what was added."""
    streams(world, *response_events("output_text", PIECES))
    with openai.responses.stream(model="tiny", input="hi") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == SAID


def test_a_response_comes_whole(world, openai):
    """With the usage that it had, and without what it repeats of the request."""
    call = item("arguments", '{"to":"ann@example.com"}')
    answers(world, response(item("output_text", "".join(PIECES)), call))
    answer = openai.responses.create(model="tiny", input="hi", instructions="canary")
    assert answer.output_text == SAID
    assert json.loads(answer.output[1].arguments) == {"to": "[EMAIL]"}
    assert answer.usage.total_tokens == 7
    assert answer.instructions is None
    sent = orjson.loads(world.vllm.requests[-1].body)
    assert len(sent.pop("cache_salt")) == 64
    assert sent == {"model": "tiny", "input": "hi", "instructions": "canary", "store": False}


def test_a_message_streams(world, claude):
    """The SDK puts the message together."""
    streams(world, *message_events("text", PIECES))
    with claude.messages.stream(model="tiny", max_tokens=50, messages=HELLO) as stream:
        assert "".join(stream.text_stream) == SAID
        final = stream.get_final_message()
    assert (final.content[0].text, final.stop_reason) == (SAID, "end_turn")
    assert final.usage.output_tokens == 2


def test_the_input_of_a_tool_streams(world, claude):
    """It is JSON when it is whole."""
    streams(world, *message_events("tool_use", ['{"tel": "138001', '38000"}']))
    with claude.messages.stream(model="tiny", max_tokens=50, messages=HELLO) as stream:
        assert stream.get_final_message().content[0].input == {"tel": "[PHONE]"}


def test_a_message_comes_whole(world, claude):
    """Text, thinking and the input of a tool."""
    use = block("tool_use", '{"tel":13800138000}')
    answers(
        world, message(block("thinking", "ann@example.com"), block("text", "".join(PIECES)), use)
    )
    answer = claude.messages.create(model="tiny", max_tokens=50, messages=HELLO)
    assert answer.content[0].thinking == "[EMAIL]"
    assert answer.content[1].text == SAID
    assert answer.content[2].input == {"tel": "[PHONE]"}


def test_embeddings_are_numbers(world, openai):
    """The SDK asks for base64 by itself and takes lists as well."""
    [embedding] = openai.embeddings.create(model="tiny", input="hi").data
    assert embedding.embedding == [0.25, -0.5, 0.125, 0.0]
    assert orjson.loads(world.vllm.requests[-1].body)["encoding_format"] == "base64"


def test_one_model_is_shown(world, openai):
    """One that was not granted is not there."""
    assert openai.models.retrieve("tiny").owned_by == "sealgate"
    with pytest.raises(NotFoundError):
        openai.models.retrieve("draft")


def test_errors_are_those_that_the_sdks_know(world, openai, claude):
    """Each API has its own shape of a refusal."""
    with pytest.raises(BadRequestError, match="nothing is kept") as of_openai:
        openai.responses.create(model="tiny", input="hi", previous_response_id="canary")
    assert of_openai.value.code == "unsupported_parameter"
    with pytest.raises(anthropic.BadRequestError, match="is not supported") as of_claude:
        claude.messages.create(model="tiny", max_tokens=5, messages=HELLO, extra_body={"odd": 1})
    assert of_claude.value.body["error"]["type"] == "invalid_request_error"
    with pytest.raises(anthropic.PermissionDeniedError):
        claude.messages.create(model="other", max_tokens=5, messages=HELLO)


LEAK = "canary 13800138000"
ERROR = {"type": "error", "error": {"type": "x", "message": LEAK}}


def calls(openai, claude):
    """Return a streamed and a whole call of each API."""
    return [
        lambda: openai.responses.create(model="tiny", input="hi"),
        lambda: list(openai.responses.create(model="tiny", input="hi", stream=True)),
        lambda: claude.messages.create(model="tiny", max_tokens=5, messages=HELLO),
        lambda: list(
            claude.messages.create(model="tiny", max_tokens=5, messages=HELLO, stream=True)
        ),
    ]


def test_errors_of_the_model_server_are_not_shown(world, openai, claude):
    """Neither its body nor its headers; an error inside a stream is an error for the SDK."""
    refusal = Script(refusal=Refusal(400, LEAK), headers=[("x-note", LEAK)])
    for call in calls(openai, claude):
        world.vllm.script = refusal
        with pytest.raises((BadRequestError, anthropic.BadRequestError)) as caught:
            call()
        shown = f"{caught.value} {caught.value.body} {caught.value.response.headers}"
        assert "canary" not in shown
    for call in calls(openai, claude)[1::2]:
        streams(world, ERROR)
        with pytest.raises((APIError, anthropic.APIError)) as failed:
            call()
        assert "canary" not in f"{failed.value} {failed.value.body}"


def test_headers_of_the_model_server_are_not_shown(world, openai):
    """Of a proper answer only what the gateway itself says."""
    body = orjson.dumps(response(item("output_text", "so")))
    world.vllm.script = Script(whole_body=body, headers=[("x-note", LEAK), ("server", LEAK)])
    raw = openai.responses.with_raw_response.create(model="tiny", input="hi")
    assert raw.parse().output_text == "so"
    assert "canary" not in str(raw.headers)


def test_a_stream_that_breaks_off_is_an_error(world, openai, claude):
    """Whatever had been said before."""
    for call, events in zip(
        calls(openai, claude)[1::2],
        (response_events("output_text", PIECES), message_events("text", PIECES)),
        strict=True,
    ):
        raises = pytest.raises((APIError, anthropic.APIError))
        with world.breaks_off(Raw(named(*events[:-2]))), raises:
            call()
