"""A real gateway: initialised in a folder of its own and serving on loopback."""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx2

from gateway.backends.access_log_files import AccessLogFiles
from gateway.backends.key_wrap import FileKeyWrap
from gateway.backends.segment_keys import SegmentKeys
from gateway.cli.rows import record_row
from gateway.client.dpop import DpopProver
from gateway.client.httpx2_transport import sealed_async_client, sealed_client
from gateway.core import bhttp
from gateway.core.access_log import LogSpan
from gateway.core.bhttp_response import Response, parse_response
from gateway.core.ohttp import REQUEST_MEDIA_TYPE, RequestSealer
from gateway.core.ohttp_keys import parse_key_list
from tests.story.processes import ROOT, Process, free_port, run

SEALGATE = str(ROOT / ".venv/bin/sealgate")


@dataclass(frozen=True)
class Account:
    """A registered client and its secret."""

    client_id: str
    client_secret: str


class Gateway:
    """A gateway process, and what an operator and an application do with it."""

    def __init__(
        self,
        directory: Path,
        *,
        socket: Path,
        api_key_file: Path,
        port: int = 0,
        admin_port: int = 0,
        extra: str = "",
    ) -> None:
        self.directory = directory
        self.port, self.admin_port = port or free_port(), admin_port or free_port()
        self.config = directory / "sealgate.toml"
        self.config.write_text(
            f"[listen]\nport = {self.port}\n[admin]\nport = {self.admin_port}\n"
            f'[upstream]\nuds = "{socket}"\napi_key_file = "{api_key_file}"\n'
            f"[models.tiny]\n{extra}",
            "utf-8",
        )
        made = json.loads(self.command("init", "--json"))
        self.ca_file = made["ca_file"]
        self.state = Path(made["directory"])
        self.staff = {
            item["role"]: Account(item["client_id"], item["client_secret"])
            for item in made["credentials"]
        }
        self.pin = str(json.loads(self.command("keys", "pin", "--json"))["pin"])
        self.process: Process | None = None
        self.certificate: Path | None = None  # with its key, where listeners ask for one

    @property
    def origin(self) -> str:
        """The address of the public listener."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def admin_origin(self) -> str:
        """The address of the admin listener."""
        return f"https://127.0.0.1:{self.admin_port}"

    def command(self, *arguments: str) -> str:
        """Run ``sealgate`` on this gateway's configuration and return what it printed."""
        return run(SEALGATE, "--config", str(self.config), *arguments, cwd=self.directory)

    def start(self) -> None:
        """Serve, and return once both listeners answer."""
        command = [SEALGATE, "--config", str(self.config), "serve"]
        self.process = Process(command, log=self.directory / "gateway.log", cwd=self.directory)
        self.process.wait_until(self._is_live, seconds=60)

    def stop(self) -> int:
        """Stop serving and return the exit status."""
        return self.process.stop() if self.process else 0

    def tls(self) -> ssl.SSLContext:
        """Return a context that trusts this gateway's authority, and shows what it asks for."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate)
        return context

    def http(self, **options: Any) -> httpx2.Client:
        """Return a plain HTTPS client of the public listener."""
        return httpx2.Client(base_url=self.origin, verify=self.tls(), timeout=30, **options)

    def create_client(
        self,
        *,
        models: Iterable[str] = ("tiny",),
        networks: Iterable[str] = ("127.0.0.0/8",),
        **flags: bool | str,
    ) -> Account:
        """Register an application as the operator, through the admin API."""
        body = {"models": list(models), "networks": list(networks), **flags}
        made = self.admin("POST", "/clients", json=body).json()
        return Account(made["client_id"], made["client_secret"])

    def admin(
        self, method: str, path: str, *, role: str = "operator", **options: Any
    ) -> httpx2.Response:
        """Call the admin API with a fresh token of the given member of staff."""
        with httpx2.Client(verify=self.tls(), timeout=30) as http:
            headers = {"authorization": f"Bearer {self.token(self.staff[role])}"}
            url = f"{self.admin_origin}/admin/v1{path}"
            return http.request(method, url, headers=headers, **options).raise_for_status()

    def token(self, account: Account) -> str:
        """Return a fresh access token of *account*."""
        with self.http() as http:
            answer = http.post(
                "/oauth2/token",
                data={"grant_type": "client_credentials"},
                auth=(account.client_id, account.client_secret),
            )
            return str(answer.raise_for_status().json()["access_token"])

    def bound_token(self, account: Account) -> str:
        """Return a fresh access token of *account*, bound to a key that nobody has any more."""
        prover = DpopProver(random_bytes=secrets.token_bytes)
        with self.http() as http:
            for _ in range(2):  # the first answer gives the nonce
                proof = prover.prove_token_request(
                    f"{self.origin}/oauth2/token", now=datetime.now(UTC)
                )
                answer = http.post(
                    "/oauth2/token",
                    data={"grant_type": "client_credentials"},
                    auth=(account.client_id, account.client_secret),
                    headers={"dpop": proof},
                )
                if not prover.take_nonce(answer.headers.get("dpop-nonce")):
                    break
            return str(answer.raise_for_status().json()["access_token"])

    def sealed(self, account: Account, *, dpop: bool = False) -> httpx2.Client:
        """Return a client whose requests are sealed."""
        return sealed_client(
            self.origin,
            client_id=account.client_id,
            client_secret=account.client_secret,
            ca_file=self.ca_file,
            pin=self.pin,
            dpop=dpop,
        )

    def sealed_async(self, account: Account) -> httpx2.AsyncClient:
        """Return the asynchronous twin of :meth:`sealed`."""
        return sealed_async_client(
            self.origin,
            client_id=account.client_id,
            client_secret=account.client_secret,
            ca_file=self.ca_file,
            pin=self.pin,
        )

    def call_sealed(self, request: bhttp.Request) -> Response:
        """Seal exactly *request*, without anything the client library adds; return the answer."""
        with self.http() as http:
            keys = http.get("/.well-known/ohttp-gateway").raise_for_status().content
            sealer = RequestSealer(parse_key_list(keys)[0])
            answer = http.post(
                "/.well-known/ohttp-gateway",
                content=sealer.finish(bhttp.encode_request(request)),
                headers={"content-type": REQUEST_MEDIA_TYPE},
            ).raise_for_status()
        opener = sealer.response_opener()
        return parse_response(opener.feed(answer.content) + opener.finish())

    def list_models(self, token: str | None, path: bytes = b"/v1/models") -> Response:
        """Ask for the models, sealed, with exactly this token."""
        headers = [(b"date", formatdate(usegmt=True).encode())]
        if token:
            headers.append((b"authorization", b"Bearer " + token.encode()))
        authority = f"127.0.0.1:{self.port}".encode()
        return self.call_sealed(
            bhttp.Request(b"GET", path, authority=authority, headers=tuple(headers))
        )

    def access_records(self) -> list[dict[str, Any]]:
        """Return every access record, oldest first. The newest may come half a second late."""
        log = self.state / "access-log"
        keys = SegmentKeys(log / "keys", FileKeyWrap.open(self.state / "storage.key"))
        span = LogSpan(datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC))
        found = asyncio.run(AccessLogFiles(log, keys).read(span, limit=1_000_000))
        return [dict(record_row(record)) for record in found]

    def _is_live(self) -> bool:
        try:
            with httpx2.Client(verify=self.tls(), timeout=2) as http:
                return all(
                    http.get(f"{origin}/livez").is_success
                    for origin in (self.origin, self.admin_origin)
                )
        except httpx2.TransportError:
            return False
