"""Access tokens: only what was signed is accepted, and every refusal is the documented error."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.errors import InvalidToken
from gateway.core.identity import Client, Role
from gateway.core.jwk import SigningAlgorithm, VerificationKey
from gateway.core.policy import Revocations, Snapshot
from gateway.core.tokens import AccessClaims, Expectations, sign_access_token, verify_access_token

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CLAIMS = AccessClaims("https://i", "a", "c", "j", NOW, NOW + timedelta(minutes=5))
TOKEN = sign_access_token(CLAIMS, KEY, "k")
SNAPSHOT = Snapshot(
    revision=1,
    clients={"c": Client(client_id="c", role=Role.APPLICATION)},
    models={},
    verification_keys={"k": VerificationKey("k", SigningAlgorithm.EDDSA, KEY.public_key())},
    recipient_keys={},
    key_configurations=b"",
    revocations=Revocations(),
)


def _is_accepted(token: str) -> bool:
    expectations = Expectations("https://i", "a")
    try:
        verify_access_token(token, snapshot=SNAPSHOT, expectations=expectations, now=NOW)
    except InvalidToken:
        return False
    return True


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def check(data: bytes) -> None:
    """No text but the signed token passes, and signed rubbish is refused without another error."""
    token = data.decode("latin-1")
    assert _is_accepted(token) == (token == TOKEN)
    header = TOKEN.partition(".")[0]
    signed = f"{header}.{_encode(data)}"
    _is_accepted(f"{signed}.{_encode(KEY.sign(signed.encode()))}")  # must raise nothing else
