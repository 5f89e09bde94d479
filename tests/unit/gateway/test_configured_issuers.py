"""Other issuers: their keys are fetched beside the work, and their tokens open what they may."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.app import build_applications
from gateway.core.identity import Role
from gateway.core.jwk import SigningAlgorithm, name_key, to_jwk
from gateway.core.jws import sign_compact_jws
from gateway.settings import load_configuration
from tests.fakes.asgi import call, scope
from tests.fakes.control import GRANTS, LOCAL, FakeClock, make_room
from tests.unit.gateway.backends.test_jwks_fetch import served, whole
from tests.unit.gateway.test_app import MODELS, Records, outside


async def test_other_issuers_are_asked_in_the_background(tmp_path: Path) -> None:
    """A configured issuer that is away does not keep the gateway from starting."""
    text = MODELS + (
        '[[issuers]]\nissuer = "https://idp.example"\njwks_url = "http://127.0.0.1:1/jwks"\n'
        'audience = "sealgate"\nrole_claim = "role"\n'
        'clients = { their-app = "c-1" }\nroles = { app = "application" }\n'
    )
    file = tmp_path / "sealgate.toml"
    file.write_text(text, "utf-8")
    configuration = load_configuration(file)
    room = make_room(tmp_path, FakeClock())
    await room.keys.ensure_first()
    apps = build_applications(configuration, room, outside(Records()))
    await asyncio.sleep(0.1)
    headers = [(b"host", b"localhost:8443"), (b"authorization", b"Bearer a.b.c")]
    request = scope("GET", "/v1/models", headers=headers)
    assert (await call(apps.public, request)).status == 401
    await room.close()


async def test_tokens_of_another_issuer_open_what_its_client_may(tmp_path: Path) -> None:
    """From the published key to the registered client: known, of the right role, or refused."""
    clock = FakeClock()
    room = make_room(tmp_path, clock)
    await room.keys.ensure_first()
    issued = await room.clients.create(LOCAL, GRANTS, role=Role.APPLICATION)
    theirs = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    jwk = to_jwk(name_key(theirs.public_key(), SigningAlgorithm.EDDSA))

    async def status(role: str) -> int:
        now = int(clock().timestamp())
        claims = {"iss": "https://idp.example", "aud": "sealgate", "sub": "s", "client_id": "app"}
        body = json.dumps({**claims, "role": role, "iat": now, "exp": now + 60}).encode()
        token = sign_compact_jws(body, theirs, header={"typ": "at+jwt", "kid": jwk["kid"]})
        headers = [(b"host", b"localhost:8443"), (b"authorization", b"Bearer " + token.encode())]
        return (await call(apps.public, scope("GET", "/v1/models", headers=headers))).status

    with served(whole(body=json.dumps({"keys": [jwk]}).encode())) as (url, asked):
        file = tmp_path / "sealgate.toml"
        file.write_text(
            f'[[issuers]]\nissuer = "https://idp.example"\njwks_url = "{url}"\n'
            'audience = "sealgate"\nrole_claim = "role"\n'
            f'clients = {{ app = "{issued.client_id}" }}\n'
            'roles = { user = "application", admin = "operator" }\n',
            "utf-8",
        )
        apps = build_applications(load_configuration(file), room, outside(Records()))
        for _ in range(100):
            if asked and await status("user") != 401:
                break
            await asyncio.sleep(0.05)
        # Known, and then told to seal its request.
        assert await status("user") == 415
        assert await status("admin") == 401
        assert await status("nobody") == 401
    await room.close()
