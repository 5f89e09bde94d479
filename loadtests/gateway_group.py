"""Gateway processes on one or several hosts that share a store, and what an operator asks of them.

Hosts share no file: each has a state directory and a certificate authority of its own, and only the
key that wraps private keys is copied, as an operator would.
"""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx2
import orjson

from gateway.backends.database.store import DatabaseStore
from gateway.control.revocation_entries import jti_revocation
from gateway.settings import load_configuration
from loadtests.gateway_process import find_sealgate
from loadtests.processes import NotStartedError, free_port, is_listening, running, wait_for_start

MODEL = "tiny"
_TIMEOUT_SECONDS = 10.0
_CONFIGURATION = """\
[listen]
port = {port}
[admin]
port = {admin_port}
[upstream]
uds = "{socket}"
api_key_file = "{key_file}"
[tokens]
issuer = "https://gateway.example"
[limits]
token_requests_per_minute = 100000
[access_log]
directory = "access-log"
[models.{model}]
{sections}
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A client and one credential of it."""

    client_id: str
    credential_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Host:
    """What the gateways of one host have in common."""

    directory: Path
    """Here the model server has its socket and its key, ``vllm.sock`` and ``vllm.key``."""
    sections: str
    """Of the configuration: where the state is. That of the host is in ``store``."""

    @property
    def storage_key(self) -> Path:
        """The key that wraps private keys, the same on all hosts."""
        return self.directory / "store" / "storage.key"


@dataclass(frozen=True, slots=True)
class Member:
    """One process of the group."""

    host: Host
    home: Path
    port: int
    admin_port: int

    @property
    def log(self) -> Path:
        """What the process says."""
        return self.home / "gateway.log"

    @property
    def origin(self) -> str:
        """The address of the public listener."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def admin_origin(self) -> str:
        """The address of the admin listener."""
        return f"https://127.0.0.1:{self.admin_port}"


class Group:
    """Processes that serve, and their operator, who mostly asks the first of them."""

    def __init__(
        self, members: tuple[Member, ...], *, tls: ssl.SSLContext, operator: Account
    ) -> None:
        self.members = members
        self.tls = tls
        self._operator = operator
        self._http = self.connect()
        self._admin_token = ""

    def connect(self) -> httpx2.AsyncClient:
        """Return a client that trusts the group's certificate."""
        return httpx2.AsyncClient(verify=self.tls, timeout=_TIMEOUT_SECONDS)

    async def close(self) -> None:
        """Close the operator's connections."""
        await self._http.aclose()

    async def fetch_token(self, account: Account) -> str:
        """Return a fresh access token of *account*, from the first process."""
        answer = await self._http.post(
            f"{self.members[0].origin}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(account.client_id, account.client_secret),
        )
        return str(answer.raise_for_status().json()["access_token"])

    async def renew_admin_token(self) -> None:
        """Fetch the operator's token anew: what was revoked may have been that, too."""
        self._admin_token = await self.fetch_token(self._operator)

    async def create_client(self) -> Account:
        """Register an application that may call the model, in the clear too."""
        body = {"models": [MODEL], "networks": ["127.0.0.0/8"], "plaintext_allowed": True}
        made = await self._administer("/clients", body)
        return Account(made["client_id"], made["credential_id"], made["client_secret"])

    async def add_revocations(self, count: int) -> None:
        """Put *count* revoked tokens into the store at once, as a busy hour would."""
        configuration = load_configuration(self.members[0].home / "sealgate.toml")
        store = DatabaseStore.open(configuration.at.database_url)
        now = datetime.now(UTC)
        try:
            async with store.change() as change:
                for number in range(count):
                    subject = f"standing-{number}"
                    await change.add_revocation(jti_revocation(subject, at=now))
        finally:
            await store.close()

    async def revoke(self, kind: str, subject: str, *, through: Member) -> tuple[float, float]:
        """Revoke through one process; return when that was asked and when answered."""
        asked_at = perf_counter()
        await self._administer("/revocations", {"kind": kind, "subject": subject}, through)
        return asked_at, perf_counter()

    async def _administer(
        self, path: str, body: Mapping[str, Any], through: Member | None = None
    ) -> dict[str, Any]:
        member = through or self.members[0]
        answer = await self._http.post(
            f"{member.admin_origin}/admin/v1{path}",
            json=body,
            headers={"authorization": f"Bearer {self._admin_token}"},
        )
        made: dict[str, Any] = answer.raise_for_status().json()
        return made


@asynccontextmanager
async def start_group(hosts: Sequence[Host], *, processes: int) -> AsyncIterator[Group]:
    """Run *processes* gateways on each of *hosts* until the block ends.

    Of the members those of different hosts take turns. Raises ``NotStartedError``.
    """
    program = find_sealgate()
    if program is None:
        raise NotStartedError("the gateway is not installed beside this interpreter")
    members = tuple(_write(host, number) for number in range(processes) for host in hosts)
    first, *others = members[: len(hosts)]  # of each host
    made = await _initialise(str(program), first)
    tls = ssl.create_default_context(cafile=made["ca_file"])
    staff = {item["role"]: item for item in made["credentials"]}["operator"]
    operator = Account(staff["client_id"], "", staff["client_secret"])
    for other in others:
        other.host.storage_key.parent.mkdir(mode=0o700)
        shutil.copy(first.host.storage_key, other.host.storage_key)
        tls.load_verify_locations((await _initialise(str(program), other))["ca_file"])
    async with AsyncExitStack() as stack:
        for member in members:
            command = [str(program), "serve"]  # reads ./sealgate.toml
            await stack.enter_async_context(running(command, log=member.log, cwd=member.home))
        for member in members:
            for port in (member.port, member.admin_port):
                await wait_for_start(_listens(port), log=member.log)
        group = Group(members, tls=tls, operator=operator)
        stack.push_async_callback(group.close)
        await group.renew_admin_token()
        yield group


def _listens(port: int) -> Any:
    return lambda: is_listening(("127.0.0.1", port))


def _write(host: Host, number: int) -> Member:
    member = Member(host, host.directory / f"gateway-{number}", free_port(), free_port())
    member.home.mkdir(mode=0o700)
    text = _CONFIGURATION.format(
        port=member.port,
        admin_port=member.admin_port,
        socket=host.directory / "vllm.sock",
        key_file=host.directory / "vllm.key",
        model=MODEL,
        sections=host.sections,
    )
    (member.home / "sealgate.toml").write_text(text)
    return member


async def _initialise(program: str, member: Member) -> dict[str, Any]:
    done = await asyncio.create_subprocess_exec(
        program, "init", "--json", cwd=member.home, stdout=subprocess.PIPE
    )
    output, _ = await done.communicate()
    if done.returncode:
        raise NotStartedError("sealgate init failed")
    made: dict[str, Any] = orjson.loads(output)
    return made
