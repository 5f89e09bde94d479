"""One connection, without a socket."""

from __future__ import annotations

import asyncio
import weakref
from ipaddress import ip_address

import pytest
from uvicorn.server import ServerState

from gateway.backends.http_connection import HttpConnection, Service
from gateway.core.connection_pace import PaceLimits
from gateway.core.connection_places import ConnectionPlaces
from gateway.core.errors import SealgateError
from tests.fakes.world import clock

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"
PACE = PaceLimits(head_seconds=5, idle_seconds=30, body_window_seconds=10, write_seconds=60)


class Wire(asyncio.Transport):
    """A transport that remembers."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 8443)})
        self.sent, self.unsent = b"", 0
        self.is_held = self.is_closed = self.is_cut = False

    def set_write_buffer_limits(self, high=None, low=None):
        self.high = high

    def get_write_buffer_size(self):
        return self.unsent

    def write(self, data):
        assert not self.is_closed
        self.sent += data

    def pause_reading(self):
        self.is_held = True

    def resume_reading(self):
        self.is_held = False

    def is_closing(self):
        return self.is_closed or self.is_cut

    def close(self):
        self.is_closed = True

    def abort(self):
        self.is_cut = True


class World:
    """A connection, its application and what the listener refused."""

    def __init__(self, app=None) -> None:
        self.calls: list[dict] = []
        self.refused: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self.places = ConnectionPlaces(1, 1, exempt=lambda _address: False)
        place = self.places.find_place()
        assert place.claim(ip_address("192.0.2.7"))
        service = Service(app or self.app, self.refuse, clock, PACE, ServerState())
        self.state = service.state
        self.wire, self.one = Wire(), HttpConnection(service, ("192.0.2.7", 4711), place)
        self.one.connection_made(self.wire)
        self.began_at = asyncio.get_running_loop().time()

    async def app(self, scope, receive, send):
        self.calls.append(scope)
        try:
            while (await receive()).get("more_body"):
                pass
        except SealgateError as error:
            self.faults.append(error.code)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    def refuse(self, error, address):
        self.refused.append((error.code, address))
        return 400, [(b"a", b"b")], b"no"

    async def say(self, data: bytes) -> None:
        """Let *data* arrive and the application work."""
        self.one.data_received(data)
        for _ in range(5):
            await asyncio.sleep(0)

    def look(self, seconds: float) -> None:
        """Look at the connection so long after it was made."""
        self.one.look(self.began_at + seconds)


async def test_requests_are_served_one_after_the_other():
    """On one connection each request has its answer, and the scope is that of the request."""
    world = World()
    for path in (b"/a", b"/b%20c?d=e"):
        await world.say(GET.replace(b"/a", path))
    assert world.wire.sent.count(b"HTTP/1.1 200 OK") == 2
    scope = world.calls[1]
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/b c", b"/b%20c", b"d=e")
    assert (scope["method"], scope["client"]) == ("GET", ("192.0.2.7", 4711))
    assert (scope["scheme"], scope["headers"]) == ("https", [(b"host", b"x")])
    assert not world.wire.is_closing()
    assert world.wire.high == 65_536


async def test_refused_head_has_one_answer_and_reaches_nobody():
    """The refusal is recorded with its address; what comes after it is not looked at."""
    world = World()
    await world.say(b"GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n" + GET)
    await world.say(GET)
    assert world.refused == [("malformed_request", "192.0.2.7")]
    assert world.wire.sent.startswith(b"HTTP/1.1 400 Bad Request\r\na: b\r\ncontent-length: 2\r\n")
    assert world.wire.sent.endswith(b"connection: close\r\n\r\nno")
    assert world.wire.is_closed
    assert not world.calls


async def test_pipelined_request_ends_the_connection():
    """A request before the answer to the last cuts both off."""
    world = World()
    await world.say(GET + GET)
    assert world.wire.is_cut
    assert world.refused == []


async def test_fault_of_a_body_is_answered_by_the_application():
    """The application has begun, so it says and records what was wrong; then nothing is read."""
    world = World()
    await world.say(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n")
    await world.say(GET)
    assert world.faults == ["malformed_request"]
    assert world.refused == []
    assert b"connection: close\r\n\r\n" in world.wire.sent
    assert (len(world.calls), world.wire.is_closing()) == (1, False)  # so that it can be read
    world.look(5.1)
    assert world.wire.is_cut


async def test_slow_head_is_timed_out():
    """Who began a head is told and recorded; who said nothing is just closed."""
    world = World()
    await world.say(GET[:-2])
    world.look(4.9)
    assert world.refused == []
    world.look(5.1)
    assert world.refused == [("request_timeout", "192.0.2.7")]
    assert world.wire.is_closed
    world = World()
    world.look(5.1)
    assert world.refused == []
    assert world.wire.is_cut


async def test_slow_body_is_timed_out():
    """The application gets the time-out where it waits for the body."""
    world = World()
    await world.say(POST + b"abc")
    world.look(9.9)
    assert not world.faults
    world.look(10.1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert world.faults == ["request_timeout"]
    assert b"connection: close" in world.wire.sent


async def test_slow_body_cuts_an_answer_that_has_begun():
    """Where the status is spent, a body that stays away ends the connection."""

    async def app(_scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()
        await receive()

    world = World(app)
    await world.say(POST + b"a")
    world.look(10.1)
    assert world.wire.is_cut


async def test_idle_connection_is_closed():
    """A connection without a request is closed in peace, and cut if that is not let happen."""
    world = World()
    await world.say(GET)
    world.look(29.0)
    assert not world.wire.is_closed
    world.look(31.0)
    assert world.wire.is_closed
    world.look(37.0)
    assert world.wire.is_cut


async def test_next_head_has_its_own_time():
    """The time of a second head begins with its first byte, and it is told when it is over."""
    world = World()
    await world.say(GET)
    await world.say(b"G")
    world.look(6.0)
    assert world.refused == [("request_timeout", "192.0.2.7")]


async def test_early_answer_lets_the_rest_go():
    """An answer before the body is whole can be read; the rest is thrown away for a moment."""

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 413, "headers": []})
        await send({"type": "http.response.body"})

    world = World(app)
    await world.say(POST)
    await world.say(b"abcdefghi" + GET)
    assert world.wire.sent.count(b"HTTP/1.1") == 1
    assert not world.wire.is_closing()
    world.look(6.0)
    assert world.wire.is_cut


async def test_reader_that_takes_nothing_is_cut():
    """A client that leaves its answer where it is loses the connection."""

    async def app(_scope, _receive, _send):
        await asyncio.Event().wait()

    world = World(app)
    await world.say(GET)
    world.wire.unsent = 1000
    world.look(1.0)
    world.look(59.0)
    assert not world.wire.is_cut
    world.look(61.1)
    assert world.wire.is_cut
    world.one.connection_lost(None)
    [task] = world.state.tasks
    task.cancel()
    await asyncio.wait({task})


async def test_body_that_is_not_asked_for_is_not_late():
    """While the application does not read, the client's time stands still."""
    more = asyncio.Event()

    async def app(_scope, receive, _send):
        await more.wait()
        await receive()
        await receive()

    world = World(app)
    await world.say(POST.replace(b"9", b"99999") + b"x" * 70_000)
    assert world.wire.is_held
    world.look(1000.0)
    assert not world.wire.is_closing()
    more.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not world.wire.is_held
    world.look(10.5)
    assert world.wire.is_cut is False
    for _ in range(5):
        await asyncio.sleep(0)


async def test_place_is_free_when_the_connection_is_lost():
    """A lost connection gives its place back, and its application learns that the client left."""
    left = asyncio.Event()

    async def app(_scope, receive, _send):
        await receive()
        if (await receive())["type"] == "http.disconnect":
            left.set()

    world = World(app)
    await world.say(GET)
    assert world.places.find_place() is None
    assert world.state.connections == {world.one}
    world.one.connection_lost(None)
    await asyncio.wait_for(left.wait(), 30)
    assert world.places.find_place() is not None
    assert not world.state.connections


@pytest.mark.parametrize("busy", [False, True])
async def test_shutdown_waits_for_the_running_answer(busy):
    """An idle connection is closed at once, another when its answer is over."""
    more = asyncio.Event()

    async def app(_scope, _receive, send):
        await more.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    world = World(app)
    if busy:
        await world.say(GET)
    world.one.shutdown()
    assert world.wire.is_closed is not busy
    more.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert world.wire.is_closed
    assert (b"connection: close" in world.wire.sent) is busy


async def test_fault_of_an_application_is_not_printed(caplog):
    """What an application raises after all is dropped: its text may be of a caller."""

    async def app(_scope, _receive, _send):
        raise ValueError("secret of a caller")

    told: list[dict] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    world = World(app)
    await world.say(GET)
    assert world.wire.is_cut
    assert not told
    assert "secret" not in caplog.text


@pytest.mark.parametrize("data", [b"", GET, GET[:9], POST], ids=["none", "whole", "cut", "body"])
async def test_connection_that_is_over_is_free_at_once(data):
    """Its TLS state, which hangs on it, waits for no collection of cycles."""
    world = World()
    alive = weakref.ref(world.one)
    await world.say(data)
    world.one.connection_lost(None)
    while world.state.tasks:  # noqa: ASYNC110  # the application hears that its client is gone
        await asyncio.sleep(0)
    del world.one
    assert alive() is None


async def test_connection_that_did_not_arrive_is_free_at_once():
    """One whose handshake failed leaves nothing for the collector."""
    world = World()
    service = Service(world.app, world.refuse, clock, PACE, world.state)
    other = HttpConnection(service, ("192.0.2.7", 4712), world.places.find_place())
    alive = weakref.ref(other)
    del other
    assert alive() is None
