"""``sealgate-connect`` as a process: any HTTP client beside it, a real gateway behind it."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from openai import APIError, APIStatusError, AsyncOpenAI, AuthenticationError, OpenAI

from loadtests.script import Hang, Pause, Until
from tests.story.gateway import SEALGATE
from tests.story.processes import PYTHON, Process, free_port, run

HELLO = [{"role": "user", "content": "canary-prompt"}]
MAX_RSS_KIB = 60 * 1024


class Connect:
    """A running proxy."""

    def __init__(self, world, folder: Path, *, listen: str, **changed: str) -> None:
        self.listen = listen
        gateway, account = world.gateway, world.application
        self.secret = folder / f"secret-{listen.replace('/', '_')}"
        self.secret.touch(mode=0o600)
        self.secret.write_text(changed.get("secret", account.client_secret))
        command = [
            PYTHON, "-m", "gateway.client.connect", changed.get("origin", gateway.origin),
            "--listen", listen, "--client-id", account.client_id,
            "--client-secret-file", str(self.secret),
            "--pin", gateway.pin, "--ca-file", gateway.ca_file,
        ]  # fmt: skip
        self.log = folder / f"{self.secret.name}.log"
        self.process = Process(command, log=self.log)
        self.process.wait_until(lambda: "listening" in self.log.read_text(), seconds=60)

        self.openai = OpenAI(base_url=self.base_url, api_key="unused", max_retries=0)

    @property
    def base_url(self) -> str:
        return f"http://{self.listen}/v1"

    def close(self) -> int:
        """Close the SDK, stop the proxy and return its exit status."""
        self.openai.close()
        return self.process.stop()

    def memory_kib(self) -> int:
        """Return the highest resident size so far."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmHWM:")[2].split()[0])


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with a short path, for sockets."""
    with tempfile.TemporaryDirectory(prefix="sealgate-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def connect(world, folder) -> Iterator[Connect]:
    """A proxy on loopback."""
    made = Connect(world, folder, listen=f"127.0.0.1:{free_port()}")
    yield made
    assert made.close() == 0


@pytest.fixture
def local(world, folder):
    """Return a function that starts another proxy."""
    made: list[Connect] = []

    def start(**options: str) -> Connect:
        made.append(Connect(world, folder, **options))
        return made[-1]

    yield start
    for each in made:
        each.close()


def said(openai: OpenAI) -> str:
    chunks = openai.chat.completions.create(model="tiny", messages=HELLO, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_sdk_over_plain_http(world, connect):
    """The unchanged SDK speaks plain HTTP to loopback; answers are checked and redacted."""
    world.says("Mail anna@exam", "ple.com")
    assert said(connect.openai) == "Mail [EMAIL]"
    answer = connect.openai.chat.completions.create(model="tiny", messages=HELLO)
    assert answer.choices[0].message.content == "Mail [EMAIL]"
    assert [model.id for model in connect.openai.models.list()] == ["tiny"]


def test_tokens_arrive_as_they_come(world, connect):
    """A token is not held until the next one, which is made only when it was read."""
    first_read, second_read = threading.Event(), threading.Event()
    world.says("water, ", Until(first_read), "river, ", Until(second_read), "cloud, ")
    stream = connect.openai.chat.completions.create(model="tiny", messages=HELLO, stream=True)
    read = (c.choices[0].delta.content for c in stream if c.choices and c.choices[0].delta.content)
    arrived = [next(read)]
    first_read.set()
    arrived.append(next(read))
    second_read.set()
    assert "".join([*arrived, *read]) == "water, river, cloud, "


async def test_twenty_streams_at_once(world, connect):
    """Twenty streams run side by side, each with its own answer, in little memory."""
    world.says("mail anna@exam", Pause(0.1), "ple.com")
    async with AsyncOpenAI(base_url=connect.base_url, api_key="x", max_retries=0) as openai:

        async def one() -> str:
            stream = await openai.chat.completions.create(model="tiny", messages=HELLO, stream=True)
            return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])

        answers = await asyncio.gather(*(one() for _ in range(20)))
    assert set(answers) == {"mail [EMAIL]"}
    assert connect.memory_kib() < MAX_RSS_KIB


def test_curl(world, connect):
    """A shell can call the model API; a cut answer is curl's own error."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    body = json.dumps({"model": "tiny", "messages": HELLO, "stream": True})
    command = [curl, "-sS", "-N", f"{connect.base_url}/chat/completions", "-d", body]
    command += ["-H", "content-type: application/json"]
    world.says("Hello")
    assert "data: [DONE]" in run(*command)
    with world.breaks_off("half an ans"):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "[DONE]" not in done.stdout
    assert done.returncode == 18, done.stdout  # what came is not all that was promised


def test_cut_upstream_is_an_error(world, connect):
    """A model server that breaks off never looks like a complete answer."""
    with (
        world.breaks_off("half an ans"),
        pytest.raises((APIError, httpx2.RemoteProtocolError)),
    ):
        said(connect.openai)


def test_application_that_leaves_frees_the_model(world, connect):
    """When the local application goes away, the generation stops."""
    world.says("water, ", Hang())
    before = world.upstream_calls()
    stream = connect.openai.chat.completions.create(model="tiny", messages=HELLO, stream=True)
    next(iter(stream))
    stream.response.close()
    [request] = world.vllm.requests[before:]
    deadline = time.monotonic() + 10
    while not request.disconnected.is_set():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_only_local_programs_and_the_model_api(connect):
    """Other paths are not there, and a web page cannot spend the credentials."""
    origin = f"http://{connect.listen}"
    assert httpx2.get(origin + "/oauth2/token").status_code == 404
    assert httpx2.get(origin + "/v1/models", headers={"host": "evil.example"}).status_code == 403
    page = {"origin": "https://evil.example"}
    assert httpx2.get(origin + "/v1/models", headers=page).status_code == 403


def test_wrong_secret(local):
    """Wrong credentials are the SDK's authentication error."""
    connect = local(listen=f"127.0.0.1:{free_port()}", secret="wrong")
    with pytest.raises(AuthenticationError):
        said(connect.openai)


def test_gateway_down(local):
    """A gateway that is away is 502 in OpenAI's shape, and the proxy goes on."""
    origin = f"https://127.0.0.1:{free_port()}"
    connect = local(listen=f"127.0.0.1:{free_port()}", origin=origin)
    for _ in range(2):
        with pytest.raises(APIStatusError) as caught:
            said(connect.openai)
        assert (caught.value.status_code, caught.value.code) == (502, "gateway_down")


def test_unix_socket(world, local, folder):
    """On a Unix socket only the owner is served, and the socket goes with the process."""
    path = folder / "c.sock"
    connect = local(listen=f"unix:{path}")
    assert path.stat().st_mode & 0o777 == 0o600
    world.says("anna@exam", "ple.com")
    transport = httpx2.HTTPTransport(uds=str(path))
    with httpx2.Client(transport=transport) as http:
        openai = OpenAI(base_url="http://local/v1", api_key="x", http_client=http, max_retries=0)
        assert said(openai) == "[EMAIL]"
    assert connect.process.stop() == 0
    assert not path.exists()


def test_stop_lets_an_answer_end(world, local):
    """Asked to stop, it lets a stream end and takes no new request."""
    connect = local(listen=f"127.0.0.1:{free_port()}")
    world.says("water, ", Pause(0.6), "river")
    stream = iter(connect.openai.chat.completions.create(model="tiny", messages=HELLO, stream=True))
    first = next(stream)
    connect.process._popen.terminate()
    rest = [chunk for chunk in stream if chunk.choices]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in [first, *rest])
    assert text == "water, river"
    assert connect.process._popen.wait(30) == 0
    host, _, port = connect.listen.partition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_nothing_is_written_down(world, connect):
    """What passes leaves no trace in the output, and the secret is on no command line."""
    world.says("canary-answer")
    said(connect.openai)
    assert connect.log.read_text().splitlines() == [
        f"sealgate-connect: listening on {connect.listen}"
    ]
    words = Path(f"/proc/{connect.process.pid}/cmdline").read_bytes()
    assert world.application.client_secret.encode() not in words


def seal_request(world, connect, *words: str) -> subprocess.CompletedProcess[str]:
    command = [
        SEALGATE, "seal-request", *words, "--origin", world.gateway.origin,
        "--client-id", world.application.client_id, "--client-secret-file", str(connect.secret),
        "--ca-file", world.gateway.ca_file, "--pin", world.gateway.pin,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_seal_request(world, connect):
    """One sealed call from the command line: the answer, its head, or the sealed bytes."""
    world.says("anna@exam", "ple.com")
    body = json.dumps({"model": "tiny", "messages": HELLO, "stream": True})
    done = seal_request(world, connect, "POST", "/v1/chat/completions", "-d", body, "-i")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("200\n")
    assert "[EMAIL]" in done.stdout
    before = world.upstream_calls()
    done = seal_request(world, connect, "GET", "/v1/models", "--dry-run")
    sealed = bytes.fromhex(done.stdout)
    assert sealed[1:3] == b"\x64\x7a"
    assert world.upstream_calls() == before
    assert seal_request(world, connect, "GET", "/v1/none").returncode == 1
