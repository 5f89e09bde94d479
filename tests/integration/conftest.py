"""A real gateway over a server that streams as vLLM does, shared by the tests of one module."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtests.fake_vllm import FakeVllm, Options, start_fake_vllm
from loadtests.script import Cut, Script, text
from tests.story.gateway import Account, Gateway

_EXTRA = "[models.draft]\nproduction = false\n[limits]\ntoken_requests_per_minute = 10000\n"


class World:
    """Gateway, model server and one application."""

    def __init__(self, gateway: Gateway, vllm: FakeVllm) -> None:
        self.gateway = gateway
        self.vllm = vllm
        self.application: Account = gateway.create_client()

    def says(self, *steps: object) -> None:
        """Let the model answer with these steps from now on."""
        self.vllm.script = Script([text(s) if isinstance(s, str) else s for s in steps])

    @contextmanager
    def breaks_off(self, *steps: object) -> Iterator[None]:
        """Have every answer of the block break off after *steps*; then an answer is whole again.

        Of three that break off in a row the gateway learns to leave the model server alone for a
        while, which would be seen by whatever test comes next.
        """
        self.says(*steps, Cut())
        yield
        token = self.gateway.token(self.application)
        assert self.gateway.list_models(token).status == 200

    def upstream_calls(self) -> int:
        """Return how many requests have reached the model server."""
        return len(self.vllm.requests)


@contextmanager
def running_world(extra: str = "") -> Iterator[World]:
    """Start everything, with *extra* in the configuration; stop it in the end."""
    # Not pytest's own folder: the path of a Unix socket has a limit of about 100 characters.
    with tempfile.TemporaryDirectory(prefix="sealgate-") as folder:
        directory = Path(folder)
        (directory / "vllm.key").write_text("k1")
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        context = start_fake_vllm(directory / "v.sock", options=Options(api_key="k1"))
        vllm = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(10)
        gateway = Gateway(
            directory,
            socket=directory / "v.sock",
            api_key_file=directory / "vllm.key",
            extra=f"{_EXTRA}{extra}",
        )
        try:
            gateway.start()
            yield World(gateway, vllm)
        finally:
            gateway.stop()
            closing = context.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(closing, loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Start everything; stop it when the module's tests are done."""
    with running_world() as running:
        yield running
