"""The fake vLLM as tests use it, over a real socket."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from loadtests.client import Received as Answered
from loadtests.client import Target, chat_body, connect, connect_all, in_the_clear, receive_all
from loadtests.fake_vllm import FakeVllm, Options, start_fake_vllm
from loadtests.invented import answer
from loadtests.reading import find_faults, read_stream
from loadtests.script import Cut, Fault, Hang, Raw, Refusal, Script, Until, text, texts

OPTIONS = Options(api_key="k", models=("tiny",), tokens=40)


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[FakeVllm]:
    """Run a fake on a socket in a folder of its own."""
    async with start_fake_vllm(tmp_path / "vllm.sock", options=OPTIONS) as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """Return where the fake listens."""
    return Target("direct", tmp_path / "vllm.sock", in_the_clear(host="localhost", token="k"))


async def ask(target: Target, *, streamed: bool = True, model: str = "tiny") -> Answered:
    """Send one request and return the answer."""
    body = chat_body(tokens=40, variant=1, model=model, streamed=streamed)
    connections = await connect_all(target, [body])
    [received] = await receive_all(connections)
    return received


def body_of(received: Answered) -> bytes:
    """Return everything that arrived."""
    return b"".join(arrival.data for arrival in received.arrivals)


async def test_invented_answer_is_complete(fake: FakeVllm, target: Target) -> None:
    """Without a script the answer is the one a client can work out by itself."""
    received = await ask(target)
    wanted = answer(tokens=40, pii_share=OPTIONS.pii_share, variant=1)
    assert received.status == 200
    assert find_faults(read_stream(received.arrivals), wanted, redacted=False) == []


async def test_script_is_played_streamed_and_whole(fake: FakeVllm, target: Target) -> None:
    """The same steps give a stream and a body with the same text."""
    fake.script = Script(texts("Mail anna@exam", "ple.com"))
    assert read_stream((await ask(target)).arrivals).text == "Mail anna@example.com"
    whole = orjson.loads(body_of(await ask(target, streamed=False)))
    assert whole["choices"][0]["message"]["content"] == "Mail anna@example.com"


async def test_requests_are_kept(fake: FakeVllm, target: Target) -> None:
    """A test can see what reached the model, and that it was answered to its end."""
    assert fake.requests == []
    await ask(target)
    [request] = await fake.wait_for_requests(1)
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.header("Authorization") == "Bearer k"
    assert orjson.loads(request.body)["max_tokens"] == 40
    await asyncio.wait_for(request.answered.wait(), 30)
    assert not request.disconnected.is_set()


async def test_a_client_that_leaves_is_noticed(fake: FakeVllm, target: Target) -> None:
    """A hanging answer ends when the client goes away, and the test can wait for it."""
    fake.script = Script([text("a"), Hang()])
    connection = await connect(target, chat_body(tokens=1, variant=0, model="tiny", streamed=True))
    connection.send()
    [request] = await fake.wait_for_requests(1)
    connection.leave()
    await asyncio.wait_for(request.disconnected.wait(), 30)
    assert not request.answered.is_set()


async def test_next_step_can_wait_for_the_test(fake: FakeVllm, target: Target) -> None:
    """A step after an event is played when that is set; without it the connection breaks."""
    said = threading.Event()
    fake.script = Script([text("a"), Until(said), text("b")])
    asking = asyncio.create_task(ask(target))
    await fake.wait_for_requests(1)
    said.set()
    assert b'"content":"b"' in body_of(await asking)
    fake.script = Script([text("a"), Until(threading.Event(), seconds=0.01), text("b")])
    assert (await ask(target)).error == "connection lost"


async def test_cut_and_fault(fake: FakeVllm, target: Target) -> None:
    """A cut connection is an error for the client; a dead engine is an event under status 200."""
    fake.script = Script([text("a"), Cut()])
    cut = await ask(target)
    assert cut.error == "connection lost"
    assert b'"content":"a"' in body_of(cut)
    fake.script = Script([text("a"), Fault()])
    broken = await ask(target)
    assert broken.status == 200
    assert body_of(broken).endswith(b'"code": 500}}\n\ndata: [DONE]\n\n')


async def test_refusals_repeat_the_input(fake: FakeVllm, target: Target) -> None:
    """Like vLLM, the fake says back what was wrong, which a gateway must not pass on."""
    unknown = await ask(target, model="ZZMARK")
    assert unknown.status == 404
    assert b"ZZMARK" in body_of(unknown)
    fake.script = lambda request: Script(refusal=Refusal(400, f"bad {request.method}"))
    refused = await ask(target)
    assert (refused.status, orjson.loads(body_of(refused))["error"]["message"]) == (400, "bad POST")


async def test_key_is_asked_for(fake: FakeVllm, tmp_path: Path) -> None:
    """A request without the key is refused, and still kept."""
    stranger = Target("x", tmp_path / "vllm.sock", in_the_clear(host="localhost", token="no"))
    assert (await ask(stranger)).status == 401
    assert len(fake.requests) == 1


async def test_raw_bytes_are_left_alone(fake: FakeVllm, target: Target) -> None:
    """Raw steps alone make a body without any event of the fake's own."""
    fake.script = Script([Raw(b"event: a\nda"), Raw(b"ta: {}\n\n")])
    assert body_of(await ask(target)) == b"event: a\ndata: {}\n\n"


async def test_paced_stream_takes_its_time(tmp_path: Path) -> None:
    """A paced answer is spread over its schedule, except for models that are never paced."""
    options = Options(pace_seconds=0.005, flood_models=("fast",))
    path = tmp_path / "paced.sock"
    async with start_fake_vllm(path, options=options):
        paced = Target("x", path, in_the_clear(host="localhost", token="k"))
        slow, fast = await ask(paced), await ask(paced, model="fast")
    assert slow.arrivals[-1].at - slow.arrivals[0].at > 0.15
    assert fast.arrivals[-1].at - fast.arrivals[0].at < 0.15
