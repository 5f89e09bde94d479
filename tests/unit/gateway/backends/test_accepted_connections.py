"""Connections that begin with a PROXY header, over real sockets and TLS."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Self

import pytest

from gateway.backends.accepted_connections import AcceptedConnections, Entrance
from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context
from gateway.core.connection_places import ConnectionPlaces
from gateway.core.forwarded import TrustedProxies
from tests.fakes.proxy_headers import LOCAL, v1, v2, v2_raw
from tests.fakes.waiting import until

CLIENT = ip_address("203.0.113.7")
CLIENT6 = ip_address("2001:db8::7")
PADDING = b"\x04\x00\x90" + bytes(144)
LOOPBACK = (ip_network("127.0.0.0/8"),)


class Greeter(asyncio.Protocol):
    """Answers the first data with the client's address and that data."""

    def __init__(self, house: House, client, place) -> None:
        self.house, self.client, self.place = house, client, place

    def connection_made(self, transport):
        self.transport = transport
        self.house.inside.add(self)

    def data_received(self, data):
        host, port = self.client
        self.transport.write(f"{host} {port} ".encode() + data)
        self.transport.close()

    def connection_lost(self, error):
        self.house.inside.discard(self)
        self.place.leave()


class House:
    """A listening socket with an entrance, and who is inside."""

    def __init__(self, directory, *, trusted=LOOPBACK, room=100, header_seconds=5.0) -> None:
        files = CertificateFiles.in_directory(directory)
        ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
        self.inside: set[Greeter] = set()
        self.trusting = ssl.create_default_context(cafile=files.ca_certificate)
        self.entrance = Entrance(
            tls=server_context(files.certificate, files.key),
            trust=TrustedProxies(trusted).trust,
            places=ConnectionPlaces(room, 100, exempt=lambda _address: False),
            new_protocol=lambda client, place: Greeter(self, client, place),
            header_seconds=header_seconds,
        )
        self.port = 0

    @asynccontextmanager
    async def open(self, *, host="127.0.0.1", family=socket.AF_INET) -> AsyncIterator[House]:
        """Serve until the end of the block."""
        dual = {"dualstack_ipv6": True} if family == socket.AF_INET6 else {}
        with socket.create_server((host, 0), family=family, **dual) as listening:
            self.port = listening.getsockname()[1]
            self.door = AcceptedConnections(listening, self.entrance)
        try:
            yield self
        finally:
            self.door.close()
            await asyncio.wait_for(self.door.wait_closed(), 30)


class Caller:
    """A client behind a proxy in one socket; TLS is made in memory, so bytes can be cut."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = house.trusting.wrap_bio(self._in, self._out, server_hostname="127.0.0.1")

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.house.port)
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    async def __aexit__(self, *_):
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            return

    def hello(self) -> bytes:
        """Return the first flight of the client."""
        with pytest.raises(ssl.SSLWantReadError):
            self._tls.do_handshake()
        return self._out.read()

    async def send(self, *pieces: bytes, pause=0.01) -> None:
        """Send each piece as a segment of its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(pause)

    async def talk(self, said: bytes = b"hello") -> bytes:
        """Finish the handshake, say something with its last flight, and return the answer."""
        done = False
        while not done:
            try:
                self._tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                await self._turn()
        self._tls.write(said)
        answer = b""
        while True:
            try:
                data = self._tls.read()
            except ssl.SSLWantReadError:
                await self._turn()
            except ssl.SSLZeroReturnError:
                return answer
            else:
                if not data:
                    return answer
                answer += data

    async def _turn(self) -> None:
        if self._out.pending:
            self.writer.write(self._out.read())
        data = await asyncio.wait_for(self.reader.read(65_536), 30)
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()

    async def is_closed(self, *, seconds=4.5) -> bool:
        """Say whether the other side closes without having said a word."""
        try:
            return await asyncio.wait_for(self.reader.read(), seconds) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


def cuts(header: bytes):
    """Return ways to send a header and what follows in segments."""
    return {
        "one segment": lambda hello: [header + hello],
        "header apart": lambda hello: [header, hello],
        "byte by byte": lambda hello: [*(header[i : i + 1] for i in range(len(header))), hello],
        "hello begun": lambda hello: [header[:-1], header[-1:] + hello[:1], hello[1:]],
        "middle": lambda hello: [header[:17], header[17:] + hello],
    }


@pytest.mark.parametrize("way", cuts(b""))
@pytest.mark.parametrize("header", [v1(CLIENT), v2(CLIENT), v2(CLIENT6, extensions=PADDING)])
async def test_client_is_known_however_the_header_is_cut(tmp_path, header, way):
    """Split anywhere or together with the ClientHello, the header names the client, TLS follows."""
    async with House(tmp_path).open() as house, Caller(house) as caller:
        await caller.send(*cuts(header)[way](caller.hello()), pause=0.001)
        expected = b"2001:db8::7 4711 hello" if PADDING in header else b"203.0.113.7 4711 hello"
        assert await caller.talk() == expected
    assert not house.inside


async def test_ipv6_client_and_the_proxys_own_connection(tmp_path):
    """A client has the address the header says; a proxy's own connection has the proxy's."""
    async with House(tmp_path).open() as house:
        for header, expected in (
            (v1(CLIENT6), b"2001:db8::7 4711 hello"),
            (v2(CLIENT6), b"2001:db8::7 4711 hello"),
            (v2(ip_address("::ffff:203.0.113.7")), b"203.0.113.7 4711 hello"),
        ):
            async with Caller(house) as caller:
                await caller.send(header + caller.hello())
                assert await caller.talk() == expected
        async with Caller(house) as caller:
            own = caller.writer.get_extra_info("sockname")
            await caller.send(LOCAL + caller.hello())
            assert await caller.talk() == f"127.0.0.1 {own[1]} hello".encode()


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"PROXY UNKNOWN\r\n",
        b"PROXY TCP4 unknown unknown 0 0\r\n",
        v2_raw(0x21, 0x00, b""),
        v2_raw(0x21, 0x11, bytes(600)),
        v2(CLIENT, extensions=b"\x01"),
        b"\x00",
    ],
)
async def test_garbage_closes_the_connection(tmp_path, garbage):
    """What is no header ends the connection without a word, and nobody gets in."""
    async with House(tmp_path).open() as house, Caller(house) as caller:
        await caller.send(garbage)
        assert await caller.is_closed()
        async with Caller(house) as next_one:
            await next_one.send(v1(CLIENT) + next_one.hello())
            assert await next_one.talk() == b"203.0.113.7 4711 hello"


async def test_second_header_is_not_read(tmp_path):
    """After one header TLS begins; a client cannot send another to become somebody else."""
    async with House(tmp_path).open() as house, Caller(house) as caller:
        await caller.send(v1(CLIENT) + v1(ip_address("192.0.2.1")) + caller.hello())
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await caller.talk()
        assert not house.inside


async def test_stranger_is_closed_before_a_byte_is_read(tmp_path):
    """Who is no trusted proxy cannot connect, with or without a good header."""
    strangers = (ip_network("192.0.2.0/24"),)
    async with House(tmp_path, trusted=strangers).open() as house:
        for data in (b"", v1(CLIENT), v2(CLIENT)):
            async with Caller(house) as caller:
                if data:
                    await caller.send(data)
                assert await caller.is_closed()


async def test_mapped_proxy_is_trusted_by_its_ipv4_address(tmp_path):
    """On a dual-stack socket an IPv4 proxy is still the one that was named."""
    house = House(tmp_path)
    async with house.open(host="::", family=socket.AF_INET6), Caller(house) as caller:
        await caller.send(v2(CLIENT) + caller.hello())
        assert await caller.talk() == b"203.0.113.7 4711 hello"


@pytest.mark.parametrize("begun", [b"", b"PROXY TCP4 1.2.", v2(CLIENT)[:20]])
async def test_slow_header_is_given_up(tmp_path, begun):
    """A header has so much time as a whole, however it trickles in."""
    async with House(tmp_path, header_seconds=0.3).open() as house, Caller(house) as caller:
        start = time.monotonic()
        if begun:
            await caller.send(begun)
        assert await caller.is_closed()
        assert 0.2 < time.monotonic() - start < 4.5


async def test_trickle_does_not_buy_time(tmp_path):
    """Each byte that comes does not begin the time anew."""
    header = v2(CLIENT, extensions=b"\x04\x01\x00" + bytes(256))
    async with House(tmp_path, header_seconds=0.3).open() as house, Caller(house) as caller:
        sending = asyncio.ensure_future(
            caller.send(*(header[i : i + 1] for i in range(len(header))), pause=0.02)
        )
        assert await caller.is_closed(seconds=30)
        sending.cancel()
        await asyncio.wait({sending})
        assert sending.cancelled() or isinstance(sending.exception(), ConnectionError)


async def test_a_client_that_leaves_halfway_harms_nobody(tmp_path):
    """Connections that end in the header or in the handshake leave nothing behind."""
    async with House(tmp_path).open() as house:
        for parts in (
            (),
            (b"PROXY ",),
            (v1(CLIENT),),
            (v1(CLIENT), b"\x16\x03\x01"),
            (v1(CLIENT), b"x"),
        ):
            async with Caller(house) as caller:
                await caller.send(*parts)
        async with Caller(house) as caller:
            reset = struct.pack("ii", 1, 0)
            await caller.send(v1(CLIENT)[:9])
            caller.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, reset
            )
        await asyncio.sleep(0.1)  # until the last one is at the door
        await until(lambda: not house.door._arriving and not house.inside)


async def test_connections_have_a_limit(tmp_path):
    """Who is still arriving counts; beyond the limit connections are closed at once."""
    async with House(tmp_path, room=2).open() as house:
        async with Caller(house) as first, Caller(house) as second:
            await first.send(v1(CLIENT) + first.hello())
            await second.send(b"PROXY")
            await until(lambda: len(house.door._arriving) + len(house.inside) == 2)
            async with Caller(house) as third:
                assert await third.is_closed()
            assert await first.talk() == b"203.0.113.7 4711 hello"
        await until(lambda: not house.door._arriving and not house.inside)
        async with Caller(house) as fourth:
            await fourth.send(v1(CLIENT) + fourth.hello())
            assert await fourth.talk() == b"203.0.113.7 4711 hello"


@pytest.mark.parametrize("begun", [b"", b"PROXY TCP", v1(CLIENT), v1(CLIENT) + b"\x16\x03\x01"])
async def test_closing_gives_up_who_has_not_arrived(tmp_path, begun):
    """When the door closes nobody new gets in, and nobody halfway keeps it open."""
    async with House(tmp_path).open() as house, Caller(house) as caller:
        if begun:
            await caller.send(begun)
        await asyncio.sleep(0.05)
        house.door.close()
        await asyncio.wait_for(house.door.wait_closed(), 30)
        assert await caller.is_closed()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", house.port)


async def test_running_out_of_files_is_survived(tmp_path):
    """When no connection can be accepted for a while, later ones are."""
    async with House(tmp_path).open() as house:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        with socket.socket() as outside:
            outside.setblocking(False)
            with pytest.raises(BlockingIOError):
                outside.connect(("127.0.0.1", house.port))
            resource.setrlimit(resource.RLIMIT_NOFILE, (outside.fileno(), before[1]))
            try:
                await asyncio.sleep(0.2)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
        async with Caller(house) as caller:
            await caller.send(v1(CLIENT) + caller.hello())
            assert await caller.talk() == b"203.0.113.7 4711 hello"
