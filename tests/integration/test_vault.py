"""A gateway whose keys a real OpenBao wraps, while that is sealed, silent, gone or suspicious."""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.app import Applications, running_gateway
from gateway.configured_room import open_control
from gateway.core.errors import KeyServiceUnavailable, StoreUnavailable, WrappingTokenRefused
from gateway.core.identity import Role
from gateway.settings import load_configuration
from loadtests.fake_vllm import Options, start_fake_vllm
from tests.fakes.asgi import Answer, call, scope
from tests.fakes.certificates import ClientAuthority
from tests.fakes.control import GRANTS, LOCAL
from tests.fakes.database import make_database
from tests.fakes.openbao import OpenBao

BUSY_SECONDS = 1.5  # what all that is not waiting for OpenBao may take on a busy machine
CHAT = b'{"model":"tiny","messages":[{"role":"user","content":"hi"}]}'


@dataclass
class Place:
    """A gateway's folder, and what the operator of OpenBao made for it."""

    server: OpenBao
    directory: Path
    key: str
    role: str

    @property
    def config(self) -> Path:
        """Return the configuration file."""
        return self.directory / "sealgate.toml"

    def give(self, secret_id: str) -> None:
        """Put a secret id, or a wrapping token for one, where the gateway finds it."""
        (self.directory / "secret-id").write_text(secret_id)

    def configure(
        self, *, wrapped: bool = False, ca_file: Path | None = None, timeout_seconds: float = 0.9
    ) -> None:
        """Write the configuration; a call may take long, since the machine may be busy."""
        self.config.write_text(
            '[models.tiny]\n[store]\nkey_wrap = "vault"\n[upstream]\nuds = "v.sock"\n'
            f'[vault]\nurl = "{self.server.url}"\nca_file = "{ca_file or self.server.ca_file}"\n'
            f'role_id = "{self.server.role_id(self.role)}"\nsecret_id_file = "secret-id"\n'
            f'secret_id_wrapped = {str(wrapped).lower()}\ntransit_key = "{self.key}"\n'
            f"timeout_seconds = {timeout_seconds}\n"
            f'[vault.secrets]\nupstream_api_key = "{self.key}/vllm#api_key"\n'
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Running]:
        """Run the gateway."""
        async with running_gateway(load_configuration(self.config)) as apps:
            yield Running(apps)


@dataclass
class Running:
    """A running gateway, and whom it let in."""

    apps: Applications
    tokens: dict[Role, str] | None = None

    async def ask(self, method: str, target: str, role: Role | None = None, *body: bytes) -> Answer:
        """Call the public listener, or the admin one for its paths."""
        headers = [(b"host", b"127.0.0.1:8443"), (b"content-type", b"application/json")]
        if role is not None:
            assert self.tokens is not None
            headers.append((b"authorization", b"Bearer " + self.tokens[role].encode()))
        is_admin = target.startswith(("/admin", "/metrics"))
        app = self.apps.admin if is_admin else self.apps.public
        return await call(app, scope(method, target, headers), *body)

    async def log_in(self, secrets: dict[Role, tuple[str, str]]) -> None:
        """Get a token for each client."""
        self.tokens = {}
        for role, (client_id, secret) in secrets.items():
            basic = base64.b64encode(f"{client_id}:{secret}".encode())
            headers = [
                (b"host", b"127.0.0.1:8443"),
                (b"authorization", b"Basic " + basic),
                (b"content-type", b"application/x-www-form-urlencoded"),
            ]
            answer = await call(
                self.apps.public,
                scope("POST", "/oauth2/token", headers),
                b"grant_type=client_credentials",
            )
            self.tokens[role] = json.loads(answer.body)["access_token"]

    async def chat(self) -> int:
        """Ask the model; return the status."""
        answer = await self.ask("POST", "/v1/chat/completions", Role.APPLICATION, CHAT)
        return answer.status

    async def rotate(self) -> int:
        """Rotate a key as an operator; return the status."""
        answer = await self.ask("POST", "/admin/v1/keys/encryption/rotate", Role.OPERATOR)
        return answer.status

    async def keys(self) -> list[str]:
        """Return the names of all keys."""
        answer = await self.ask("GET", "/admin/v1/keys?limit=200", Role.OPERATOR)
        return [key["kid"] for key in json.loads(answer.body)["items"]]

    async def metric(self, name: str) -> float:
        """Return a metric."""
        text = (await self.ask("GET", "/metrics")).body.decode()
        (line,) = (line for line in text.splitlines() if line.startswith(f"sealgate_{name} "))
        return float(line.split()[1])

    async def is_ready(self) -> bool:
        """Return what strangers are told."""
        return (await self.ask("GET", "/readyz")).status == 200


@pytest.fixture
def place(openbao: OpenBao) -> Iterator[Place]:
    """Give a gateway's folder with a Transit key, a policy and a role of its own."""
    # Not pytest's own folder: the path of a Unix socket has a limit of about 100 characters.
    with tempfile.TemporaryDirectory(prefix="sealgate-") as folder:
        key = openbao.transit_key()
        openbao.do("POST", f"secret/data/{key}/vllm", data={"api_key": "k1"})
        made = Place(openbao, Path(folder), key, openbao.role(openbao.policy(key)))
        made.give(openbao.secret_id(made.role))
        made.configure()
        made.directory.joinpath("var").mkdir(mode=0o700)
        make_database(load_configuration(made.config).at.database_url)
        yield made


@pytest.fixture
async def secrets(place: Place) -> AsyncIterator[dict[Role, tuple[str, str]]]:
    """Give an application, an operator and a model server; the first keys are made."""
    room = await open_control(place.config)
    await room.keys.ensure_first()
    made = {}
    for role in (Role.APPLICATION, Role.OPERATOR):
        grants = replace(GRANTS, plaintext_allowed=role is Role.APPLICATION)
        issued = await room.clients.create(LOCAL, grants, role=role)
        made[role] = (issued.client_id, issued.secret.reveal())
    await room.close()
    async with start_fake_vllm(place.directory / "v.sock", options=Options(api_key="k1")):
        yield made


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 20) -> None:
    """Return once *condition* holds."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  # the other side tells nobody
            await asyncio.sleep(0.05)


async def test_life_with_vault(place: Place, secrets: dict[Role, tuple[str, str]]) -> None:
    """Keys are wrapped by Vault, vLLM's key comes out of it, and no key file is made."""
    async with place.running() as gateway:
        await until(gateway.is_ready)
        await gateway.log_in(secrets)
        assert await gateway.chat() == 200
        assert await gateway.rotate() == 200
        assert await gateway.metric("key_service_up") == 1
    assert not (place.directory / "var/storage.key").exists()


async def test_rotation_of_the_wrapping_key(
    place: Place, secrets: dict[Role, tuple[str, str]]
) -> None:
    """After a rewrap the old version can be given up, and the gateway starts as before."""
    place.server.do("POST", f"transit/keys/{place.key}/rotate")
    async with place.running() as gateway:
        await gateway.log_in(secrets)
        before = await gateway.keys()
        assert (await gateway.ask("POST", "/admin/v1/keys/rewrap", Role.OPERATOR)).status == 200
        assert await gateway.keys() == before
    place.server.do("POST", f"transit/keys/{place.key}/config", min_decryption_version=2)
    async with place.running() as gateway:
        await until(gateway.is_ready)


async def test_without_the_rewrap_it_does_not_open(
    place: Place, secrets: dict[Role, tuple[str, str]]
) -> None:
    """An old version that was given up too soon stops the start, and no key is made instead."""
    place.server.do("POST", f"transit/keys/{place.key}/rotate")
    place.server.do("POST", f"transit/keys/{place.key}/config", min_decryption_version=2)
    with pytest.raises(StoreUnavailable, match="does not open"):
        async with place.running():
            pass


async def test_sealed_at_the_start(place: Place, secrets: dict[Role, tuple[str, str]]) -> None:
    """The process lives and is not ready, makes no key of its own, and recovers by itself."""
    with place.server.sealed():
        starting = place.running()
        gateway = await starting.__aenter__()
        assert (await gateway.ask("GET", "/livez")).status == 200
        assert not await gateway.is_ready()
        assert (await gateway.ask("GET", "/.well-known/ohttp-gateway")).status == 503
        assert await gateway.metric("key_service_up") == 0
    await until(gateway.is_ready)
    await gateway.log_in(secrets)
    assert await gateway.chat() == 200
    await starting.__aexit__(None, None, None)


@pytest.mark.parametrize("fault", ["sealed", "silent"])
async def test_away_while_running(
    place: Place, secrets: dict[Role, tuple[str, str]], fault: str
) -> None:
    """Inference goes on; rotation and rewrap are 503 within a second; nothing changes."""
    place.configure(timeout_seconds=0.25)
    async with place.running() as gateway:
        await until(gateway.is_ready)
        await gateway.log_in(secrets)
        before = await gateway.keys()
        with getattr(place.server, fault)():
            for _ in range(3):
                began = time.monotonic()
                assert await gateway.rotate() == 503
                assert time.monotonic() - began < 0.25 + BUSY_SECONDS
                assert await gateway.chat() == 200
            began = time.monotonic()
            statuses = await asyncio.gather(*(gateway.rotate() for _ in range(20)))
            assert set(statuses) == {503}
            # One after the other would be five seconds more.
            assert time.monotonic() - began < 0.25 + 2 * BUSY_SECONDS
            rewrap = await gateway.ask("POST", "/admin/v1/keys/rewrap", Role.OPERATOR)
            assert rewrap.status == 503
            assert json.loads(rewrap.body)["code"] == "key_service_unavailable"
            assert await gateway.keys() == before
            assert await gateway.is_ready()
            assert await gateway.metric("key_service_up") == 0

        async def rotates() -> bool:
            return await gateway.rotate() == 200

        await until(rotates)


async def test_stolen_key_is_revoked_while_vault_is_sealed(
    place: Place, secrets: dict[Role, tuple[str, str]]
) -> None:
    """Withdrawing needs nobody's leave; a new key follows once it can be wrapped."""
    async with place.running() as gateway:
        await gateway.log_in(secrets)
        before = await gateway.keys()
        with place.server.sealed():
            path = f"/admin/v1/keys/{before[-1]}/revoke"
            assert (await gateway.ask("POST", path, Role.OPERATOR)).status == 200


async def test_revoked_token(place: Place, secrets: dict[Role, tuple[str, str]]) -> None:
    """A token that Vault's operator revoked is replaced by a login, within the call."""
    async with place.running() as gateway:
        await gateway.log_in(secrets)
        place.server.withdraw_tokens(place.role)
        assert await gateway.rotate() == 200


async def test_wrapped_secret_id(place: Place, secrets: dict[Role, tuple[str, str]]) -> None:
    """A wrapping token serves one start; at the second it is an alarm, and nothing starts."""
    place.configure(wrapped=True)
    place.give(place.server.wrapped_secret_id(place.role))
    async with place.running() as gateway:
        await until(gateway.is_ready)
    with pytest.raises(WrappingTokenRefused):
        async with place.running():
            pass
    place.give(place.server.wrapped_secret_id(place.role))
    async with place.running() as gateway:
        await until(gateway.is_ready)


async def test_token_that_somebody_used_while_vault_was_sealed(
    place: Place, secrets: dict[Role, tuple[str, str]]
) -> None:
    """Found out later, the gateway does not become ready, and the alarm is in the metrics."""
    place.configure(wrapped=True)
    token = place.server.wrapped_secret_id(place.role)
    place.server.do("POST", "sys/wrapping/unwrap", token=token)
    place.give(token)
    with place.server.sealed():
        starting = place.running()
        gateway = await starting.__aenter__()

    async def is_alarmed() -> bool:
        return await gateway.metric("wrapping_tokens_refused_total") == 1

    await until(is_alarmed)
    assert not await gateway.is_ready()
    await starting.__aexit__(None, None, None)


async def test_another_authority(place: Place, secrets: dict[Role, tuple[str, str]]) -> None:
    """A server that the pinned authority does not vouch for gets no login and no key."""
    place.configure(ca_file=ClientAuthority(place.directory).file)
    async with place.running() as gateway:
        assert not await gateway.is_ready()
        assert await gateway.metric("key_service_up") == 0


async def test_key_that_can_leave(place: Place, openbao: OpenBao) -> None:
    """An exportable Transit key wraps nothing: there are no first keys, and no readiness."""
    place.key = openbao.transit_key(exportable=True)
    place.role = openbao.role(openbao.policy(place.key))
    place.give(openbao.secret_id(place.role))
    place.configure()
    async with place.running() as gateway:
        assert not await gateway.is_ready()
        assert (await gateway.ask("GET", "/.well-known/ohttp-gateway")).status == 503


async def test_policy_of_deploy_is_enough_and_no_more(place: Place, openbao: OpenBao) -> None:
    """A missing key is not made by encrypting, and other keys and secrets stay closed."""
    session = openbao.session(openbao.login(place.directory, "not-there"))
    with pytest.raises(KeyServiceUnavailable, match="policy"):
        await session.call("POST", "transit/encrypt/not-there", body={"plaintext": "aGk="})
    for method, path in (
        ("POST", f"transit/encrypt/{place.key}"),
        ("GET", f"secret/data/{place.key}/vllm"),
        ("GET", "transit/export/encryption-key/not-there"),
        ("POST", "transit/keys/not-there"),
        ("GET", "sys/policies/acl"),
        ("POST", "auth/token/create"),
    ):
        with pytest.raises(KeyServiceUnavailable, match="policy"):
            await session.call(method, path, body={} if method == "POST" else None)
    await session.close()
