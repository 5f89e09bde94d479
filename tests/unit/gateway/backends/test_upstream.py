"""vLLM over a Unix socket, played by a server that streams as vLLM does."""

from __future__ import annotations

import asyncio

import pytest

from gateway.backends.upstream import ApiKeyFile, UnixSocketUpstream, UpstreamTimeouts
from gateway.core.errors import UpstreamUnavailable
from gateway.core.ports import UpstreamRequest
from loadtests.fake_vllm import Options, start_fake_vllm
from loadtests.script import Cut, Hang, Script, text
from tests.fakes.waiting import until

CALL = UpstreamRequest(
    "POST", "/v1/chat/completions", b'{"model":"tiny","stream":true,"messages":[]}'
)


@pytest.fixture
async def fake(tmp_path):
    """A model server with a key."""
    (tmp_path / "vllm.key").write_text("k1\n")
    async with start_fake_vllm(tmp_path / "v.sock", options=Options(api_key="k1")) as server:
        yield server


@pytest.fixture
async def upstream(tmp_path, fake):
    """The client under test."""
    timeouts = UpstreamTimeouts(connect=1, head=0.5, idle=0.5)
    client = UnixSocketUpstream(
        tmp_path / "v.sock", ApiKeyFile(tmp_path / "vllm.key"), timeouts=timeouts
    )
    yield client
    await client.close()


async def read(answer):
    body = b"".join([data async for data in answer.chunks()])
    await answer.close()
    return body


async def test_answer_is_streamed(fake, upstream):
    """Status, content type and every byte of the body arrive."""
    fake.script = Script([text("one"), text("two")])
    answer = await upstream.send(CALL)
    assert (answer.status, answer.content_type) == (200, "text/event-stream")
    body = await read(answer)
    assert b'"one"' in body
    assert body.endswith(b"data: [DONE]\n\n")


async def test_only_the_gateways_own_headers_are_sent(fake, upstream):
    """vLLM sees its key and the body, nothing that a client sent."""
    await read(await upstream.send(CALL))
    [request] = fake.requests
    assert {name.lower() for name, _ in request.headers} == {
        "host", "authorization", "accept-encoding", "content-type", "content-length",
    }  # fmt: skip
    assert request.header("authorization") == "Bearer k1"
    assert request.body == CALL.body


async def test_connection_is_used_again(fake, upstream):
    """Calls one after the other share a connection."""
    for _ in range(3):
        await read(await upstream.send(CALL))
    assert len(fake.connections) == 1


async def test_leaving_early_stops_the_generation(fake, upstream):
    """An answer that is let go unread cuts the connection, which vLLM notices."""
    fake.script = Script([text("one"), Hang()])
    answer = await upstream.send(CALL)
    async for _ in answer.chunks():
        break
    await answer.close()
    [request] = fake.requests
    await asyncio.wait_for(request.disconnected.wait(), 30)


async def test_connection_that_breaks_is_an_error(fake, upstream):
    """A body that ends in the middle is never taken for a whole one."""
    fake.script = Script([text("one"), Cut()])
    answer = await upstream.send(CALL)
    with pytest.raises(UpstreamUnavailable):
        await read(answer)
    await answer.close()


async def test_silent_server_is_given_up(fake, upstream):
    """No head within the time allowed: the call fails, it does not hang."""
    fake.script = Script([Hang()], hold_head=True)
    with pytest.raises(UpstreamUnavailable):
        await upstream.send(CALL)


async def test_stalled_body_is_given_up(fake, upstream):
    """A stream that stops in the middle is given up after the idle time."""
    fake.script = Script([text("one"), Hang()])
    answer = await upstream.send(CALL)
    with pytest.raises(UpstreamUnavailable):
        await read(answer)
    await answer.close()


async def test_connection_closed_while_idle_is_replaced(tmp_path):
    """A server that was restarted between two calls costs no call."""
    (tmp_path / "k").write_text("k1")
    client = UnixSocketUpstream(tmp_path / "v.sock", ApiKeyFile(tmp_path / "k"))
    for _ in range(2):
        async with start_fake_vllm(tmp_path / "v.sock", options=Options(api_key="k1")):
            await read(await client.send(CALL))
    await client.close()


async def test_absent_server_is_unavailable(tmp_path):
    """Neither a missing key nor a missing socket is anything but unavailable."""
    client = UnixSocketUpstream(tmp_path / "v.sock", ApiKeyFile(tmp_path / "k"))
    with pytest.raises(UpstreamUnavailable):
        await client.send(CALL)
    (tmp_path / "k").write_text("k1")
    with pytest.raises(UpstreamUnavailable):
        await client.send(CALL)
    assert not await client.is_healthy()


@pytest.mark.parametrize(
    "reply",
    [
        b"rubbish\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n",
    ],
)
async def test_hostile_head_is_unavailable(tmp_path, reply):
    """Rubbish, an endless head and a head that never ends are all refused."""

    async def serve(reader, writer):
        await reader.read(10)
        writer.write(reply)
        writer.close()

    (tmp_path / "k").write_text("k1")
    server = await asyncio.start_unix_server(serve, tmp_path / "v.sock")
    client = UnixSocketUpstream(tmp_path / "v.sock", ApiKeyFile(tmp_path / "k"))
    with pytest.raises(UpstreamUnavailable):
        await client.send(CALL)
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    "replies",
    [
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx" * 2,
    ],
)
async def test_answers_never_change_owner(tmp_path, replies):
    """An interim answer or one too many never becomes the answer to somebody else's request."""
    served = 0

    async def serve(reader, writer):
        nonlocal served
        served += 1
        while await reader.read(65_536):
            writer.write(replies)
        writer.close()

    (tmp_path / "k").write_text("k1")
    server = await asyncio.start_unix_server(serve, tmp_path / "v.sock")
    client = UnixSocketUpstream(tmp_path / "v.sock", ApiKeyFile(tmp_path / "k"))
    for _ in range(2):
        with pytest.raises(UpstreamUnavailable):
            await read(await client.send(CALL))
    assert served == 2
    await client.close()
    await asyncio.sleep(0.05)
    server.close()


async def test_large_body_may_come_with_its_head(tmp_path):
    """Head and a long body in one piece are an answer like any other."""
    body = b"x" * 200_000

    async def serve(reader, writer):
        await reader.read(65_536)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n" + body)
        await writer.drain()
        await reader.read()
        writer.close()

    (tmp_path / "k").write_text("k1")
    server = await asyncio.start_unix_server(serve, tmp_path / "v.sock")
    client = UnixSocketUpstream(tmp_path / "v.sock", ApiKeyFile(tmp_path / "k"))
    assert await read(await client.send(CALL)) == body
    await client.close()
    await asyncio.sleep(0.05)
    server.close()


async def test_health_is_vllms_own_word(upstream):
    """Healthy means that vLLM says so."""
    assert await upstream.is_healthy()


async def test_closed_pool_keeps_nothing(fake, upstream):
    """After close, connections in use end with their answer."""
    answer = await upstream.send(CALL)
    await upstream.close()
    await read(answer)
    await until(lambda: len(fake.connections) == 0)
