"""Authlib as an OAuth client of ours: tokens, introspection, revocation, by secret and by key."""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
from collections.abc import Iterator

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.configured_room import open_control, utc_now
from gateway.core.registry import Credential, CredentialKind
from tests.integration.conftest import World
from tests.story.gateway import Account

KEYS = {
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "RS256": lambda: RSAKey.generate_key(2048),
    "PS256": lambda: RSAKey.generate_key(2048),
}


@pytest.fixture
def account(world: World) -> Account:
    """Return a fresh client."""
    return world.gateway.create_client()


@pytest.fixture
def session(world: World, account: Account) -> Iterator[OAuth2Client]:
    """Return Authlib's client with the secret of the account."""
    with client_of(world, account.client_id, account.client_secret) as client:
        yield client


def client_of(
    world: World, client_id: str, credential: object, method: str = "client_secret_basic"
) -> OAuth2Client:
    """Return Authlib's client over the TLS of the gateway."""
    return OAuth2Client(
        client_id,
        credential,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        verify=ssl.create_default_context(cafile=world.gateway.ca_file),
        grant_type="client_credentials",
    )


def metadata_of(world: World) -> AuthorizationServerMetadata:
    """Return the metadata of the gateway as Authlib reads it."""
    with world.gateway.http() as http:
        found = http.get(f"{world.gateway.origin}/.well-known/oauth-authorization-server")
    return AuthorizationServerMetadata(found.json())


async def register(world: World, client_id: str, jwk: dict[str, object]) -> None:
    """Register a public key of a client in the store of the running gateway."""
    room = await open_control(world.gateway.config)
    credential = Credential(
        secrets.token_hex(8),
        client_id,
        json.dumps(jwk),
        created_at=utc_now(),
        kind=CredentialKind.PUBLIC_KEY,
    )
    async with room.store.change() as change:
        await change.add_credential(credential)
    await room.close()


def test_metadata_is_valid(world: World) -> None:
    """What the gateway says of itself passes Authlib's checks of RFC 8414."""
    metadata = metadata_of(world)
    # RFC 8414 wants the member, and there is no authorization endpoint to have a type; Authlib
    # wants one all the same.
    AuthorizationServerMetadata({**metadata, "response_types_supported": ["none"]}).validate()
    assert metadata["response_types_supported"] == []
    assert metadata["issuer"] == world.gateway.origin


def test_life_of_a_token(world: World, session: OAuth2Client) -> None:
    """A token is fetched by its secret, is active, is revoked, and is active no more."""
    metadata = metadata_of(world)
    token = session.fetch_token(metadata["token_endpoint"])
    assert token["token_type"] == "Bearer"
    value = token["access_token"]
    found = session.introspect_token(metadata["introspection_endpoint"], value).json()
    assert (found["active"], found["client_id"]) == (True, session.client_id)
    assert world.gateway.list_models(value).status == 200
    revoked = session.revoke_token(
        metadata["revocation_endpoint"], value, token_type_hint="access_token"
    )
    assert revoked.status_code == 200
    again = session.introspect_token(metadata["introspection_endpoint"], value)
    assert again.json() == {"active": False}
    assert world.gateway.list_models(value).status == 401


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")
@pytest.mark.parametrize("algorithm", KEYS)
def test_client_with_a_key(world: World, account: Account, algorithm: str) -> None:
    """A client that signs its assertions needs no secret; each assertion is good once."""
    metadata = metadata_of(world)
    key = KEYS[algorithm]()
    jwk = {**key.as_dict(private=False), "alg": algorithm}
    asyncio.run(register(world, account.client_id, jwk))
    with client_of(world, account.client_id, key, "private_key_jwt") as client:

        def sign_afresh(**claims: object) -> None:
            # Authlib's own assertions live for an hour, and keep the jti of given claims.
            seconds = int(utc_now().timestamp())
            client.register_client_auth_method(
                PrivateKeyJWT(
                    metadata["token_endpoint"], {"exp": seconds + 60, **claims}, alg=algorithm
                )
            )

        sign_afresh(jti="one")
        value = client.fetch_token(metadata["token_endpoint"])["access_token"]
        with pytest.raises(OAuthError, match="invalid_client"):
            client.fetch_token(metadata["token_endpoint"])
        sign_afresh(exp=int(utc_now().timestamp()) + 3600)
        with pytest.raises(OAuthError, match="invalid_client"):
            client.fetch_token(metadata["token_endpoint"])
    with client_of(world, account.client_id, account.client_secret) as client:
        found = client.introspect_token(metadata["introspection_endpoint"], value).json()
    assert found["client_id"] == account.client_id


def test_wrong_secret(world: World, account: Account) -> None:
    """Authlib understands the refusal."""
    metadata = metadata_of(world)
    with (
        client_of(world, account.client_id, "wrong") as client,
        pytest.raises(OAuthError, match="invalid_client"),
    ):
        client.fetch_token(metadata["token_endpoint"])
