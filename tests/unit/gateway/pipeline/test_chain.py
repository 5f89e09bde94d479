"""All stages together, over a prepared upstream."""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
from dataclasses import replace
from ipaddress import ip_network

import orjson
import pytest

from gateway.api.problems import ProblemPresenter
from gateway.backends.memory_replay import MemoryReplayStore
from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.scrub_thread import ScrubThread
from gateway.client.dpop import DpopProver
from gateway.configured_room import utc_now
from gateway.core.bhttp_response import ResponseDecoder, parse_response
from gateway.core.dpop import DpopNonces, ProvenCall, verify_proof
from gateway.core.effort import EffortRules
from gateway.core.errors import OpenFailed, UpstreamUnavailable
from gateway.core.forwarded import ForwardedHeader, TrustedProxies
from gateway.core.grants import Quota
from gateway.core.identity import Confirmation
from gateway.core.pii.ner import SentenceModel, Span
from gateway.core.policy import Revocations
from gateway.core.scrub_rules import ScrubRules, Treatment
from gateway.core.secret import Secret
from gateway.core.shaping import Shaping
from gateway.core.token_verifier import TokenVerifier
from gateway.pipeline.admit import Admit
from gateway.pipeline.authenticate import Authenticate
from gateway.pipeline.authorize import Authorize
from gateway.pipeline.chain import CLIENT_CLOSED_REQUEST, Chain, Stages
from gateway.pipeline.cut import RunningAnswers
from gateway.pipeline.decapsulate import BodyLimits, Decapsulate, ReadRequest
from gateway.pipeline.encapsulate import Encapsulate
from gateway.pipeline.forward import Forward
from gateway.pipeline.mask import Mask
from gateway.pipeline.meter import Meter
from gateway.pipeline.record import Record
from gateway.pipeline.refuse_replay import RefuseReplay
from gateway.pipeline.scrub import Scrub
from gateway.pipeline.spend import Spending
from tests.fakes.waiting import until
from tests.fakes.world import (
    AUTHORITY,
    CHAT_BODY,
    EXPECTED,
    NOW,
    STREAM_BODY,
    FakeAnswer,
    FakeUpstream,
    FixedSnapshots,
    RecordingDownstream,
    UsesSeen,
    clear_received,
    clock,
    inner_request,
    seal,
    sealed_received,
    snapshot,
    token,
    with_client,
)

NO_PROXIES = TrustedProxies()
PROXIES = TrustedProxies((ip_network("127.0.0.0/8"),), ForwardedHeader.X_FORWARDED_FOR)


NONCES = DpopNonces([b"n" * 32])


class World:
    """A chain with everything around it in sight."""

    def __init__(
        self,
        answer,
        *,
        networks=("127.0.0.0/8",),
        value=None,
        proxies=NO_PROXIES,
        scrub=None,
        spending=None,
    ) -> None:
        self.upstream = FakeUpstream(answer)
        self.downstream = RecordingDownstream()
        self.recorded: list[tuple[int, str]] = []
        self.faults: list[Exception] = []
        self.snapshots = source = FixedSnapshots(value)
        self.running = RunningAnswers(source)
        self.quotas = LimitsQuotaStore.in_memory(utc_now)
        stages = Stages(
            admit=Admit([ip_network(n) for n in networks], proxies=proxies, spending=spending),
            decapsulate=Decapsulate(
                source, BodyLimits(max_body_bytes=65_536, max_total_bytes=2**20, seconds=5)
            ),
            read_request=ReadRequest(frozenset({AUTHORITY})),
            authenticate=Authenticate(
                source, TokenVerifier(EXPECTED), clock, nonces=lambda: NONCES
            ),
            refuse_replay=RefuseReplay(MemoryReplayStore(clock), clock),
            authorize=Authorize(source, UsesSeen()),
            meter=Meter(self.quotas, count_refusal=lambda: None),
            mask=Mask(),
            forward=Forward(self.upstream),
            running=self.running,
            scrub=scrub or Scrub(),
            encapsulate=Encapsulate(clock),
            record=Record(self, clock),
        )
        self.errors: list[str] = []
        self.chain = Chain(
            stages,
            ProblemPresenter(),
            report_fault=self.faults.append,
            count_error=self.errors.append,
        )

    def write(self, record):
        self.recorded.append((record.status, str(record.ip)))

    async def call(self, request=None):
        """Send *request* sealed; return (inner status, inner body, complete)."""
        data, sealer = seal(request or inner_request())
        await self.chain.serve(sealed_received(data), self.downstream)
        opener, decoder = sealer.response_opener(), ResponseDecoder()
        body = decoder.feed(opener.feed(self.downstream.body))
        try:
            body += decoder.feed(opener.finish())
            decoder.finish()
        except OpenFailed:
            return decoder.head.status, body, False
        self.inner_headers = dict(decoder.head.headers)
        return decoder.head.status, body, True


def chat(text):
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    return FakeAnswer(
        [
            orjson.dumps(
                {
                    "id": "chatcmpl-1",
                    "object": "chat.completion",
                    "created": 1,
                    "model": "tiny",
                    "choices": [choice],
                }
            )
        ]
    )


def stream(*items):
    events = [
        item
        if isinstance(item, Exception | bytes)
        else b"data: "
        + orjson.dumps(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "tiny",
                "choices": [{"index": 0, "delta": {"content": item}, "finish_reason": None}],
            }
        )
        + b"\n\n"
        for item in items
    ]
    return FakeAnswer(events, content_type="text/event-stream")


DONE = b"data: [DONE]\n\n"


async def test_sealed_call_comes_back_scrubbed_and_is_recorded():
    """The whole path: opened, checked, answered, scrubbed, sealed, recorded."""
    world = World(chat("Write to anna@example.com."))
    status, body, complete = await world.call()
    assert (status, complete) == (200, True)
    assert orjson.loads(body)["choices"][0]["message"]["content"] == "Write to [EMAIL]."
    assert world.recorded == [(200, "127.0.0.1")]
    assert world.downstream.finished
    assert world.upstream.answer.closed


async def test_stream_is_scrubbed_across_pieces():
    """A value that straddles two events is still found."""
    world = World(stream("Write to anna@exam", "ple.com now", DONE))
    status, body, complete = await world.call(inner_request(STREAM_BODY))
    assert (status, complete) == (200, True)
    assert b"anna" not in body
    assert b"[EMAIL]" in body
    assert DONE in body


async def test_upstream_that_breaks_off_leaves_a_cut_stream():
    """After the first byte a failure is one error event, no [DONE], no final chunk."""
    world = World(stream("hello there ", UpstreamUnavailable()))
    _, body, complete = await world.call(inner_request(STREAM_BODY))
    assert not complete
    assert b'"code":"upstream_unavailable"' in body
    assert b"[DONE]" not in body
    assert not world.downstream.finished
    assert world.recorded == [(502, "127.0.0.1")]


BLOCKED = with_client(scrubbing=ScrubRules(None, {"EMAIL": Treatment.BLOCK}))


async def test_a_blocked_value_ends_a_stream():
    """The client gets an error of its own kind, no final chunk and not a character of the value."""
    world = World(stream("hello there anna@exam", "ple.com now", DONE), value=snapshot(BLOCKED))
    _, body, complete = await world.call(inner_request(STREAM_BODY))
    assert not complete
    assert b"hello there" in body
    assert b'"code":"answer_blocked"' in body
    assert b"anna" not in body
    assert b"[DONE]" not in body
    assert (world.recorded, world.errors) == ([(403, "127.0.0.1")], ["answer_blocked"])


async def test_a_blocked_value_refuses_a_whole_answer():
    """An answer in one piece becomes a sealed 403 that is no failure of the scrubber."""
    world = World(chat("Write to anna@example.com."), value=snapshot(BLOCKED))
    status, body, complete = await world.call()
    assert (status, complete) == (403, True)
    error = orjson.loads(body)["error"]
    assert (error["code"], error["type"]) == ("answer_blocked", "content_filter")
    assert b"anna" not in body


class Names:
    """A model that finds one name, as soon as it may."""

    def __init__(self, may=None) -> None:
        self.may = may
        self.threads: set[int] = set()

    def find(self, sentence):
        """Return where the name is."""
        self.threads.add(threading.get_ident())
        if self.may is not None:
            self.may.wait()
        return [Span(m.start(), m.end(), "NAME") for m in re.finditer("Xyzzyq", sentence)]


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_model_is_asked_away_from_the_event_loop(streamed):
    """Sentences come back without the names that it found, streamed or whole."""
    model, thread = Names(), ScrubThread(seconds=5)
    scrub = Scrub(model=SentenceModel(model, 200), workplace=thread)
    said = "Ask Xyz", "zyq, a@b.cc now. ", "Then go"
    world = World(stream(*said, DONE) if streamed else chat("".join(said)), scrub=scrub)
    status, body, complete = await world.call(inner_request(STREAM_BODY if streamed else CHAT_BODY))
    thread.close()
    assert (status, complete) == (200, True)
    assert "Ask [NAME], [EMAIL] now. Then go" in contents(body)
    assert model.threads.isdisjoint({threading.get_ident()})
    assert len(model.threads) == 1


async def test_a_model_that_hangs_ends_the_answer_in_time():
    """After its time the answer fails with nothing said of the sentence."""
    may, thread = threading.Event(), ScrubThread(seconds=0.1)
    scrub = Scrub(model=SentenceModel(Names(may), 200), workplace=thread)
    world = World(stream("Ask Xyzzyq now. Then", DONE), scrub=scrub)
    _, body, complete = await world.call(inner_request(STREAM_BODY))
    may.set()
    thread.close()
    assert not complete
    assert b'"code":"scrub_failed"' in body
    assert b"Xyzzyq" not in body


def contents(body):
    """Return what all choices of an answer say, joined, streamed or whole."""
    events = [line.removeprefix(b"data: ") for line in body.split(b"\n") if line]
    choices = [
        choice
        for event in events
        if event.startswith(b"{")
        for choice in orjson.loads(event)["choices"]
    ]
    return "".join((c.get("delta") or c.get("message") or {}).get("content", "") for c in choices)


async def test_masked_values_come_back_at_the_end():
    """A client that masks its requests has its own values in the answer, and the model tokens."""
    world = World(chat(""), value=snapshot(with_client(masks_requests=True)))

    async def send(request):
        world.upstream.requests.append(request)
        said = orjson.loads(request.body)["messages"][0]["content"]
        return chat(f"{said}, not 13900139000")

    world.upstream.send = send
    body = CHAT_BODY.replace(b'"hi"', b'"call 138-0013-8000"')
    _, answered, complete = await world.call(inner_request(body))
    assert complete
    assert contents(answered) == "call 138-0013-8000, not [PHONE]"
    assert b"0013" not in world.upstream.requests[0].body


async def test_bug_in_the_middle_is_fail_closed():
    """An unexpected exception ends the stream like any failure and shows nothing of itself."""
    world = World(stream("hello there ", RuntimeError("prompt text")))
    _, body, complete = await world.call(inner_request(STREAM_BODY))
    assert not complete
    assert b"prompt text" not in body
    assert [type(fault) for fault in world.faults] == [RuntimeError]


async def test_bug_before_the_answer_stays_sealed():
    """An unexpected exception before the first byte is a sealed 500."""
    world = World(RuntimeError("prompt text"))
    status, body, complete = await world.call()
    assert (status, complete) == (500, True)
    assert orjson.loads(body)["error"]["code"] == "internal_error"


async def test_revoked_token_is_refused_inside_and_nothing_reaches_vllm():
    """Refusals after opening travel inside the seal; vLLM never hears of them."""
    world = World(chat("x"), value=snapshot(revocations=Revocations(jtis=frozenset({"token-1"}))))
    status, body, _ = await world.call()
    assert status == 401
    assert orjson.loads(body)["error"]["type"] == "authentication_error"
    assert world.upstream.requests == []
    assert world.recorded == [(401, "127.0.0.1")]


async def test_forbidden_address_is_refused_unopened():
    """An address off the gateway-wide list gets a plain 403."""
    world = World(chat("x"), networks=())
    await world.chain.serve(sealed_received(b"whatever"), world.downstream)
    assert world.downstream.status == 403
    assert world.recorded == [(403, "127.0.0.1")]


async def test_malformed_request_gets_a_generic_answer():
    """What cannot be opened gets the one generic 400 as problem+json."""
    world = World(chat("x"))
    data, _ = seal(inner_request())
    await world.chain.serve(sealed_received(data[:-1]), world.downstream)
    assert world.downstream.status == 400
    assert orjson.loads(world.downstream.body)["code"] == "open_failed"


async def test_clear_call_speaks_openai():
    """A clear call from a client that may not make one is refused in OpenAI's shape."""
    world = World(chat("x"))
    await world.chain.serve(clear_received(inner_request()), world.downstream)
    assert world.downstream.status == 415
    assert orjson.loads(world.downstream.body)["error"]["code"] == "encryption_required"


async def test_clear_call_of_a_marked_client_is_answered():
    """A client that an operator marked may rely on TLS alone; its answer is scrubbed too."""
    world = World(chat("anna@example.com"), value=snapshot(with_client(plaintext_allowed=True)))
    await world.chain.serve(clear_received(inner_request()), world.downstream)
    assert world.downstream.status == 200
    assert b"[EMAIL]" in world.downstream.body


async def test_client_that_leaves_is_recorded_and_upstream_cut():
    """A cancelled call lets the answer go, so vLLM stops, and is still recorded."""
    world = World(stream("hello there ", b""))

    sending = asyncio.Event()

    async def hang(data):
        sending.set()
        await asyncio.Event().wait()

    world.downstream.send = hang
    data, _ = seal(inner_request(STREAM_BODY))
    task = asyncio.create_task(world.chain.serve(sealed_received(data), world.downstream))
    await asyncio.wait_for(sending.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.upstream.answer.closed
    assert world.recorded == [(CLIENT_CLOSED_REQUEST, "127.0.0.1")]


async def test_revocation_cuts_a_running_stream():
    """A stream whose client is revoked ends at once: an error event, no final chunk, vLLM freed."""
    world = World(stream("hello there "))

    async def endless():
        async for data in FakeAnswer(world.upstream.answer._chunks).chunks():
            yield data
        await asyncio.Event().wait()

    world.upstream.answer.chunks = endless
    await world.running.cut_at_next_change()
    calling = asyncio.create_task(world.call(inner_request(STREAM_BODY)))
    await until(lambda: world.downstream.sent)
    watching = asyncio.create_task(world.running.cut_at_next_change())
    revoked = Revocations(jtis=frozenset({"token-1"}))
    world.snapshots.replace(snapshot(revocations=revoked))
    _, body, complete = await asyncio.wait_for(calling, 30)
    assert not complete
    assert b'"code":"invalid_token"' in body
    assert world.upstream.answer.closed
    assert world.recorded == [(401, "127.0.0.1")]
    await watching


async def test_cut_stream_does_not_wait_for_a_client_that_does_not_read():
    """A client that has stopped reading cannot hold a stream that was cut."""
    world = World(stream(UpstreamUnavailable()))
    first, send = [True], world.downstream.send

    async def stuck_at_the_last_word(data):
        if first:
            first.clear()
            await send(data)
        else:
            await asyncio.Event().wait()

    world.downstream.send = stuck_at_the_last_word
    data, _ = seal(inner_request(STREAM_BODY))
    await asyncio.wait_for(world.chain.serve(sealed_received(data), world.downstream), 10)
    assert world.recorded == [(502, "127.0.0.1")]
    assert not world.downstream.finished


async def test_replayed_request_is_refused_inside():
    """The same bytes a second time get a sealed 409 and reach no model."""
    world = World(chat("x"))
    data, sealer = seal(inner_request())
    await world.chain.serve(sealed_received(data), world.downstream)
    world.downstream = RecordingDownstream()
    await world.chain.serve(sealed_received(data), world.downstream)
    opener = sealer.response_opener()
    answer = parse_response(opener.feed(world.downstream.body) + opener.finish())
    assert answer.status == 409
    assert len(world.upstream.requests) == 1


async def test_a_replay_is_charged_and_an_answer_is_not():
    """Calls that are answered may be many; a recorded one that is sent again is a stranger's."""
    rules = EffortRules(site_share=1e-9, strangers_share=1e-9)
    world = World(chat("x"), spending=Spending(rules, monotonic=lambda: 0.0))
    data, _ = seal(inner_request())
    for _ in range(2):
        await world.chain.serve(sealed_received(data), world.downstream)
    assert world.errors == ["replayed"]
    await world.chain.serve(sealed_received(data), world.downstream)
    assert world.recorded[-1] == (429, "127.0.0.1")


async def test_long_answer_leaves_others_their_turn():
    """While a long whole answer is scrubbed, other tasks go on."""
    world, turns = World(chat("a word and another " * 2_000)), 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    assert (await world.call())[0] == 200
    beside.cancel()
    assert turns > 10


async def test_value_that_begins_in_the_prompt_is_redacted():
    """What the prompt begins and the model completes is a value all the same."""
    choice = {"index": 0, "text": "3800138000 is it", "finish_reason": "stop"}
    completion = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "tiny"}
    world = World(FakeAnswer([orjson.dumps(completion | {"choices": [choice]})]))
    request = replace(
        inner_request(b'{"model":"tiny","prompt":"mobile phone: 1"}'), path=b"/v1/completions"
    )
    _, body, _ = await world.call(request)
    assert b"3800138000" not in body


@pytest.mark.parametrize("body", [STREAM_BODY, CHAT_BODY])
async def test_cut_while_the_end_is_being_written_says_nothing_more(body):
    """An answer that was sealed to its end takes no error event after it."""
    answer = stream("hello there ", DONE) if body is STREAM_BODY else chat("hello")
    world, stuck = World(answer), asyncio.Event()
    send = world.downstream.send

    async def stuck_at_the_end(data):
        await send(data)
        if world.upstream.requests and (body is CHAT_BODY or len(world.downstream.sent) > 2):
            stuck.set()
            await asyncio.Event().wait()

    world.downstream.send = stuck_at_the_end
    await world.running.cut_at_next_change()
    data, _ = seal(inner_request(body))
    serving = asyncio.create_task(world.chain.serve(sealed_received(data), world.downstream))
    await asyncio.wait_for(stuck.wait(), 30)
    pieces = len(world.downstream.sent)
    cutting = asyncio.create_task(world.running.cut_at_next_change())
    world.snapshots.replace(snapshot(with_client(disabled=True)))
    await asyncio.wait_for(serving, 10)
    await cutting
    assert world.recorded == [(401, "127.0.0.1")]
    assert world.faults == []
    assert body is STREAM_BODY or len(world.downstream.sent) == pieces


async def test_cell_that_stops_inside_an_event_is_followed_by_nothing():
    """With cells of constant size an error event never lands in the middle of another one."""
    cells = with_client(shaping=Shaping(cell_ms=20))
    world = World(stream("word " * 400, UpstreamUnavailable()), value=snapshot(cells))
    release = asyncio.Event()

    async def chunks():
        yield world.upstream.answer._chunks[0]
        await release.wait()
        raise UpstreamUnavailable

    world.upstream.answer.chunks = chunks
    told, send = asyncio.Event(), world.downstream.send

    async def tell_at_the_second_cell(data):
        await send(data)
        if len(world.downstream.sent) == 3:
            told.set()

    world.downstream.send = tell_at_the_second_cell
    calling = asyncio.create_task(world.call(inner_request(STREAM_BODY)))
    await asyncio.wait_for(told.wait(), 30)
    release.set()
    _, body, complete = await asyncio.wait_for(calling, 30)
    assert not complete
    assert b"error" not in body


async def test_grant_withdrawn_while_the_tag_is_claimed_is_seen():
    """What is withdrawn between authentication and the model is refused all the same."""
    world = World(chat("x"))
    claim = world.chain._stages.refuse_replay._store.claim

    async def slow_claim(tag, *, until):
        await claim(tag, until=until)
        world.snapshots.replace(snapshot(with_client(grants=frozenset())))

    world.chain._stages.refuse_replay._store.claim = slow_claim
    assert (await world.call())[0] == 403
    assert world.upstream.requests == []


async def test_used_up_quota_is_told_inside_the_seal():
    """A sealed 429 says in OpenAI's shape what is used up, and in a header when to come back."""
    value = snapshot(with_client(quota=Quota(requests_per_minute=1)))
    world = World(chat("x"), value=value)
    assert (await world.call())[0] == 200
    world.downstream = RecordingDownstream()
    data, sealer = seal(inner_request())
    await world.chain.serve(sealed_received(data), world.downstream)
    opener = sealer.response_opener()
    answer = parse_response(opener.feed(world.downstream.body) + opener.finish())
    assert answer.status == 429
    assert orjson.loads(answer.body)["error"]["code"] == "quota_exceeded"
    assert 1 <= int(dict(answer.headers)[b"retry-after"]) <= 60
    assert b"retry-after" not in dict(world.downstream.headers)
    assert len(world.upstream.requests) == 1


async def test_tokens_of_a_stream_are_counted_from_its_usage():
    """What vLLM says a stream has cost is counted, though the client did not ask to see it."""
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    envelope = {"id": "chatcmpl-1", "object": "x", "created": 1, "model": "tiny"}
    last = b"data: " + orjson.dumps(envelope | {"choices": [], "usage": usage}) + b"\n\n"
    for quota, status in ((25, 429), (26, 200)):
        value = snapshot(with_client(quota=Quota(tokens_per_minute=quota)))
        world = World(stream("hello ", "there ", last, DONE), value=value)
        _, body, complete = await world.call(inner_request(STREAM_BODY))
        assert complete
        assert b"usage" not in body
        world.downstream = RecordingDownstream()
        assert (await world.call(inner_request(STREAM_BODY)))[0] == status


async def test_place_of_a_client_that_leaves_is_free_again():
    """A client that leaves in the middle pays for what was made and holds no place."""
    value = snapshot(with_client(quota=Quota(concurrent_streams=1, tokens_per_day=2)))
    world = World(stream("hello ", "there ", "you "), value=value)

    async def endless():
        async for data in FakeAnswer(world.upstream.answer._chunks).chunks():
            yield data
        await asyncio.Event().wait()

    world.upstream.answer.chunks = endless
    leaving = asyncio.create_task(world.call(inner_request(STREAM_BODY)))
    await asyncio.sleep(0.05)
    first, world.downstream = world.downstream, RecordingDownstream()
    assert first.sent
    status, body, _ = await world.call()
    assert (status, b"under way" in body) == (429, True)
    leaving.cancel()
    await asyncio.wait({leaving})
    world.downstream = RecordingDownstream()
    status, body, _ = await world.call()
    assert (status, b"tokens per day" in body) == (429, True)


@pytest.mark.parametrize(
    ("forwarded", "allowed", "outer", "inner", "recorded"),
    [
        (b"192.0.2.1", "192.0.2.0/24", 200, 200, "192.0.2.1"),
        (b"192.0.2.1", "127.0.0.0/8", 200, 403, "192.0.2.1"),  # the proxy's own does not count
        (b"203.0.113.7", "0.0.0.0/0", 403, None, "203.0.113.7"),  # not on the gateway-wide list
        (b"unknown", "0.0.0.0/0", 403, None, "127.0.0.1"),
        (None, "0.0.0.0/0", 403, None, "127.0.0.1"),
    ],
)
async def test_behind_a_proxy_the_client_is_checked_and_recorded(
    forwarded, allowed, outer, inner, recorded
):
    """Admission, the client's own list and the record all have the address behind the proxy."""
    client = with_client(networks=(ip_network(allowed),))
    world = World(chat("hi"), networks=["192.0.2.0/24"], value=snapshot(client), proxies=PROXIES)
    data, sealer = seal(inner_request())
    received = sealed_received(data)
    if forwarded is not None:
        received = replace(received, headers=[*received.headers, (b"x-forwarded-for", forwarded)])
    await world.chain.serve(received, world.downstream)
    assert world.downstream.status == outer
    assert world.recorded == [(inner or outer, recorded)]
    if inner is not None:
        opener = sealer.response_opener()
        body = opener.feed(world.downstream.body) + opener.finish()
        assert parse_response(body).status == inner


def proven_request(key, bound_token):
    """Return the request of the tests as the client library proves it."""
    request = inner_request()
    proof = key.inner_headers(request, token=Secret(bound_token), now=NOW)
    kept = [item for item in request.headers if item[0] != b"authorization"]
    return replace(request, headers=(*kept, *proof))


def dpop_key():
    """Return a prover of the client library and a token that is bound to its key."""
    key = DpopProver(random_bytes=secrets.token_bytes)
    uri = "https://gateway.example/oauth2/token"
    proof = key.prove_token_request(uri, now=NOW)
    proven = verify_proof(proof, ProvenCall("POST", uri), nonces=None, now=NOW)
    return key, token(confirmation=Confirmation(jkt=proven.jkt))


async def test_a_bound_token_comes_through_the_seal():
    """The nonce and the challenge travel sealed; the next proof is taken, and taken once."""
    key, bound_token = dpop_key()
    world = World(chat("Hello."))
    status, _, complete = await world.call(proven_request(key, bound_token))
    assert (status, complete) == (401, True)
    assert world.inner_headers[b"www-authenticate"].startswith(b'DPoP error="use_dpop_nonce"')
    assert world.downstream.status == 200
    assert not {name for name, _ in world.downstream.headers} & {
        b"dpop-nonce", b"www-authenticate",
    }  # fmt: skip
    assert key.take_nonce(world.inner_headers[b"dpop-nonce"].decode())
    request = proven_request(key, bound_token)
    world.downstream = RecordingDownstream()
    assert (await world.call(request))[0] == 200
    world.downstream = RecordingDownstream()
    assert (await world.call(request))[0] == 401
    assert b"invalid_dpop_proof" in world.inner_headers[b"www-authenticate"]
    assert len(world.upstream.requests) == 1


async def test_a_bound_token_in_the_clear_needs_its_proof_too():
    """Without a seal the challenge is on the answer itself."""
    key, bound_token = dpop_key()
    world = World(chat("Hello."), value=snapshot(with_client(plaintext_allowed=True)))
    request = proven_request(key, bound_token)
    await world.chain.serve(clear_received(request), world.downstream)
    headers = dict(world.downstream.headers)
    assert world.downstream.status == 401
    assert headers[b"dpop-nonce"] == NONCES.issue(NOW).encode()
    stolen = inner_request(bearer=bound_token)
    world.downstream = RecordingDownstream()
    await world.chain.serve(clear_received(stolen), world.downstream)
    assert world.downstream.status == 401
    assert dict(world.downstream.headers)[b"www-authenticate"] == b'Bearer error="invalid_token"'
    assert world.upstream.requests == []
