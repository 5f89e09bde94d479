"""Scrub texts with a running gateway: a model says each in random pieces, a client seals and reads.

For scorers of text scrubbers, which want a function from text to text. What they measure is then
all of the path: events, JSON, scrubbing, sealing, and the pieces in which answers come.

    score.py --callable loadtests.through_gateway:scrub
"""

from __future__ import annotations

import asyncio
import atexit
import random
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path

from loadtests.client import chat_body, connect, receive_all
from loadtests.fake_vllm import FakeVllm, Options, start_fake_vllm
from loadtests.gateway_process import SEALED, add_gateway
from loadtests.measure import Contender
from loadtests.reading import read_stream
from loadtests.script import Script, text

_MODEL = "tiny"
_API_KEY = "k1"
_LONGEST_PIECE = 12


def random_pieces(whole: str, seed: int | str) -> Iterator[str]:
    """Cut *whole* into pieces of 1 to 12 characters, the same ones for the same *seed*."""
    chance = random.Random(seed)
    at = 0
    while at < len(whole):
        length = chance.randint(1, _LONGEST_PIECE)
        yield whole[at : at + length]
        at += length


class _Path:
    """A client, a gateway and a model that says what it is told."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._model, self._gateway = self._runner.run(self._start())

    async def _start(self) -> tuple[FakeVllm, Contender]:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="sealgate-")))
        (folder / "vllm.key").write_text(_API_KEY)
        socket = folder / "v.sock"
        options = Options(api_key=_API_KEY, keep_requests=False)
        model = await self._stack.enter_async_context(start_fake_vllm(socket, options=options))
        ways = await add_gateway(self._stack, folder, socket=socket, models=[_MODEL])
        return model, ways[SEALED]

    def scrub(self, whole: str) -> str:
        """Return what a client reads when the model says *whole*."""
        self._model.script = Script([text(piece) for piece in random_pieces(whole, whole)])
        return self._runner.run(self._ask())

    async def _ask(self) -> str:
        body = chat_body(tokens=10_000, variant=0, model=_MODEL, streamed=True)
        [received] = await receive_all([await connect(self._gateway.target, body)])
        reading = read_stream(received.arrivals)
        if received.error or received.status != 200 or not reading.is_done:
            raise RuntimeError(f"the answer was cut: {received.status} {received.error}")
        return reading.text

    def close(self) -> None:
        """Stop everything."""
        self._runner.run(self._stack.aclose())
        self._runner.close()


@cache
def _path() -> _Path:
    path = _Path()
    atexit.register(path.close)
    return path


def scrub(whole: str) -> str:
    """Return *whole* as a client gets it, streamed and sealed; the first call starts a gateway.

    Raises ``RuntimeError`` if the gateway withheld the answer.
    """
    return _path().scrub(whole)
