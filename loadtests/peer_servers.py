"""What the gateway is set against: the model itself, nginx, FastAPI with httpx, and LiteLLM.

Each runs with one worker before the same stand-in for vLLM. A peer that is not installed is left
out and named, so that a table without it is not taken for one in which it did not matter.
"""

import asyncio
import ssl
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from loadtests.certificate import write_certificate
from loadtests.client import Target, chat_body, connect, in_the_clear, receive_all
from loadtests.cores import own_cores
from loadtests.litellm_proxy import ENVIRONMENT, MASTER_KEY, command, configuration
from loadtests.measure import Contender, Start
from loadtests.peers import find_nginx, write_nginx
from loadtests.processes import (
    NotStartedError,
    cpu_seconds,
    free_port,
    is_listening,
    resident_megabytes,
    running,
    wait_for_start,
)

ROOT = Path(__file__).parent.parent
PII_SHARE = 0.05
PACED, FLOOD = "tiny", "tiny-flood"
_KEY = "bench-upstream-key"
_START_SECONDS = 240.0
"""LiteLLM imports for half a minute on a busy machine."""
_LITELLM_SHARE = 0.1
"""A core carries about a twentieth of the full load through LiteLLM, which then measures queues."""
_OK = 200


@dataclass(frozen=True, slots=True)
class Model:
    """The stand-in for vLLM, twice: some peers cannot speak to a Unix socket."""

    socket: Path
    port: int


@dataclass
class Field:
    """Where peers are started, and what became of each."""

    stack: AsyncExitStack
    directory: Path
    model: Model
    contenders: list[Contender] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    root: Path = ROOT
    """Where the environments of the peers are."""

    def home(self, name: str) -> Path:
        """Return the folder of peer *name*."""
        home = self.directory / name
        home.mkdir(exist_ok=True)
        return home

    def find_program(self, name: str, *, environment: str) -> Path | None:
        """Return program *name* of one of the environments, None where there is none."""
        program = self.root / f".venv-bench-{environment}" / "bin" / name
        return program if program.exists() else None


@dataclass(frozen=True, slots=True)
class _Peer:
    name: str
    command: Sequence[str]
    port: int
    token: str
    certificate: Path | None = None
    redacts: bool | None = False
    share: float = 1.0
    left_out: frozenset[str] = frozenset()


async def start_model(stack: AsyncExitStack, directory: Path, *, pace_ms: float) -> Model:
    """Start the stand-in for vLLM; its key lies beside its socket."""
    key_file = directory / "vllm.key"
    key_file.touch(mode=0o600)
    key_file.write_text(_KEY)
    model = Model(directory / "vllm.sock", free_port())
    options = ["--pace-ms", str(pace_ms), "--pii-share", str(PII_SHARE), "--stamps"]
    options += ["--model", PACED, "--model", FLOOD, "--flood-model", FLOOD]
    options += ["--api-key-file", str(key_file)]
    listening: Mapping[str, Path | tuple[str, int]] = {
        "--uds": model.socket,
        "--tcp": ("127.0.0.1", model.port),
    }
    for option, address in listening.items():
        where = str(address) if isinstance(address, Path) else f"{address[0]}:{address[1]}"
        program = [sys.executable, "-m", "loadtests.fake_vllm", option, where, *options]
        log = directory / f"vllm{option}.log"
        await stack.enter_async_context(running(program, log=log, cwd=ROOT))
        await wait_for_start(_listens(address), log=log)
    return model


async def start_peers(field: Field, *, wanted: Callable[[str], bool]) -> None:
    """Start all peers that are *wanted* and installed, one after the other."""
    direct = Target("direct", field.model.socket, in_the_clear(host="localhost", token=_KEY))
    if wanted("direct"):
        field.contenders.append(Contender(direct, None, redacts=False))
    for name, make in _PEERS.items():
        if not wanted(name):
            continue
        peer = make(field, name)
        if isinstance(peer, str):
            field.left_out.append(f"{name}: {peer}")
            continue
        try:
            field.contenders.append(await _start(field, peer))
        except NotStartedError as error:
            field.left_out.append(f"{name}: {error}")


async def _start(field: Field, peer: _Peer) -> Contender:
    tls = ssl.create_default_context(cafile=str(peer.certificate)) if peer.certificate else None
    prepare = in_the_clear(host="localhost", token=peer.token)
    target = Target(peer.name, ("127.0.0.1", peer.port), prepare, tls)
    home, log = field.home(peer.name), field.directory / f"{peer.name}.log"
    began = perf_counter()
    starting = running(peer.command, log=log, cwd=home, cores=own_cores())
    pid = await field.stack.enter_async_context(starting)
    await wait_for_first_answer(target, log=log, pid=pid)
    return Contender(
        target,
        pid,
        redacts=peer.redacts,
        start=weigh_start(pid, began),
        share=peer.share,
        left_out=peer.left_out,
    )


def weigh_start(pid: int, began: float) -> Start:
    """Return what it took since *began* to get process *pid* to its first answer."""
    return Start(perf_counter() - began, cpu_seconds(pid), resident_megabytes(pid))


async def wait_for_first_answer(target: Target, *, log: Path, pid: int) -> None:
    """Return once *target* has answered a call; raises ``NotStartedError``."""

    async def has_answered() -> bool:
        if not await is_listening(target.address):
            return False
        body = chat_body(tokens=2, variant=0, model=FLOOD, streamed=True)
        try:
            [received] = await receive_all([await connect(target, body)])
        except OSError:
            return False
        return received.status == _OK

    await wait_for_start(has_answered, log=log, pid=pid, seconds=_START_SECONDS)


def _listens(address: Path | tuple[str, int]) -> Callable[[], "asyncio.Future[bool]"]:
    return lambda: asyncio.ensure_future(is_listening(address))


def _with(environment: Mapping[str, str]) -> list[str]:
    """Return what starts a program with *environment*, and without our own modules in its way."""
    return ["env", "-u", "PYTHONPATH", *(f"{name}={value}" for name, value in environment.items())]


def _nginx(field: Field, name: str) -> "_Peer | str":
    program = find_nginx()
    if program is None:
        return "nginx is not installed (Debian: nginx-light)"
    home, port = field.home(name), free_port()
    certificate = write_certificate(home) if name == "nginx-tls" else None
    file = write_nginx(home, socket=field.model.socket, port=port, certificate=certificate)
    return _Peer(
        name,
        [program, "-p", str(home), "-c", str(file)],
        port,
        token=_KEY,
        certificate=certificate[0] if certificate else None,
    )


def _fastapi(field: Field, name: str) -> "_Peer | str":
    python = field.find_program("python", environment="fastapi")
    if python is None:
        return "there is no .venv-bench-fastapi (make bench makes it)"
    port, script = free_port(), ROOT / "loadtests" / "fastapi_passthrough.py"
    return _Peer(
        name,
        [
            *_with({}),
            str(python),
            str(script),
            "--uds",
            str(field.model.socket),
            "--port",
            str(port),
        ],
        port,
        token=_KEY,
    )


def _litellm(field: Field, name: str) -> "_Peer | str":
    program = field.find_program("litellm", environment="litellm")
    if program is None:
        return "there is no .venv-bench-litellm (make bench makes it)"
    filters, port = name == "litellm-filter", free_port()
    file = field.home(name) / "config.yaml"
    file.write_text(
        configuration(
            (PACED, FLOOD), upstream_port=field.model.port, upstream_key=_KEY, filters=filters
        )
    )
    return _Peer(
        name,
        [*_with(ENVIRONMENT), *command(program, file, port=port)],
        port,
        token=MASTER_KEY,
        redacts=None,  # some of it stays, some of it is masked: what it does is not ours to judge
        share=_LITELLM_SHARE,
    )


_PEERS: Mapping[str, Callable[[Field, str], "_Peer | str"]] = {
    "nginx": _nginx,
    "nginx-tls": _nginx,
    "fastapi": _fastapi,
    "litellm": _litellm,
    "litellm-filter": _litellm,
}
