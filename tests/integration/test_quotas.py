"""Quotas over the real gateway: what is used up is refused as the official SDK expects it."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_network

import httpx2
import orjson
import pytest
from openai import OpenAI, RateLimitError

from gateway.configured_room import open_control
from gateway.control.actors import LocalOperator
from gateway.control.clients import ClientGrants
from gateway.core.grants import Quota, every_operation
from loadtests.script import Hang, tool_arguments, tool_start
from tests.story.gateway import Account

HELLO = [{"role": "user", "content": "hi"}]
PROMPT_TOKENS = 23  # what the stand-in for vLLM says of every prompt
SNAPSHOT_SECONDS = 1.5  # until a gateway sees what another process changed

CLIENTS = {
    "requests": Quota(requests_per_minute=2),
    "tokens": Quota(tokens_per_minute=PROMPT_TOKENS + 4),
    "tokens of tools": Quota(tokens_per_day=PROMPT_TOKENS + 4),
    "streams": Quota(concurrent_streams=1, tokens_per_day=10**6),
    "leaver": Quota(concurrent_streams=1, tokens_per_day=5),
    "broken": Quota(tokens_per_day=5),
    "list": Quota(requests_per_day=1, concurrent_streams=0),
}
WAYS = [(sealed, stream) for sealed in (True, False) for stream in (True, False)]


@pytest.fixture(scope="module")
def accounts(world):
    """Register one client for each quota and each way of calling, then wait until it counts."""

    async def register():
        room = await open_control(world.gateway.config)
        made = {}
        try:
            for name, quota in CLIENTS.items():
                for way in WAYS:
                    grants = ClientGrants(
                        grants=every_operation({"tiny"}),
                        networks=(ip_network("127.0.0.0/8"),),
                        plaintext_allowed=True,
                        quota=quota,
                    )
                    issued = await room.clients.create(LocalOperator(), grants)
                    made[name, way] = Account(issued.client_id, issued.secret.reveal())
        finally:
            await room.close()
        return made

    made = asyncio.run(register())
    time.sleep(SNAPSHOT_SECONDS)
    return made


@contextmanager
def sdk(world, account, *, sealed):
    gateway = world.gateway
    key = "x" if sealed else gateway.token(account)
    with gateway.sealed(account) if sealed else gateway.http() as http:
        yield OpenAI(base_url=gateway.origin + "/v1", api_key=key, http_client=http, max_retries=0)


def ask(openai, *, stream, **options):
    """Return everything that the model says, and how often the cost was told."""
    answer = openai.chat.completions.create(model="tiny", messages=HELLO, stream=stream, **options)
    if not stream:
        return answer.choices[0].message.content, int(answer.usage is not None)
    chunks = list(answer)
    text = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    return "".join(text), sum(chunk.usage is not None for chunk in chunks)


def refused(openai, *, stream):
    """Return the refusal of a call and the seconds after which to come back."""
    with pytest.raises(RateLimitError) as caught:
        ask(openai, stream=stream)
    assert caught.value.code == "quota_exceeded"
    return caught.value.message, int(caught.value.response.headers["retry-after"])


def wait_for_a_minute_with_room(seconds=8):
    """Requests of the minute before count less and less: a test should not see it turn."""
    left = 60 - datetime.now(UTC).second
    if left < seconds:
        time.sleep(left)


@pytest.mark.parametrize(("sealed", "stream"), WAYS)
def test_requests_are_limited(world, accounts, sealed, stream):
    """The third request of two a minute is a RateLimitError that says when to come back."""
    world.says("water, ", "river")
    before = world.upstream_calls()
    wait_for_a_minute_with_room()
    with sdk(world, accounts["requests", (sealed, stream)], sealed=sealed) as openai:
        for _ in range(2):
            ask(openai, stream=stream)
        for _ in range(2):
            message, seconds = refused(openai, stream=stream)
            assert "requests per minute" in message
            assert 1 <= seconds <= 60
    assert world.upstream_calls() == before + 2


@pytest.mark.parametrize(("sealed", "stream"), WAYS)
def test_tokens_are_counted_from_usage(world, accounts, sealed, stream):
    """Prompt and answer count as vLLM counts them; the answer that crosses is given in full."""
    world.says("water, ", "river, ", "cloud")
    with sdk(world, accounts["tokens", (sealed, stream)], sealed=sealed) as openai:
        assert ask(openai, stream=stream)[0] == "water, river, cloud"
        assert ask(openai, stream=stream)[0] == "water, river, cloud"
        message, seconds = refused(openai, stream=stream)
    assert "tokens per minute" in message
    assert 1 <= seconds <= 60


@pytest.mark.parametrize(("sealed", "stream"), WAYS)
def test_tool_calls_and_choices_count(world, accounts, sealed, stream):
    """Whatever the model makes is in its usage: tool calls and further choices too."""
    world.says(
        tool_start("find"), tool_arguments('{"a"'), tool_arguments(":1}"), tool_start("f", index=1)
    )
    with sdk(world, accounts["tokens of tools", (sealed, stream)], sealed=sealed) as openai:
        ask(openai, stream=stream, n=2)
        message, _ = refused(openai, stream=stream)
    assert "tokens per day" in message


def test_cost_of_a_stream_is_shown_only_on_demand(world):
    """VLLM is asked for the usage of every stream; the client sees it if it asked."""
    world.says("water, ", "river")
    with sdk(world, world.application, sealed=True) as openai:
        assert ask(openai, stream=True) == ("water, river", 0)
        options = {"stream_options": {"include_usage": True}}
        assert ask(openai, stream=True, **options) == ("water, river", 1)
    for request in world.vllm.requests[-2:]:
        assert orjson.loads(request.body)["stream_options"] == {"include_usage": True}


class Held:
    """A stream that stays open until it is told to leave."""

    def __init__(self, openai) -> None:
        self.stream = openai.chat.completions.create(model="tiny", messages=HELLO, stream=True)
        for chunk in self.stream:
            if chunk.choices[0].delta.content:
                break


def eventually(openai, *, stream=False):
    """Ask until the call is not refused for the place of another one."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return ask(openai, stream=stream)
        except RateLimitError as refusal:
            if "under way" not in refusal.message or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.mark.parametrize(("sealed", "stream"), WAYS)
def test_answers_at_once_are_limited(world, accounts, sealed, stream):
    """While a stream runs there is no place for another call; when the client leaves there is."""
    account = accounts["streams", (sealed, stream)]
    with (
        sdk(world, account, sealed=sealed) as first,
        sdk(world, account, sealed=sealed) as second,
    ):
        world.says("water, ", "river, ", Hang())
        held = Held(first)
        message, seconds = refused(second, stream=stream)
        assert "under way" in message
        assert seconds == 1
        world.says("water, ", "river")
        held.stream.close()
        assert eventually(second, stream=stream)[0] == "water, river"
        ask(second, stream=stream)


@pytest.mark.parametrize("sealed", [True, False])
def test_client_that_leaves_pays_for_what_was_made(world, accounts, sealed):
    """Leaving before the usage comes makes the answer no cheaper than its pieces and its prompt."""
    account = accounts["leaver", (sealed, True)]
    with sdk(world, account, sealed=sealed) as openai:
        world.says("water, ", "river, ", Hang())
        Held(openai).stream.close()
        with pytest.raises(RateLimitError, match="tokens per day"):
            eventually(openai)


@pytest.mark.parametrize("sealed", [True, False])
def test_answer_that_breaks_off_is_paid_for(world, accounts, sealed):
    """What vLLM made before it broke off was made all the same."""
    with sdk(world, accounts["broken", (sealed, True)], sealed=sealed) as openai:
        broken = world.breaks_off("water, ", "river, ", "cloud, ", "grass, ")
        with broken, pytest.raises(Exception) as caught:  # noqa: PT011  # it depends on the transport
            ask(openai, stream=True)
        assert not isinstance(caught.value, RateLimitError)
        message, _ = refused(openai, stream=True)
    assert "tokens per day" in message


def test_many_at_once_get_as_many_places_as_there_are(world, accounts):
    """Of calls that come together exactly one gets the only place."""
    world.says("water, ", Hang())
    account = accounts["streams", (True, True)]
    results: list[str] = []
    release = threading.Event()

    def call():
        with sdk(world, account, sealed=True) as openai:
            try:
                held = Held(openai)
            except RateLimitError:
                results.append("refused")
                return
            results.append("held")
            release.wait(30)
            held.stream.close()

    callers = [threading.Thread(target=call) for _ in range(6)]
    for caller in callers:
        caller.start()
    deadline = time.monotonic() + 30
    while len(results) < len(callers) and time.monotonic() < deadline:
        time.sleep(0.02)
    release.set()
    for caller in callers:
        caller.join(30)
    assert sorted(results) == ["held", *["refused"] * 5]


def test_list_of_models_costs_a_request(world, accounts):
    """A client without a place may see what there is, as often as its requests allow."""
    with sdk(world, accounts["list", (True, True)], sealed=True) as openai:
        assert [model.id for model in openai.models.list()] == ["tiny"]
        with pytest.raises(RateLimitError, match="requests per day"):
            openai.models.list()


def test_refusals_are_counted_without_naming_anybody(world, accounts):
    """The metrics know how many calls were refused, not whose."""
    with sdk(world, accounts["list", (False, True)], sealed=False) as openai:
        refused(openai, stream=False)
    with httpx2.Client(verify=world.gateway.tls()) as http:
        metrics = http.get(f"{world.gateway.admin_origin}/metrics").raise_for_status().text
    [line] = [item for item in metrics.splitlines() if item.startswith("sealgate_quota_refusals_t")]
    assert float(line.split()[1]) >= 1
    assert not any(account.client_id in metrics for account in accounts.values())
