"""An OAuth client from npm: oauth4webapi gets and uses tokens, jose verifies them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import jwt
import pytest
from cryptography import x509

from gateway.backends.database.store import DatabaseStore
from gateway.core.jwk import parse_jwk, to_jwk
from gateway.core.registry import Credential, CredentialKind
from tests.fakes.certificates import ClientAuthority
from tests.interop.issuer import new_key
from tests.story.gateway import Account, Gateway

SCRIPT = "oauth.mjs"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Return an authority for certificates of clients."""
    return ClientAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def gateway(world, authority, tmp_path_factory):
    """Return a gateway that asks for client certificates and rotates without a pause."""
    socket, key_file = world.gateway.directory / "v.sock", world.gateway.directory / "vllm.key"
    gateway = Gateway(
        tmp_path_factory.mktemp("gateway"),
        socket=socket,
        api_key_file=key_file,
        extra=f'[tls]\nclient_ca_file = "{authority.file}"\n[tokens]\nprepublish_seconds = 0\n',
    )
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.stop()


@pytest.fixture(scope="module")
def account(gateway):
    """Return a client with a secret that may also call in the clear."""
    return gateway.create_client(plaintext_allowed=True)


@pytest.fixture
def run(gateway, node):
    """Return what runs a job of the script against the gateway."""

    def run(job: str, **told: object):
        return node(job, script=SCRIPT, ca_file=gateway.ca_file, issuer=gateway.origin, **told)

    return run


def with_secret(account: Account) -> dict[str, str]:
    return {"clientId": account.client_id, "secret": account.client_secret}


def add_credential(gateway: Gateway, account: Account, kind: CredentialKind, verifier: str) -> None:
    """Register a further credential of *account*."""

    async def add() -> None:
        store = DatabaseStore.open(f"sqlite+aiosqlite:///{gateway.state / 'sealgate.db'}")
        credential = Credential(
            credential_id=f"{kind.value}-{account.client_id}",
            client_id=account.client_id,
            verifier=verifier,
            created_at=datetime.now(UTC),
            kind=kind,
        )
        async with store.change() as change:
            await change.add_credential(credential)
        await store.close()

    asyncio.run(add())


def claims_of(token: str) -> dict[str, object]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_metadata_is_found_and_complete(gateway, run):
    """Discovery (RFC 8414) leads an unknown client to every endpoint and method."""
    found = run("discover", clientId="any")
    assert found["issuer"] == gateway.origin
    for name in ("token", "introspection", "revocation"):
        assert found[f"{name}_endpoint"].startswith(gateway.origin)
    assert set(found["token_endpoint_auth_methods_supported"]) == {
        "client_secret_basic",
        "private_key_jwt",
        "tls_client_auth",
    }
    assert {"EdDSA", "ES256"} <= set(found["dpop_signing_alg_values_supported"])
    assert found["tls_client_certificate_bound_access_tokens"] is True


@pytest.mark.parametrize("sealed", [False, True], ids=["clear", "sealed"])
def test_secret(account, run, sealed):
    """A client with a secret gets a bearer token and calls with it."""
    seen = run("call", **with_secret(account), sealed=sealed)
    assert seen["granted"]["token_type"] == "bearer"
    assert seen["cacheControl"] == "no-store"
    assert (seen["call"]["status"], seen["call"]["models"]) == (200, ["tiny"])


def test_wrong_secret(account, run):
    """A wrong secret is a challenge for Basic, which the client understands as such."""
    seen = run("call", clientId=account.client_id, secret=account.client_secret[:-1])
    assert seen["error"]["status"] == 401
    assert [scheme for scheme, _ in seen["error"]["challenges"]] == ["basic"]


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_private_key(gateway, run, algorithm):
    """A client signs for itself with a key of its own (RFC 7523); another key gets nothing."""
    account, key = gateway.create_client(plaintext_allowed=True), new_key("k", algorithm)
    public = {name: key[name] for name in key.keys() & {"kty", "crv", "x", "y", "n", "e", "alg"}}
    verifier = json.dumps(to_jwk(parse_jwk({**public, "kid": "k"})))
    add_credential(gateway, account, CredentialKind.PUBLIC_KEY, verifier)
    seen = run("call", clientId=account.client_id, key=key)
    assert seen["call"]["status"] == 200
    other = run("call", clientId=account.client_id, key=new_key("k", algorithm))
    assert other["error"]["status"] == 401


def test_certificate(gateway, authority, run):
    """A client proves itself by its certificate; the token is bound to that (RFC 8705)."""
    account, certificate = gateway.create_client(plaintext_allowed=True), authority.issue()
    subject = x509.load_der_x509_certificate(certificate.der).subject.rfc4514_string()
    add_credential(gateway, account, CredentialKind.CERTIFICATE, f"dn:{subject}")
    shown = {"certificate": certificate.file.read_text(), "certificateIsProof": True}
    seen = run("call", clientId=account.client_id, **shown)
    assert seen["call"]["status"] == 200
    token = seen["granted"]["access_token"]
    assert list(claims_of(token)["cnf"]) == ["x5t#S256"]

    stolen = run("steal", clientId=account.client_id, token=token)
    assert stolen["error"]["status"] == 401
    other = run(
        "steal",
        clientId=account.client_id,
        token=token,
        certificate=authority.issue().file.read_text(),
    )
    assert other["error"]["status"] == 401
    another = {**shown, "certificate": authority.issue().file.read_text()}
    assert run("call", clientId=account.client_id, **another)["error"]["status"] == 401


@pytest.mark.parametrize("sealed", [False, True], ids=["clear", "sealed"])
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_dpop(account, run, sealed, algorithm):
    """A token bound to a key of the client (RFC 9449), with nonces of both servers."""
    name = {"EdDSA": "Ed25519"}.get(algorithm, algorithm)
    seen = run("call", **with_secret(account), dpop=name, sealed=sealed)
    assert seen["granted"]["token_type"] == "dpop"
    assert seen["attempts"] == 2
    assert (seen["call"]["status"], seen["call"]["models"]) == (200, ["tiny"])
    token = seen["granted"]["access_token"]
    assert list(claims_of(token)["cnf"]) == ["jkt"]

    as_bearer = run("steal", clientId=account.client_id, token=token, sealed=sealed)
    assert as_bearer["error"]["status"] == 401
    by_another = run("steal", clientId=account.client_id, token=token, dpop=name, sealed=sealed)
    assert by_another["error"]["status"] == 401


def test_introspection_and_revocation(gateway, account, run):
    """Its own client learns what a token is (RFC 7662), others nothing; revoked it is inactive."""
    other = gateway.create_client()
    told = {"clientId": other.client_id, "secret": other.client_secret}
    seen = run("life", **with_secret(account), other=told)
    own = seen["own"]
    assert own["active"] is True
    assert (own["client_id"], own["iss"]) == (account.client_id, gateway.origin)
    assert own["exp"] - own["iat"] == 3600
    assert seen["others"] == {"active": False}
    assert seen["afterOthersRevocation"] is True
    assert seen["afterRevocation"] == {"active": False}
    assert seen["call"]["error"]["status"] == 401


def set_algorithm(gateway: Gateway, algorithm: str) -> None:
    """Configure another algorithm for new signing keys and start anew."""
    gateway.stop()
    config = gateway.config.read_text("utf-8")
    line = f'prepublish_seconds = 0\nalgorithm = "{algorithm}"'
    gateway.config.write_text(config.replace("prepublish_seconds = 0", line), "utf-8")
    gateway.start()


def wait_for_algorithm(gateway: Gateway, account: Account, algorithm: str) -> str:
    """Return a token that is signed with *algorithm*; the key may have to be rotated first."""
    for _ in range(100):
        token = gateway.token(account)
        if jwt.get_unverified_header(token)["alg"] == algorithm:
            return token
    raise AssertionError(f"no token was signed with {algorithm}")


def test_published_keys_verify_tokens_over_rotations(gateway, account, run):
    """jose verifies tokens of before and after rotations, EdDSA and ES256, and finds forgeries."""
    tokens = [gateway.token(account)]
    gateway.admin("POST", "/keys/signing/rotate")
    tokens.append(gateway.token(account))
    set_algorithm(gateway, "ES256")
    tokens.append(wait_for_algorithm(gateway, account, "ES256"))
    seen = run("verify", audience="sealgate", tokens=tokens)
    algorithms = [found["header"]["alg"] for found in seen["verified"]]
    assert algorithms == ["EdDSA", "EdDSA", "ES256"]
    assert len({found["header"]["kid"] for found in seen["verified"]}) == 3
    assert {found["payload"]["client_id"] for found in seen["verified"]} == {account.client_id}
    assert "error" in seen["forged"]
    assert "error" in seen["cut"]
