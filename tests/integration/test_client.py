"""The client library against a real gateway: pins, clocks, entrances, both HTTP libraries."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from datetime import timedelta

import httpx
import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from openai import AsyncOpenAI, OpenAI

from gateway.client import httpx2_transport, httpx_transport
from gateway.client.account import Account, utc_now
from gateway.client.outer import KeysNotSigned
from gateway.core.hpke import KEM_XWING
from gateway.core.key_document import encode_pin
from gateway.core.secret import Secret
from tests.story.processes import ROOT

HELLO = [{"role": "user", "content": "Who is it?"}]


@pytest.fixture
def pin(world) -> str:
    """What the operator hands out."""
    return world.gateway.pin


def options(world, **more) -> dict:
    """Return the arguments of a ready-made client."""
    account = world.application
    return {
        "client_id": account.client_id,
        "client_secret": account.client_secret,
        "ca_file": world.gateway.ca_file,
    } | more


def say(openai) -> str:
    chunks = openai.chat.completions.create(model="tiny", messages=HELLO, stream=True)
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


@pytest.mark.parametrize("module", [httpx2_transport, httpx_transport])
@pytest.mark.parametrize("entrance", ["well-known", "same-path"])
def test_pinned_sdk(world, pin, tmp_path, module, entrance):
    """The official SDK streams over either library and entrance, with keys that the pin signed."""
    world.says("Mail anna@exam", "ple.com")
    state = tmp_path / "state.json"
    arguments = options(world, pin=pin, state_file=state, entrance=entrance)
    with module.sealed_client(world.gateway.origin, **arguments) as http:
        openai = OpenAI(
            base_url=world.gateway.origin + "/v1", api_key="x", http_client=http, max_retries=0
        )
        assert say(openai) == "Mail [EMAIL]"
        assert [model.id for model in openai.models.list()] == ["tiny"]
    assert state.exists()


@pytest.mark.parametrize("module", [httpx2_transport, httpx_transport])
async def test_pinned_asynchronous_sdk(world, pin, module):
    """The asynchronous SDK does the same over either library."""
    world.says("Mail anna@exam", "ple.com")
    async with module.sealed_async_client(world.gateway.origin, **options(world, pin=pin)) as http:
        openai = AsyncOpenAI(base_url=world.gateway.origin + "/v1", api_key="x", http_client=http)
        answer = await openai.chat.completions.create(model="tiny", messages=HELLO)
    assert answer.choices[0].message.content == "Mail [EMAIL]"


def test_foreign_pin(world):
    """With another pin nothing is sent, and the SDK lets the reason through without retries."""
    foreign = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    arguments = options(world, pin=encode_pin(foreign))
    before = world.upstream_calls()
    with httpx2_transport.sealed_client(world.gateway.origin, **arguments) as http:
        with pytest.raises(KeysNotSigned):
            http.get(world.gateway.origin + "/v1/models")
        openai = OpenAI(
            base_url=world.gateway.origin + "/v1", api_key="x", http_client=http, max_retries=2
        )
        with pytest.raises(KeysNotSigned):
            say(openai)
    assert world.upstream_calls() == before


class Tap(httpx2.HTTPTransport):
    """Keeps what is sent."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.sent: list[bytes] = []

    def handle_request(self, request):
        self.sent.append(request.read())
        return super().handle_request(request)


def sealed_through(tap: Tap, world, now=utc_now, **more) -> httpx2.Client:
    found = world.application
    account = Account(
        world.gateway.origin,
        found.client_id,
        Secret(found.client_secret),
        **{"trust_tls": True} | more,
    )
    transport = httpx2_transport.SealgateTransport(account, upstream=tap, now=now)
    return httpx2.Client(transport=transport)


@pytest.mark.parametrize("hours", [-5, 30])
def test_clock_that_is_off(world, hours):
    """A client whose clock is wrong takes the gateway's time and is served."""
    tap = Tap(verify=world.gateway.tls())

    def now():
        return utc_now() + timedelta(hours=hours)

    with sealed_through(tap, world, now=now) as http:
        statuses = [http.get(world.gateway.origin + "/v1/models").status_code for _ in range(2)]
    assert statuses == [200, 200]
    sealed = [body for body in tap.sent if len(body) > 1000]
    assert len(sealed) == len({body[7:39] for body in sealed}) == 3


def test_xwing_and_padding(world, pin):
    """X-Wing is used, and requests of different length look the same."""
    tap = Tap(verify=world.gateway.tls())
    with sealed_through(tap, world, pin=pin, trust_tls=False) as http:
        for path in ("/v1/models", "/v1/models/tiny"):
            http.get(world.gateway.origin + path)
    sealed = [body for body in tap.sent if len(body) > 1000]
    assert {body[1:3] for body in sealed} == {KEM_XWING.to_bytes(2, "big")}
    assert len({len(body) for body in sealed}) == 1


def test_sdk_retries_are_sealed_afresh(world):
    """An SDK's own retry is no replay: each attempt has an encapsulation of its own."""
    tap = Tap(verify=world.gateway.tls())
    lost = iter([True])
    real = tap.handle_request

    def lose_the_first_answer(request):
        response = real(request)
        if len(request.read()) > 1000 and next(lost, False):
            response.close()
            raise httpx2.ReadError("lost")
        return response

    tap.handle_request = lose_the_first_answer
    world.says("again")
    with sealed_through(tap, world) as http:
        openai = OpenAI(
            base_url=world.gateway.origin + "/v1", api_key="x", http_client=http, max_retries=1
        )
        assert openai.chat.completions.create(model="tiny", messages=HELLO).choices
    sealed = [body for body in tap.sent if len(body) > 1000]
    assert len({body[7:39] for body in sealed}) == len(sealed) == 2


@pytest.mark.parametrize("library", [httpx2, httpx])
def test_plain_http_library(world, pin, library):
    """Without any SDK the library's own client gets answers and errors as usual."""
    module = {httpx2: httpx2_transport, httpx: httpx_transport}[library]
    with module.sealed_client(world.gateway.origin, **options(world, pin=pin)) as http:
        answer = http.get(world.gateway.origin + "/v1/nothing")
    assert answer.status_code == 404
    assert "error" in answer.json()


SERVER_PACKAGES = [
    "aiosqlite", "alembic", "fastapi", "httptools", "httpx", "jwt", "orjson", "prometheus_client",
    "pydantic", "pydantic_settings", "rich", "slowapi", "sqlalchemy", "starlette", "typer",
    "uvicorn", "uvloop",
]  # fmt: skip


def test_client_needs_no_server_package():
    """What ``sealgate[client]`` installs is enough to import the client and connect."""
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({SERVER_PACKAGES!r}))\n"
        "import gateway.client.httpx2_transport, gateway.client.single_call\n"
        "import gateway.client.connect.command\n"
        "print(*sorted(n for n in sys.modules if n.startswith('gateway.')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rooms = {name.split(".")[1] for name in done.stdout.split()}
    assert rooms == {"client", "core"}


def test_wheel_asks_for_no_server_package(tmp_path):
    """The wheel's own metadata asks for cryptography, and with the extra for httpx2 and its h11."""
    program = (
        "import sys\n"
        "from hatchling.metadata.core import ProjectMetadata\n"
        "from hatchling.plugin.manager import PluginManager\n"
        "core = ProjectMetadata('.', PluginManager()).core\n"
        "print(*core.dependencies, sep='\\n')\n"
        "print(*core.optional_dependencies['client'], sep='\\n')\n"
        "print(*core.scripts, sep='\\n')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said = done.stdout.split()
    assert [line.partition(">=")[0] for line in said[:3]] == ["cryptography", "h11", "httpx2"]
    assert "sealgate-connect" in said
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["scripts"]["sealgate-connect"].startswith("gateway.client.")
