"""The control plane's values as rows for printing. No hash and no key byte is ever in one."""

from __future__ import annotations

from gateway.cli.session import Row
from gateway.control.clients import IssuedCredential
from gateway.core.access_log import AccessRecord
from gateway.core.keyring import KeyState, StoredKey
from gateway.core.registry import Credential, Revocation, StoredClient


def client_row(stored: StoredClient) -> Row:
    """Return a client's row."""
    client = stored.client
    return {
        "client_id": client.client_id,
        "role": client.role.value,
        "models": sorted(client.models),
        "networks": [str(network) for network in client.networks],
        "plaintext_allowed": client.plaintext_allowed,
        "disabled": client.disabled,
        "shaping": str(client.shaping),
        "created_at": stored.created_at,
    }


def issued_row(issued: IssuedCredential) -> Row:
    """Return the row of a fresh credential, its secret included: it is shown this once."""
    return {
        "client_id": issued.client_id,
        "credential_id": issued.credential_id,
        "client_secret": issued.secret.reveal(),
    }


def credential_row(credential: Credential) -> Row:
    """Return a credential's row."""
    return {
        "credential_id": credential.credential_id,
        "created_at": credential.created_at,
        "revoked_at": credential.revoked_at,
    }


def key_row(key: StoredKey) -> Row:
    """Return a key's row."""
    return {
        "kid": key.kid,
        "use": key.use.value,
        "algorithm": key.algorithm.value,
        "state": key.state.value,
        "key_id": key.key_id,
        "created_at": key.created_at,
        "activates_at": key.activates_at if key.state is KeyState.PENDING else None,
        "retires_at": key.retires_at,
        "revoked_at": key.revoked_at,
    }


def revocation_row(revocation: Revocation) -> Row:
    """Return a revocation's row."""
    return {
        "kind": revocation.kind.value,
        "subject": revocation.subject,
        "revoked_at": revocation.revoked_at,
        "expires_at": revocation.expires_at,
    }


def record_row(record: AccessRecord) -> Row:
    """Return the row of a line of the access log."""
    return {"time": record.at, "status": record.status, "ip": str(record.ip)}
