"""A stand-in for vLLM: the same paths, the same bytes, none of the model.

Run as a command it answers every request with invented text at a set pace, for load. Imported, it
answers with what a test put into its script, and keeps the requests it got, so that a test can show
what did and what did not reach the model.
"""

import argparse
import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import orjson
import uvloop

from loadtests.http_server import Connection, ReceivedRequest
from loadtests.invented import VARIANTS, answer, stamp
from loadtests.playback import Playback, next_step, refuse, send_paced
from loadtests.script import Delta, Refusal, Script, Step
from loadtests.wire import DONE, Ask, Writer, transfer_chunk

ScriptSource = Script | Callable[[ReceivedRequest], Script] | None
_GENERATING = {"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"}
_BACKLOG = 4096
_FLOOD_EVENTS = 32
"""Events per write when nothing is paced: few system calls here, still many reads there."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the fake behaves where no script says otherwise."""

    api_key: str | None = None
    """Ask for `Authorization: Bearer` with this on the paths that vLLM guards."""
    models: tuple[str, ...] = ()
    """Answer 404 to any other model; empty: answer for every name."""
    tokens: int = 200
    """Events with text per answer, where the request asks for no number."""
    pace_seconds: float = 0.0
    """Time between two events; 0 streams as fast as the client reads."""
    flood_models: tuple[str, ...] = ()
    """Models that are never paced, so that one process serves both kinds of load."""
    pii_share: float = 0.05
    """Share of events that carry a piece of invented personal data."""
    stamps: bool = False
    """Say first when the sending began, so that a client can tell how long each word took."""
    keep_requests: bool = True
    """Keep what arrived; turned off for load."""


@dataclass
class FakeVllm:
    """A running fake, as a test sees it."""

    options: Options
    script: ScriptSource = None
    """What to answer, at any time: a script, or a function from the request to its script."""
    requests: list[ReceivedRequest] = field(default_factory=list)
    """Every request, oldest first, but `GET /health`: probes are not traffic."""
    connections: set[Connection] = field(default_factory=set)
    """Open connections."""
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def wait_for_requests(
        self, count: int = 1, *, seconds: float = 5.0
    ) -> list[ReceivedRequest]:
        """Return the requests once there are *count*; raises TimeoutError when they do not come."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    async def answer(self, request: ReceivedRequest, connection: Connection) -> None:
        """Answer *request* as vLLM would."""
        path = request.path.partition("?")[0]
        if path == "/health":
            connection.send_whole(200, b"")
            return
        await self._keep(request)
        if not self._allows(request, path):
            connection.send_whole(401, orjson.dumps({"error": "Unauthorized"}))
        elif request.method == "GET" and path == "/v1/models":
            connection.send_whole(200, self._model_list())
        elif request.method == "POST" and path == "/v1/embeddings":
            connection.send_whole(200, _embeddings(request.body))
        elif request.method == "POST" and path in _GENERATING:
            await self._generate(request, connection, chat=path != "/v1/completions")
        else:
            connection.send_whole(404, orjson.dumps({"detail": "Not Found"}))

    def _allows(self, request: ReceivedRequest, path: str) -> bool:
        """Ask for the key where vLLM asks for it, which is not everywhere."""
        key = self.options.api_key
        if key is None or not path.startswith("/v1"):
            return True
        return request.header("authorization") == f"Bearer {key}"

    async def _keep(self, request: ReceivedRequest) -> None:
        if self.options.keep_requests:
            self.requests.append(request)
            async with self._arrived:
                self._arrived.notify_all()

    def _model_list(self) -> bytes:
        shared = {"object": "model", "created": 1795390218, "owned_by": "vllm"}
        models = [{"id": name, **shared} for name in self.options.models or ("tiny",)]
        return orjson.dumps({"object": "list", "data": models})

    async def _generate(
        self, request: ReceivedRequest, connection: Connection, *, chat: bool
    ) -> None:
        asked = _parse_object(request.body)
        if asked is None:
            refuse(connection, Refusal(400, f"JSON decode error: {request.body[:200]!r}"))
            return
        ask = _read_ask(asked, chat=chat)
        if self.options.models and ask.model not in self.options.models:
            message = f"The model `{ask.model}` does not exist."
            refuse(connection, Refusal(404, message, "NotFoundError", "model"))
            return
        request_id = f"{'chatcmpl' if chat else 'cmpl'}-{next(self._numbers):016x}"
        writer = Writer(ask, request_id=request_id, created=int(datetime.now(UTC).timestamp()))
        script = self.script(request) if callable(self.script) else self.script
        if script is None and ask.streamed:
            await self._stream_load(connection, writer, asked)
            return
        script = script or Script(_invented_steps(self.options, asked), finish_reason="length")
        playback = Playback(connection, script, ask, writer)
        if script.refusal is not None:
            refuse(connection, script.refusal)
        else:
            await (playback.stream() if ask.streamed else playback.whole())

    async def _stream_load(
        self, connection: Connection, writer: Writer, asked: dict[str, Any]
    ) -> None:
        quoted, tail = _load_pieces(self.options, asked)
        ending = [writer.delta(Delta({"content": tail}), finish_reason="length")]
        if writer.ask.with_usage:
            ending.append(writer.usage(len(quoted) + 1))
        pace_seconds = self.options.pace_seconds
        is_paced = pace_seconds and writer.ask.model not in self.options.flood_models
        first = next_step(pace_seconds) if is_paced else perf_counter()
        stamped = orjson.dumps(f" {stamp(first)}") if self.options.stamps else b""
        opening = filter(None, (writer.role(0), stamped and writer.text(stamped)))
        events = itertools.chain(opening, map(writer.text, quoted), ending, (DONE,))
        connection.start_stream()
        if is_paced:
            await send_paced(connection, events, first=first, pace_seconds=pace_seconds)
        else:
            framed = map(transfer_chunk, events)
            while block := b"".join(itertools.islice(framed, _FLOOD_EVENTS)):
                await connection.send(block)
        connection.end_stream()


def _parse_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _read_ask(asked: dict[str, Any], *, chat: bool) -> Ask:
    return Ask(
        chat=chat,
        model=str(asked.get("model", "tiny")),
        streamed=bool(asked.get("stream")),
        with_usage=bool((asked.get("stream_options") or {}).get("include_usage")),
    )


def _embeddings(body: bytes) -> bytes:
    asked = _parse_object(body) or {}
    inputs = asked.get("input", "")
    count = len(inputs) if isinstance(inputs, list) else 1
    data = [
        {"index": number, "object": "embedding", "embedding": [0.25, -0.5, 0.125, number / 8]}
        for number in range(count)
    ]
    usage = {"prompt_tokens": 23, "total_tokens": 23, "completion_tokens": 0}
    head = {"id": "embd-1", "object": "list", "model": asked.get("model")}
    return orjson.dumps({**head, "data": data, "usage": usage})


def _wanted(options: Options, asked: dict[str, Any]) -> tuple[int, int]:
    """Return the number of tokens and the variant that a request asks for."""
    tokens = asked.get("max_tokens") or asked.get("max_completion_tokens") or options.tokens
    return int(tokens), int(asked.get("seed") or 0) % VARIANTS


def _invented_steps(options: Options, asked: dict[str, Any]) -> list[Step]:
    tokens, variant = _wanted(options, asked)
    made = answer(tokens=tokens, pii_share=options.pii_share, variant=variant)
    return [Delta({"content": piece}) for piece in made.pieces]


def _load_pieces(options: Options, asked: dict[str, Any]) -> tuple[tuple[bytes, ...], str]:
    tokens, variant = _wanted(options, asked)
    return _quoted_pieces(tokens, options.pii_share, variant=variant)


@cache
def _quoted_pieces(tokens: int, pii_share: float, *, variant: int) -> tuple[tuple[bytes, ...], str]:
    """Return all pieces but the last as JSON strings, and the last as it is."""
    pieces = answer(tokens=tokens, pii_share=pii_share, variant=variant).pieces
    return tuple(orjson.dumps(piece) for piece in pieces[:-1]), pieces[-1]


@asynccontextmanager
async def start_fake_vllm(
    address: Path | str, *, script: ScriptSource = None, options: Options | None = None
) -> AsyncIterator[FakeVllm]:
    """Run a fake on *address* (a path for a Unix socket, or "host:port") until the block ends."""
    fake = FakeVllm(options or Options(), script)
    loop = asyncio.get_running_loop()

    def connect() -> Connection:
        return Connection(fake.answer, fake.connections)

    server: asyncio.AbstractServer
    socket_path = Path(address) if isinstance(address, Path) or "/" in address else None
    if socket_path is None:
        host, _, port = str(address).rpartition(":")
        server = await loop.create_server(connect, host, int(port), backlog=_BACKLOG)
    else:
        _remove(socket_path)
        server = await loop.create_unix_server(connect, str(socket_path), backlog=_BACKLOG)
    try:
        yield fake
    finally:
        server.close()
        for connection in list(fake.connections):
            await connection.stop()
        await server.wait_closed()
        if socket_path is not None:
            _remove(socket_path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fake_vllm", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--uds", metavar="PATH", type=Path, help="listen on a Unix socket")
    where.add_argument(
        "--tcp", metavar="HOST:PORT", help="listen on a port of the loopback interface"
    )
    parser.add_argument("--tokens", type=int, default=200, help="events per answer (default 200)")
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--pace-ms", type=float, default=20.0, help="milliseconds between events (default 20)"
    )
    pace.add_argument("--flood", action="store_true", help="stream as fast as the client reads")
    parser.add_argument(
        "--pii-share", type=float, default=0.05, help="share of events with personal data"
    )
    parser.add_argument("--stamps", action="store_true", help="say first when sending began")
    parser.add_argument("--api-key-file", type=Path, help="ask for the key in this file")
    parser.add_argument(
        "--model", action="append", default=[], help="serve only this model; may be repeated"
    )
    parser.add_argument(
        "--flood-model", action="append", default=[], help="never pace this model; may be repeated"
    )
    return parser.parse_args(argv)


async def _run(arguments: argparse.Namespace) -> None:
    options = Options(
        api_key=arguments.api_key_file.read_text().strip() if arguments.api_key_file else None,
        models=tuple(arguments.model),
        tokens=arguments.tokens,
        pace_seconds=0.0 if arguments.flood else arguments.pace_ms / 1000,
        flood_models=tuple(arguments.flood_model),
        pii_share=arguments.pii_share,
        stamps=arguments.stamps,
        keep_requests=False,
    )
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with start_fake_vllm(arguments.uds or arguments.tcp, options=options):
        await stopped.wait()


def main(argv: list[str] | None = None) -> None:
    """Run the fake until it is interrupted."""
    uvloop.run(_run(_arguments(argv)))


if __name__ == "__main__":
    main()
