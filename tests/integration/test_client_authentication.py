"""Clients with certificates and keys against a real gateway: TLS, token endpoint, model API."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from cryptography import x509

from gateway.client.httpx2_transport import sealed_client
from gateway.configured_room import open_control, utc_now
from gateway.control.actors import LocalOperator
from gateway.control.clients import ClientGrants
from gateway.core.grants import TokenBinding
from gateway.core.registry import Credential, CredentialKind
from tests.fakes.certificates import ClientAuthority, ClientCertificate
from tests.story.gateway import Account, Gateway

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module")
def gateway() -> Iterator[tuple[Gateway, ClientAuthority]]:
    """Start a gateway that asks clients for certificates."""
    # Not pytest's own folder: the path of a Unix socket has a limit of about 100 characters.
    with tempfile.TemporaryDirectory(prefix="sealgate-") as folder:
        directory = Path(folder)
        authority = ClientAuthority(directory)
        gateway = Gateway(
            directory,
            socket=directory / "v.sock",
            api_key_file=directory / "vllm.key",
            extra=f'[tls]\nclient_ca_file = "{authority.file}"\n',
        )
        try:
            gateway.start()
            yield gateway, authority
        finally:
            gateway.stop()


async def register(gateway: Gateway, account: Account, verifier: str) -> None:
    """Register the name of a certificate for a client."""
    room = await open_control(gateway.config)
    credential = Credential(
        secrets.token_hex(8),
        account.client_id,
        verifier,
        created_at=utc_now(),
        kind=CredentialKind.CERTIFICATE,
    )
    async with room.store.change() as change:
        await change.add_credential(credential)
    await room.close()


async def bind(gateway: Gateway, account: Account) -> None:
    """Have the client's tokens be bound to a key."""
    room = await open_control(gateway.config)
    grants = ClientGrants(token_binding=TokenBinding.DPOP)
    await room.clients.change(LocalOperator(), account.client_id, grants)
    await room.close()


def calls(gateway: Gateway, certificate: ClientCertificate | None) -> httpx2.Client:
    """Return an HTTP client that shows *certificate*."""
    context = ssl.create_default_context(cafile=gateway.ca_file)
    if certificate is not None:
        certificate.show(context)
    return httpx2.Client(verify=context, base_url=gateway.origin)


def subject_of(certificate: ClientCertificate) -> str:
    """Return the subject as an operator would register it."""
    return f"dn:{x509.load_der_x509_certificate(certificate.der).subject.rfc4514_string()}"


def test_client_with_a_certificate(gateway: tuple[Gateway, ClientAuthority]) -> None:
    """A registered certificate gets a token that is bound to it; no other certificate does."""
    here, authority = gateway
    account, mine, other = here.create_client(), authority.issue(), authority.issue()
    asyncio.run(register(here, account, subject_of(mine)))
    form = {**GRANT, "client_id": account.client_id}
    with calls(here, mine) as http:
        answer = http.post("/oauth2/token", data=form).json()
    with calls(here, other) as http:
        assert http.post("/oauth2/token", data=form).status_code == 401
    with calls(here, None) as http:
        assert http.post("/oauth2/token", data=form).status_code == 401
        found = http.post(
            "/oauth2/introspect",
            data={"token": answer["access_token"]},
            auth=(account.client_id, account.client_secret),
        ).json()
        metadata = http.get("/.well-known/oauth-authorization-server").json()
    assert found["active"]
    assert set(found["cnf"]) == {"x5t#S256"}
    assert "tls_client_auth" in metadata["token_endpoint_auth_methods_supported"]
    assert here.list_models(answer["access_token"]).status == 401  # without the certificate


def test_client_library_with_dpop(gateway: tuple[Gateway, ClientAuthority]) -> None:
    """Our client answers the nonce and uses a bound token; without a proof it gets none."""
    here, _ = gateway
    account = here.create_client()
    asyncio.run(bind(here, account))
    with calls(here, None) as http:
        who = (account.client_id, account.client_secret)
        refused = http.post("/oauth2/token", data=GRANT, auth=who)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
    with sealed_client(
        here.origin,
        client_id=account.client_id,
        client_secret=account.client_secret,
        ca_file=here.ca_file,
        trust_tls=True,
        dpop=True,
    ) as http:
        # There is no model server here: whoever hears that has passed all checks of the token.
        assert http.get(f"{here.origin}/v1/models").json()["error"]["code"] == (
            "upstream_unavailable"
        )
