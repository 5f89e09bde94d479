"""The authorization server of ``issuer.mjs`` as a process: started, asked for tokens, stopped."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.core.jws import encode_base64url
from tests.interop.conftest import HERE

AUDIENCE = "sealgate"
ALGORITHMS = ("ES256", "RS256", "EdDSA")
RESOURCES = {
    **{f"urn:gateway:{alg}": {"audience": AUDIENCE, "alg": alg} for alg in ALGORITHMS},
    "urn:other": {"audience": "other", "alg": "ES256"},
}
SECRET = "a-secret-of-the-other-issuer"
STAFF_ROLE = "operations"
CLIENTS = {"app": "apps", "stranger": "apps", "promoted": STAFF_ROLE, "nobody": "guests"}
"""Clients of the issuer and the one role that each has there."""


def new_key(kid: str, algorithm: str) -> dict[str, str]:
    """Return a fresh private JWK."""
    shared = {"kid": kid, "alg": algorithm, "use": "sig"}
    if algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
        seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        x = encode_base64url(private.public_key().public_bytes_raw())
        return {"kty": "OKP", "crv": "Ed25519", "x": x, "d": encode_base64url(seed), **shared}
    if algorithm == "ES256":
        numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
        point = {"x": numbers.public_numbers.x, "y": numbers.public_numbers.y}
        values = {**point, "d": numbers.private_value}
        coded = {name: encode_base64url(value.to_bytes(32)) for name, value in values.items()}
        return {"kty": "EC", "crv": "P-256", **coded, **shared}
    private_numbers = rsa.generate_private_key(65537, 2048).private_numbers()
    values = {"n": private_numbers.public_numbers.n, "e": private_numbers.public_numbers.e}
    values |= {"d": private_numbers.d, "p": private_numbers.p, "q": private_numbers.q}
    values |= {"dp": private_numbers.dmp1, "dq": private_numbers.dmq1, "qi": private_numbers.iqmp}
    coded = {name: encode_base64url(_unsigned(value)) for name, value in values.items()}
    return {"kty": "RSA", **coded, **shared}


def _unsigned(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8)


def _lasting_port() -> int:
    """Return a free port that no outgoing connection is given while nobody listens on it."""
    # Not from the generator that has the same seed in every process of a test run.
    for port in random.SystemRandom().sample(range(20_000, 32_000), 50):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError("no port is free")


class Issuer:
    """An issuer at one address, which may be stopped and started with other keys."""

    def __init__(self, node_program: str, directory: Path) -> None:
        self.port = _lasting_port()
        self._node = node_program
        self._log = directory / "issuer.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        """The issuer, which is also its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, keys: Sequence[dict[str, str]]) -> None:
        """Serve with *keys*: the first of each algorithm signs, all are published."""
        told = {
            "port": self.port,
            "keys": list(keys),
            "clients": [[name, SECRET] for name in CLIENTS],
            "resources": RESOURCES,
            "claims": {name: {"roles": [role]} for name, role in CLIENTS.items()},
        }
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [self._node, "issuer.mjs"],
                cwd=HERE, stdin=subprocess.PIPE, stdout=output, stderr=output,
            )  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told).encode())
        self._process.stdin.close()
        deadline = time.monotonic() + 60
        while not self._is_ready():
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the issuer did not start: {self._log.read_text()}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.origin}/jwks", timeout=2).is_success
        except httpx2.HTTPError:
            return False

    def stop(self) -> None:
        """Stop serving; the address stays reserved for the next start."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def metadata(self) -> dict[str, Any]:
        """Return what the issuer says of itself."""
        answer = httpx2.get(f"{self.origin}/.well-known/openid-configuration", timeout=30)
        return dict(answer.raise_for_status().json())

    def token(self, client: str = "app", resource: str = "urn:gateway:ES256") -> str:
        """Return a fresh access token of one of its clients."""
        answer = httpx2.post(
            f"{self.origin}/token",
            data={"grant_type": "client_credentials", "resource": resource},
            auth=(client, SECRET),
            timeout=30,
        )
        return str(answer.raise_for_status().json()["access_token"])
