"""The data plane's ASGI adapter."""

from __future__ import annotations

import asyncio
import weakref

import pytest

from gateway.api.inference import Inference
from tests.fakes.asgi import call, scope
from tests.fakes.waiting import until


class FakeChain:
    """Stands for the chain: echoes, hangs or fails."""

    def __init__(self, *, hang=False, error=None) -> None:
        self.hang, self.error = hang, error
        self.received = None
        self.cancelled = False

    async def serve(self, received, downstream):
        """Answer with the body."""
        self.received = received
        body = b"".join([data async for data in received.body])
        if self.error:
            raise self.error
        try:
            if self.hang:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        await downstream.start(200, [(b"x", b"y")])
        await downstream.send(body)
        await downstream.finish()


async def test_request_reaches_the_chain_unchanged():
    """Method, raw target, headers, peer, certificate and body arrive as they came."""
    chain = FakeChain()
    asked = scope("POST", "/a%20b?q=1", [(b"h", b"v")])
    asked["extensions"] = {"tls": {"client_cert_der": b"DER"}}
    answer = await call(Inference(chain), asked, b"one", b"two")
    assert (answer.status, answer.body, answer.complete) == (200, b"onetwo", True)
    received = chain.received
    assert (received.method, received.path) == ("POST", "/a%20b?q=1")
    assert (received.headers, str(received.peer)) == ([(b"h", b"v")], "127.0.0.1")
    assert received.client_certificate == b"DER"
    assert "DER" not in repr(received)


async def test_chain_is_cancelled_when_the_client_leaves():
    """A client that leaves stops the work that was done for it."""
    chain, leave = FakeChain(hang=True), asyncio.Event()
    task = asyncio.create_task(call(Inference(chain), scope("POST", "/x"), b"body", leave=leave))
    await until(lambda: chain.received)
    assert not task.done()
    leave.set()
    await asyncio.wait_for(task, 30)
    assert chain.cancelled


async def test_finished_answer_is_no_client_that_left():
    """What the chain still writes down after the last byte is not cut short by its end."""
    told, over = asyncio.Event(), asyncio.Event()

    class Chain(FakeChain):
        async def serve(self, received, downstream):
            """Answer, and count what it has cost."""
            await super().serve(received, downstream)
            await asyncio.sleep(0.02)
            told.set()

    async def receive():  # as uvicorn has it: nothing more comes once the answer is complete
        if not over.is_set() and not messages:
            messages.append(1)
            return {"type": "http.request", "body": b"", "more_body": False}
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.body" and not message.get("more_body"):
            over.set()

    messages: list[int] = []
    await asyncio.wait_for(Inference(Chain())(scope("POST", "/x"), receive, send), 30)
    assert told.is_set()


async def test_half_a_request_is_never_worked_on():
    """A client that leaves in the middle of its body gets nothing done."""
    chain = FakeChain()

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        raise AssertionError("nothing may be sent")

    await asyncio.wait_for(Inference(chain)(scope("POST", "/x"), receive, send), 30)


async def test_fault_of_the_chain_is_not_swallowed():
    """What the chain could not answer reaches the server, which cuts the connection."""
    with pytest.raises(RuntimeError):
        await call(Inference(FakeChain(error=RuntimeError("x"))), scope("POST", "/x"), b"body")


async def test_client_that_leaves_cancels_only_the_work_for_it():
    """The server's own task goes on after a client has left, and still ends when it is told to."""

    async def serve_two() -> list[bool]:
        cancelled = []
        for _ in range(2):
            chain, leave = FakeChain(hang=True), asyncio.Event()
            leave.set()
            await call(Inference(chain), scope("POST", "/x"), b"body", leave=leave)
            cancelled.append(chain.cancelled)
        return cancelled

    assert await asyncio.wait_for(serve_two(), 30) == [True, True]
    chain = FakeChain(hang=True)
    waiting = call(Inference(chain), scope("POST", "/x"), b"body", leave=asyncio.Event())
    task = asyncio.create_task(waiting)
    await until(lambda: chain.received)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert chain.cancelled


async def test_end_of_the_server_is_not_taken_for_a_client_that_left():
    """Both at the same moment end the server's task too, as it was told to."""
    chain, leave = FakeChain(hang=True), asyncio.Event()
    task = asyncio.create_task(call(Inference(chain), scope("POST", "/x"), b"body", leave=leave))
    await until(lambda: chain.received)
    leave.set()
    while not task.cancelling():  # noqa: ASYNC110  # the moment before the chain hears of it
        await asyncio.sleep(0)
    assert not chain.cancelled
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert chain.cancelled


@pytest.mark.parametrize("leaves", [False, True])
async def test_connection_is_free_once_it_is_served(leaves):
    """No cycle holds what the server gave: with it hangs the TLS state of the client."""

    class Connection:
        def __init__(self):
            self.parts = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive(self):
            if not self.parts and not leaves:
                await asyncio.Event().wait()
            return self.parts.pop() if self.parts else {"type": "http.disconnect"}

        async def send(self, message):
            assert message

    connection = Connection()
    alive = weakref.ref(connection)
    serving = Inference(FakeChain(hang=leaves))
    await serving(scope("POST", "/x"), connection.receive, connection.send)
    del connection, serving
    await asyncio.sleep(0)  # the watch ends
    await asyncio.sleep(0)
    assert alive() is None
