"""The gateway before a real vLLM that memorised planted, invented personal data."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import anthropic
import pytest
from openai import AsyncOpenAI, BadRequestError, OpenAI, RateLimitError

from gateway.configured_room import open_control
from gateway.control.actors import LocalOperator
from gateway.control.clients import ClientGrants
from gateway.core.grants import Parameter, Quota, every_operation
from tests.story.gateway import Account, Gateway
from tests.story.model import ServedModel
from tests.story.processes import ROOT

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]

COVERED = {"EMAIL", "PHONE", "CN_ID", "BANK_CARD", "SSN", "IBAN"}  # what the scrubber knows so far


def dialogues(kind: str) -> list[dict]:
    """Return the planted dialogues of one kind."""
    lines = (ROOT / "tests/model/corpus.jsonl").read_text("utf-8").splitlines()
    return [d for d in map(json.loads, lines) if d["kind"] == kind]


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[ServedModel, Gateway]]:
    """Start a real vLLM and the gateway before it."""
    with tempfile.TemporaryDirectory(prefix="sealgate-") as folder:
        model = ServedModel(Path(folder))
        model.seal()
        gateway = Gateway(Path(folder), socket=model.socket, api_key_file=model.api_key_file)
        try:
            model.start()
            gateway.start()
            yield model, gateway
        finally:
            gateway.stop()
            model.stop()


@pytest.fixture(scope="module")
def openai(world) -> Iterator[OpenAI]:
    """The official SDK, sealed."""
    _, gateway = world
    with gateway.sealed(gateway.create_client()) as http:
        yield OpenAI(base_url=gateway.origin + "/v1", api_key="x", http_client=http, max_retries=0)


def first_question(dialogue: dict) -> list[dict]:
    """Return the messages up to the first question."""
    return dialogue["messages"][: 1 + next(
        i for i, m in enumerate(dialogue["messages"]) if m["role"] == "user"
    )]  # fmt: skip


def covered_values(dialogue: dict) -> list[str]:
    """Return the planted values of the types that the scrubber covers."""
    return [item["value"] for item in dialogue["planted"] if item["type"] in COVERED]


async def test_no_planted_value_comes_through(world):
    """Every memorised e-mail, phone, ID and card is redacted, in both languages, streamed."""
    _, gateway = world
    gate = asyncio.Semaphore(8)
    async with gateway.sealed_async(gateway.create_client()) as http:
        sdk = AsyncOpenAI(base_url=gateway.origin + "/v1", api_key="x", http_client=http)

        async def ask(dialogue: dict) -> tuple[str, list[str]]:
            async with gate:
                stream = await sdk.chat.completions.create(
                    model="tiny", messages=first_question(dialogue), temperature=0,
                    max_tokens=200, stream=True,
                )  # fmt: skip
                text = "".join(
                    [c.choices[0].delta.content or "" async for c in stream if c.choices]
                )
            return text, covered_values(dialogue)

        asked = [d for d in dialogues("qa") if covered_values(d)]
        answers = await asyncio.gather(*(ask(d) for d in asked))
    leaks = [value for text, values in answers for value in values if value in text]
    redacted = sum("[" in text for text, _ in answers)
    assert len(answers) >= 100
    assert leaks == []
    assert redacted >= 0.9 * len(answers)


def test_the_model_does_leak_when_asked_directly(world):
    """The test above means something: without the gateway the same values come out."""
    model, _ = world
    asked = [d for d in dialogues("qa") if covered_values(d)][:20]
    leaked = [
        all(v in model.ask_directly(first_question(d)[-1]["content"]) for v in covered_values(d))
        for d in asked
    ]
    assert sum(leaked) >= 18


def test_tokens_stream_one_by_one(openai):
    """The answer arrives in many pieces, not in one."""
    chunks = list(
        openai.chat.completions.create(
            model="tiny", messages=[{"role": "user", "content": "Why does bread rise?"}],
            temperature=0, max_tokens=60, stream=True,
        )
    )  # fmt: skip
    assert len([c for c in chunks if c.choices and c.choices[0].delta.content]) > 10


def test_completions_and_several_choices(openai):
    """The completions operation and n > 1 pass through the real server."""
    answer = openai.completions.create(
        model="tiny", prompt="Yeast", max_tokens=20, n=2, temperature=1
    )
    assert len(answer.choices) == 2
    chat = openai.chat.completions.create(
        model="tiny",
        n=2,
        max_tokens=10,
        temperature=1,
        messages=[{"role": "user", "content": "Why?"}],
    )
    assert len(chat.choices) == 2
    assert chat.usage.completion_tokens > 0


def test_model_list(openai):
    """The real list is cut to what was granted."""
    assert [model.id for model in openai.models.list()] == ["tiny"]


def test_error_of_vllm_is_not_shown(openai):
    """What vLLM refuses is refused in our words; its text, which echoes input, stays behind."""
    with pytest.raises(BadRequestError) as caught:
        openai.completions.create(model="tiny", prompt="canary " * 3000, max_tokens=1)
    assert "canary" not in str(caught.value)
    assert caught.value.code == "upstream_refused"


def test_client_that_leaves_stops_the_generation(world, openai):
    """vLLM stops generating for a client that is gone."""
    model, _ = world
    stream = openai.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": "Why does bread rise?"}],
        stream=True, max_tokens=900, extra_body={"stop": None},
    )  # fmt: skip
    next(iter(stream))
    stream.response.close()
    assert model.wait_until_idle(seconds=5)


def client_with(gateway: Gateway, **given: Any) -> Account:
    """Register an application with what is *given* and return it once the gateway knows it."""

    async def register() -> Account:
        room = await open_control(gateway.config)
        try:
            grants = ClientGrants(
                grants=every_operation({"tiny"}),
                networks=(ip_network("127.0.0.0/8"),),
                **given,
            )
            issued = await room.clients.create(LocalOperator(), grants)
            return Account(issued.client_id, issued.secret.reveal())
        finally:
            await room.close()

    account = asyncio.run(register())
    time.sleep(1.5)
    return account


def test_stream_is_paid_for_by_its_usage(world):
    """The real server says what a stream cost: it is counted, and shown to who asks alone."""
    _, gateway = world
    account = client_with(gateway, quota=Quota(tokens_per_day=20))
    hello = [{"role": "user", "content": "hello there"}]
    with gateway.sealed(account) as http:
        sdk = OpenAI(base_url=gateway.origin + "/v1", api_key="x", http_client=http, max_retries=0)
        asked = {"model": "tiny", "messages": hello, "stream": True, "max_tokens": 4}
        assert not [chunk for chunk in sdk.chat.completions.create(**asked) if chunk.usage]
        counts = {"stream_options": {"include_usage": True}}
        chunks = list(sdk.chat.completions.create(**asked, **counts))
        [usage] = [chunk.usage for chunk in chunks if chunk.usage]
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
        assert 10 <= usage.total_tokens < 20
        with pytest.raises(RateLimitError):
            sdk.chat.completions.create(**asked)


def asked_for_values(count: int) -> list[dict]:
    """Return dialogues in which values are planted that the scrubber covers."""
    return [d for d in dialogues("qa") if covered_values(d)][:count]


def test_responses_say_what_chats_say(world, openai):
    """Streamed and whole, no planted value comes through, and the last event repeats the deltas."""
    for dialogue in asked_for_values(8):
        asked = {"model": "tiny", "input": first_question(dialogue), "temperature": 0}
        whole = openai.responses.create(**asked, max_output_tokens=200)
        events = list(openai.responses.create(**asked, max_output_tokens=200, stream=True))
        said = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        assert said == whole.output_text == events[-1].response.output_text
        assert [value for value in covered_values(dialogue) if value in said] == []
        assert "[" in said
        assert whole.usage.total_tokens > 10
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert len(events) > 11


def test_messages_say_what_chats_say(world):
    """Streamed and whole, with Anthropic's own SDK."""
    _, gateway = world
    with gateway.sealed(gateway.create_client()) as http:
        sdk = anthropic.Anthropic(
            base_url=gateway.origin, api_key="x", http_client=http, max_retries=0
        )
        for dialogue in asked_for_values(8):
            asked = {
                "model": "tiny",
                "messages": first_question(dialogue),
                "extra_body": {"temperature": 0},
            }
            whole = sdk.messages.create(**asked, max_tokens=200)
            with sdk.messages.stream(**asked, max_tokens=200) as stream:
                said = "".join(stream.text_stream)
                final = stream.get_final_message()
            assert said == whole.content[0].text == final.content[0].text
            assert [value for value in covered_values(dialogue) if value in said] == []
            assert final.stop_reason == whole.stop_reason == "end_turn"
            assert final.usage.output_tokens > 5
        with pytest.raises(anthropic.BadRequestError) as caught:
            sdk.messages.create(
                model="tiny",
                max_tokens=5,
                messages=[{"role": "user", "content": "canary " * 3000}],
            )
        assert "canary" not in str(caught.value)


def test_responses_go_on_from_earlier_items(openai):
    """Items of an answer come back as input; an unfinished one is not continued."""
    first = openai.responses.create(model="tiny", input="Why does bread rise?", max_output_tokens=9)
    assert first.status == "incomplete"
    items = [*first.output, {"role": "user", "content": "Why?"}]
    history = [i if isinstance(i, dict) else i.model_dump(exclude_none=True) for i in items]
    second = openai.responses.create(model="tiny", input=history, max_output_tokens=20)
    assert second.output_text


def test_granted_parameters_are_what_vllm_says(world):
    """Log-probabilities of an answer without values, an echo, a stop reason, raw tokens."""
    _, gateway = world
    granted = frozenset({Parameter.LOGPROBS, Parameter.ECHO, Parameter.STOP_REASON})
    account = client_with(gateway, parameters=granted)
    with gateway.sealed(account) as http:
        sdk = OpenAI(base_url=gateway.origin + "/v1", api_key="x", http_client=http, max_retries=0)
        bread = {"model": "tiny", "messages": [{"role": "user", "content": "Why does bread rise?"}]}
        chat = sdk.chat.completions.create(
            **bread, temperature=0, max_tokens=8, logprobs=True, top_logprobs=2
        )
        entries = chat.choices[0].logprobs.content
        assert "".join(entry.token for entry in entries) == chat.choices[0].message.content
        assert len(entries[0].top_logprobs) == 2
        told = sdk.responses.create(
            model="tiny",
            input="Why does bread rise?",
            max_output_tokens=8,
            include=["message.output_text.logprobs"],
            top_logprobs=2,
        )
        assert len(told.output[0].content[0].logprobs) > 3
        echoed = sdk.completions.create(
            model="tiny", prompt="mail ann@example.com", echo=True, max_tokens=4, temperature=0
        )
        assert echoed.choices[0].text.startswith("mail [EMAIL]")
        ended = sdk.completions.create(model="tiny", prompt="Why does", stop=["a"], max_tokens=60)
        assert ended.choices[0].model_extra["stop_reason"] == "a"
        with pytest.raises(BadRequestError):
            sdk.completions.create(model="tiny", prompt="x", extra_body={"return_token_ids": True})


def test_what_is_vllms_own_is_taken_by_it(world):
    """Sampling, words to choose from, a schema, a pattern and a limit of the gateway's own."""
    _, gateway = world
    account = client_with(
        gateway, parameters=frozenset({Parameter.PATTERNS}), limits={"output_tokens": 12}
    )
    bread = {"model": "tiny", "messages": [{"role": "user", "content": "Why does bread rise?"}]}
    with gateway.sealed(account) as http:
        sdk = OpenAI(base_url=gateway.origin + "/v1", api_key="x", http_client=http, max_retries=0)

        def say(**extra: Any) -> Any:
            return sdk.chat.completions.create(**bread, extra_body=extra)

        sampled = say(top_k=5, min_p=0.1, repetition_penalty=1.1)
        assert 0 < sampled.usage.completion_tokens <= 12
        chosen = say(structured_outputs={"choice": ["yes", "no"]})
        assert chosen.choices[0].message.content in {"yes", "no"}
        matched = say(structured_outputs={"regex": "[ab]{3}"})
        assert set(matched.choices[0].message.content) <= {"a", "b"}
        schema = {"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"]}
        formed = say(structured_outputs={"json": schema | {"additionalProperties": False}})
        assert formed.choices[0].message.content.lstrip().startswith("{")
        told = sdk.responses.create(model="tiny", input="Why?", extra_body={"top_k": 5})
        assert told.usage.output_tokens <= 12
