"""Too much at once, over the real gateway: who means it is served beside who does not."""

from __future__ import annotations

import asyncio
import http.client
import secrets
import threading
from collections import Counter
from contextlib import asynccontextmanager

import orjson
import pytest
from openai import AsyncOpenAI, OpenAI, RateLimitError

from gateway.core.ohttp import REQUEST_MEDIA_TYPE, RequestSealer
from gateway.core.ohttp_keys import parse_key_list
from loadtests.script import Until
from tests.fakes.waiting import until
from tests.integration.conftest import running_world

HELLO = [{"role": "user", "content": "hi"}]
_FLOOD = 200
_PLACES = {"MAX_OUTSTANDING": 6, "MAX_WAITING": 6, "QUEUE_SECONDS": 20}
_EXTRA = "[overload]\naddress_milliseconds = 5\n"


@pytest.fixture(scope="module")
def world():
    """Start a gateway that does little for strangers, before a server with few places."""
    with pytest.MonkeyPatch.context() as environment:
        for name, number in _PLACES.items():
            environment.setenv(f"SEALGATE_UPSTREAM__{name}", str(number))
        with running_world(_EXTRA) as running:
            yield running


def tampered(world):
    """Return what makes a request with a token of its own that nobody signed."""
    head, claims, _ = world.gateway.token(world.application).split(".")

    def make():
        bearer = f"Bearer {head}.{claims}.{secrets.token_urlsafe(64)}"
        headers = {"authorization": bearer, "content-type": "application/json"}
        return "/v1/chat/completions", b"{}", headers

    return make


def rubbish(world):
    """Return what makes a request that begins like a sealed one and opens to nothing."""
    with world.gateway.http() as http:
        keys = http.get("/.well-known/ohttp-gateway").raise_for_status().content
    begun = RequestSealer(parse_key_list(keys)[0]).finish(bytes(200))

    def make():
        data = begun[:-100] + secrets.token_bytes(100)
        return "/.well-known/ohttp-gateway", data, {"content-type": REQUEST_MEDIA_TYPE}

    return make


def flood(world, make, address):
    """Return how many answers of each status there were, and the last one that was a 429."""
    statuses, refusal = Counter(), None
    connection = http.client.HTTPSConnection(
        "127.0.0.1", world.gateway.port, context=world.gateway.tls(), source_address=(address, 0)
    )
    for _ in range(_FLOOD):
        path, body, headers = make()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        statuses[answer.status] += 1
        if answer.status == 429:
            refusal = int(answer.headers["retry-after"]), orjson.loads(data)
    connection.close()
    return statuses, refusal


@pytest.mark.parametrize(
    ("kind", "address", "status"), [(tampered, "127.0.0.2", 401), (rubbish, "127.0.0.3", 400)]
)
def test_a_flood_that_proves_nobody_is_refused_and_harms_nobody(world, kind, address, status):
    """Bad tokens and rubbish end in 429 before the work; beside them each good call is answered."""
    world.says("water")
    make, found = kind(world), []
    flooding = threading.Thread(target=lambda: found.append(flood(world, make, address)))
    with world.gateway.sealed(world.application) as http_client:
        openai = OpenAI(
            base_url=world.gateway.origin + "/v1",
            api_key="x",
            http_client=http_client,
            max_retries=0,
        )
        flooding.start()
        answers = 0
        while flooding.is_alive() or answers < 3:
            answer = openai.chat.completions.create(model="tiny", messages=HELLO)
            assert answer.choices[0].message.content == "water"
            answers += 1
        flooding.join()
    statuses, (seconds, problem) = found[0]
    assert set(statuses) == {status, 429}
    assert 1 <= seconds <= 5
    assert "rate_limited" in {problem.get("code"), problem.get("error", {}).get("code")}


@asynccontextmanager
async def calls(world, account, number):
    """Begin *number* calls at once; yield their tasks, each the text of an answer or an error."""
    async with world.gateway.sealed_async(account) as http_client:
        openai = AsyncOpenAI(
            base_url=world.gateway.origin + "/v1",
            api_key="x",
            http_client=http_client,
            max_retries=0,
            timeout=60,
        )

        async def call():
            answer = await openai.chat.completions.create(model="tiny", messages=HELLO)
            return answer.choices[0].message.content

        yield [asyncio.create_task(call()) for _ in range(number)]


async def test_many_calls_of_one_client_keep_no_other_from_its_few(world):
    """Of one client that wants all of a slow server the rest is refused at once; others wait."""
    answering = threading.Event()
    world.says(Until(answering, 60), "water")
    other = world.gateway.create_client()
    async with calls(world, world.application, 40) as many:
        # Four may wait for the six places; all others are told before anything is answered.
        await until(lambda: sum(task.done() for task in many) == 30)
        async with calls(world, other, 2) as few:
            answering.set()
            assert await asyncio.gather(*few) == ["water", "water"]
        outcomes = await asyncio.gather(*many, return_exceptions=True)
    refusals = [outcome for outcome in outcomes if outcome != "water"]
    assert len(refusals) == 30
    assert {type(refusal) for refusal in refusals} == {RateLimitError}
    assert {refusal.code for refusal in refusals} == {"rate_limited"}
    assert {refusal.response.headers["retry-after"] for refusal in refusals} == {"1"}
