"""Clients of the token service that prove themselves by a key, a certificate or a DPoP proof."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from jwt import PyJWS

from gateway.control.room import ControlRoom
from gateway.core.grants import TokenBinding
from gateway.core.jwk import SigningAlgorithm, jwk_thumbprint, name_key, to_jwk
from gateway.core.jws import sign_compact_jws
from gateway.core.registry import Credential, CredentialKind
from tests.fakes.control import ISSUER

TOKEN_URL = f"{ISSUER}/oauth2/token"


@dataclass(frozen=True)
class KeyPair:
    """An Ed25519 key of a client."""

    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def jwk(self) -> dict[str, str]:
        """The public half."""
        return to_jwk(name_key(self.private.public_key(), SigningAlgorithm.EDDSA))

    @property
    def jkt(self) -> str:
        """The thumbprint."""
        return jwk_thumbprint(name_key(self.private.public_key(), SigningAlgorithm.EDDSA))

    def assertion(self, client_id: str, now: datetime, **changes: Any) -> str:
        """Return a good client assertion but for *changes* of its claims; None leaves one out."""
        seconds = int(now.timestamp())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": TOKEN_URL,
            "iat": seconds,
            "exp": seconds + 60,
            "jti": secrets.token_hex(8),
        }
        return sign(self.private, {**claims, **changes}, {"typ": "JWT"})

    def dpop(self, now: datetime, **changes: Any) -> str:
        """Return a good DPoP proof for the token endpoint but for *changes* of its claims."""
        claims = {
            "jti": secrets.token_hex(8),
            "htm": "POST",
            "htu": TOKEN_URL,
            "iat": int(now.timestamp()),
        }
        jwk = {name: self.jwk[name] for name in ("kty", "crv", "x")}
        return sign(self.private, {**claims, **changes}, {"typ": "dpop+jwt", "jwk": jwk})


def sign(private: Any, claims: dict[str, Any], header: dict[str, Any]) -> str:
    """Return any claims in any header, by Ed25519 or, for other keys, PyJWT."""
    body = json.dumps({name: value for name, value in claims.items() if value is not None})
    if isinstance(private, Ed25519PrivateKey):
        return sign_compact_jws(body.encode(), private, header=header)
    return PyJWS().encode(body.encode(), private, header["alg"], header)


async def add_credential(
    room: ControlRoom, client_id: str, kind: CredentialKind, verifier: str
) -> str:
    """Register a credential; return its identifier."""
    credential_id = secrets.token_hex(8)
    credential = Credential(credential_id, client_id, verifier, created_at=room.clock(), kind=kind)
    async with room.store.change() as change:
        await change.add_credential(credential)
    return credential_id


async def add_key(room: ControlRoom, client_id: str) -> tuple[KeyPair, str]:
    """Register a fresh key of a client; return it and the identifier of the credential."""
    pair = KeyPair()
    kind = CredentialKind.PUBLIC_KEY
    return pair, await add_credential(room, client_id, kind, json.dumps(pair.jwk))


async def bind(room: ControlRoom, client_id: str, binding: TokenBinding) -> None:
    """Have all tokens of a client be bound."""
    async with room.store.change() as change:
        stored = await change.find_client(client_id)
        assert stored is not None
        client = replace(stored.client, token_binding=binding)
        await change.save_client(replace(stored, client=client, version=stored.version + 1))
    await room.snapshots.refresh()


def certificate(
    name: str = "CN=client,O=Example",
    *alternatives: x509.GeneralName,
    subject: x509.Name | None = None,
) -> bytes:
    """Return a certificate in DER that TLS is supposed to have verified."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject or x509.Name.from_rfc4514_string(name))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "clients")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(hours=1))
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
