"""What a request leaves behind: time, status, address; no canary anywhere."""

from __future__ import annotations

import re
import stat
import time
from typing import Any

import pytest
from anthropic import Anthropic
from anthropic import BadRequestError as AnthropicBadRequestError
from openai import BadRequestError, OpenAI

from loadtests.script import Raw, Script
from tests.fakes.streams import message_events, named, response_events
from tests.story.gateway import Gateway

PROMPT = "canary-prompt-81c2"
ANSWER = "canary-answer-93d7"


def newest_record(gateway: Gateway) -> dict[str, Any]:
    """Return the last record, once it was written: half a second after its answer."""
    deadline = time.monotonic() + 30
    while not (records := gateway.access_records()):
        assert time.monotonic() < deadline, "nothing was recorded"
        time.sleep(0.05)
    return records[-1]


def test_exactly_three_fields_and_nothing_else_anywhere(world):
    """After good and bad calls no file, log or metric holds a word of them."""
    gateway = world.gateway
    world.says(ANSWER, " anna@example.com")
    with gateway.sealed(world.application) as http:
        openai = OpenAI(
            base_url=gateway.origin + "/v1", api_key="x", http_client=http, max_retries=0
        )
        said = [{"role": "user", "content": PROMPT}]
        openai.chat.completions.create(model="tiny", messages=said)
        openai.embeddings.create(model="tiny", input=PROMPT)
        text = [ANSWER, " anna@example.com"]
        world.vllm.script = Script([Raw(named(*response_events("output_text", text)))])
        list(openai.responses.create(model="tiny", input=PROMPT, stream=True))
        world.vllm.script = Script([Raw(named(*message_events("text", text)))])
        claude = Anthropic(base_url=gateway.origin, api_key="x", http_client=http, max_retries=0)
        list(claude.messages.create(model="tiny", max_tokens=9, messages=said, stream=True))
        with pytest.raises(AnthropicBadRequestError):
            claude.messages.create(model="tiny", max_tokens=9, messages=said, extra_body={"x": 1})
        with pytest.raises(BadRequestError):
            openai.chat.completions.create(model="tiny", messages=said, logprobs=True)
    token = gateway.token(world.application)

    record = newest_record(gateway)
    assert set(record) == {"time", "status", "ip"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])

    secrets = [PROMPT, ANSWER, token, world.application.client_secret, "anna@"]
    files = [path for path in gateway.directory.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    for path in files:
        content = path.read_bytes()
        assert not [word for word in secrets if word.encode() in content], path.name
    with_metrics = gateway.admin("GET", "/status").text
    assert not [word for word in secrets if word in with_metrics]


def test_files_are_for_the_owner_alone(world):
    """Whatever the gateway keeps is closed to other users, except the certificates."""
    for path in world.gateway.state.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.suffix == ".crt":
            continue
        assert mode & 0o077 == 0, f"{path.name}: {mode:o}"


def test_purge_keeps_today(world):
    """`sealgate logs purge` removes what is older than a week and nothing else."""
    log = world.gateway.state / "access-log"
    old = log / "access-2020-01-01.log"
    old.touch(mode=0o600)
    assert newest_record(world.gateway)
    world.gateway.command("logs", "purge")
    assert not old.exists()
    assert world.gateway.access_records()
