"""vLLM over a Unix socket, played by a server that streams as vLLM does."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from gateway.backends.certificates import CertificateFiles, ensure_certificates
from gateway.backends.upstream import (
    ApiKeyFile,
    HostAddress,
    NothingSent,
    PooledUpstream,
    SocketAddress,
)
from gateway.backends.upstream_answer import AnswerLimits
from gateway.core.errors import UpstreamUnavailable
from gateway.core.upstream_port import UpstreamRequest
from loadtests.fake_vllm import Options, start_fake_vllm
from loadtests.script import Cut, Hang, Script, text
from tests.fakes.certificates import ClientAuthority
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
    client = PooledUpstream(
        SocketAddress(tmp_path / "v.sock"),
        ApiKeyFile(tmp_path / "vllm.key"),
        limits=AnswerLimits(head=0.5, idle=0.5),
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
    client = PooledUpstream(SocketAddress(tmp_path / "v.sock"), ApiKeyFile(tmp_path / "k"))
    for _ in range(2):
        async with start_fake_vllm(tmp_path / "v.sock", options=Options(api_key="k1")):
            await read(await client.send(CALL))
    await client.close()


async def test_absent_server_is_unavailable(tmp_path):
    """Neither a missing key nor a missing socket is anything but unavailable."""
    client = PooledUpstream(SocketAddress(tmp_path / "v.sock"), ApiKeyFile(tmp_path / "k"))
    with pytest.raises(UpstreamUnavailable):
        await client.send(CALL)
    (tmp_path / "k").write_text("k1")
    with pytest.raises(UpstreamUnavailable):
        await client.send(CALL)
    assert not await client.is_healthy()


def test_another_key_counts_at_once(tmp_path):
    """A file in its place and one written over are read anew, and one that is gone is no key."""
    file, new = tmp_path / "k", tmp_path / "new"
    file.write_text("k1\n")
    key = ApiKeyFile(file)
    assert [key().reveal() for _ in range(2)] == ["k1"] * 2
    new.write_text("k2\n")
    new.rename(file)
    assert key().reveal() == "k2"
    file.write_text("longer")
    assert key().reveal() == "longer"
    file.unlink()
    with pytest.raises(UpstreamUnavailable):
        key()


async def test_a_request_is_never_sent_twice_to_a_server_that_took_it(tmp_path):
    """What ends a server without an answer is not given to it again, nor called unsent."""
    served = []

    async def serve(reader, writer):
        served.append(await reader.read(65_536))
        writer.close()

    (tmp_path / "k").write_text("k1")
    server = await asyncio.start_unix_server(serve, tmp_path / "v.sock")
    client = PooledUpstream(SocketAddress(tmp_path / "v.sock"), ApiKeyFile(tmp_path / "k"))
    with pytest.raises(UpstreamUnavailable) as caught:
        await client.send(CALL)
    assert not isinstance(caught.value, NothingSent)
    assert len(served) == 1
    server.close()


async def test_a_server_that_dies_of_a_call_on_an_old_connection_may_have_had_it(tmp_path):
    """A call that an idle connection may have carried counts as sent when nobody listens after."""
    (tmp_path / "k").write_text("k1")
    client = PooledUpstream(SocketAddress(tmp_path / "v.sock"), ApiKeyFile(tmp_path / "k"))
    calls = 0

    async def serve(reader, writer):
        nonlocal calls
        while await reader.read(65_536):
            calls += 1
            if calls == 2:
                server.close()
                (tmp_path / "v.sock").unlink()
                break
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "v.sock")
    await read(await client.send(CALL))
    with pytest.raises(UpstreamUnavailable) as caught:
        await client.send(CALL)
    assert not isinstance(caught.value, NothingSent)


async def test_answers_never_change_owner(tmp_path):
    """An answer too many never becomes the answer to somebody else's request."""
    served = 0

    async def serve(reader, writer):
        nonlocal served
        served += 1
        while await reader.read(65_536):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx" * 2)
        writer.close()

    (tmp_path / "k").write_text("k1")
    server = await asyncio.start_unix_server(serve, tmp_path / "v.sock")
    client = PooledUpstream(SocketAddress(tmp_path / "v.sock"), ApiKeyFile(tmp_path / "k"))
    for _ in range(2):
        with pytest.raises(UpstreamUnavailable):
            await read(await client.send(CALL))
    assert served == 2
    await client.close()
    await asyncio.sleep(0.05)
    server.close()


@pytest.fixture
async def remote(tmp_path):
    """A server over TLS on loopback: its port, and the authority that vouches for it."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))

    async def serve(reader, writer):
        with suppress(OSError):
            while await reader.read(65_536):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")
        writer.close()

    (tmp_path / "k").write_text("k1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1], files.ca_certificate
    server.close()


def trusting(ca_file):
    return ssl.create_default_context(cafile=str(ca_file))


async def test_another_host_is_reached_over_tls(tmp_path, remote):
    """A server whose certificate the named authority vouches for is asked, and asked again."""
    port, ca_file = remote
    address = HostAddress("127.0.0.1", port, trusting(ca_file))
    client = PooledUpstream(address, ApiKeyFile(tmp_path / "k"))
    for _ in range(2):
        assert await read(await client.send(CALL)) == b"x"
    assert address.authority == f"127.0.0.1:{port}"
    await client.close()


async def test_nobody_else_is_trusted(tmp_path, remote):
    """A certificate of another authority or for another name gets not a byte of the request."""
    port, ca_file = remote
    other = ClientAuthority(tmp_path, "other").file
    for host, trusted in (("127.0.0.1", other), ("127.0.0.2", ca_file)):
        address = HostAddress(host, port, trusting(trusted))
        client = PooledUpstream(address, ApiKeyFile(tmp_path / "k"))
        with pytest.raises(NothingSent):
            await client.send(CALL)


def test_an_address_of_version_6_is_written_in_brackets():
    """As it stands in a URL (RFC 3986 §3.2.2)."""
    assert HostAddress("::1", 8000, None).authority == "[::1]:8000"


async def test_health_is_vllms_own_word(upstream):
    """Healthy means that vLLM says so."""
    assert await upstream.is_healthy()


async def test_closed_pool_keeps_nothing(fake, upstream):
    """After close, connections in use end with their answer."""
    answer = await upstream.send(CALL)
    await upstream.close()
    await read(answer)
    await until(lambda: len(fake.connections) == 0)
