"""The control plane's values as rows for printing. No hash and no key byte is ever in one."""

from __future__ import annotations

from dataclasses import asdict

from gateway.cli.grants import show_grants
from gateway.cli.output import Row
from gateway.control.backends import BackendStatus
from gateway.control.clients import IssuedCredential
from gateway.control.credentials import MadeCredential
from gateway.control.two_person import parse_arguments
from gateway.core.access_log import AccessRecord, SegmentReport, record_time
from gateway.core.keyring import KeyState, StoredKey
from gateway.core.registry import Credential, CredentialKind, Proposal, Revocation, StoredClient


def client_row(stored: StoredClient) -> Row:
    """Return a client's row."""
    client = stored.client
    counting = [grant for grant in client.grants if grant.permission not in client.withheld]
    limits = {name: limit for name, limit in asdict(client.quota).items() if limit is not None}
    return {
        "client_id": client.client_id,
        "role": client.role.value,
        "models": show_grants(counting),
        "networks": [str(network) for network in client.networks],
        "plaintext_allowed": client.plaintext_allowed,
        "disabled": client.disabled,
        "shaping": str(client.shaping),
        "data_class": client.data_class.value,
        "token_binding": client.token_binding.value,
        "quota": limits,
        "withheld": sorted(client.withheld),
        "scrub": client.scrubbing.as_written(),
        "masks_requests": client.masks_requests,
        "parameters": sorted(client.parameters),
        "limits": dict(client.limits),
        "extra_members": sorted(client.extra_members),
        "version": stored.version,
        "created_at": stored.created_at,
    }


def client_summary(stored: StoredClient) -> Row:
    """Return those members of a client's row that tell one from another in a table."""
    shown = ("client_id", "role", "models", "networks", "disabled")
    row = client_row(stored)
    return {name: row[name] for name in shown}


def issued_row(issued: IssuedCredential) -> Row:
    """Return the row of a fresh credential, its secret included: it is shown this once."""
    return {
        "client_id": issued.client_id,
        "credential_id": issued.credential_id,
        "client_secret": issued.secret.reveal(),
    }


def made_row(client_id: str, made: MadeCredential | None) -> Row:
    """Return the row of a client's fresh credential, with its secret if it has one."""
    if made is None:
        return {"client_id": client_id}
    row = {
        "client_id": client_id,
        "credential_id": made.credential.credential_id,
        "kind": made.credential.kind.value,
    }
    return row if made.secret is None else {**row, "client_secret": made.secret.reveal()}


def credential_row(credential: Credential) -> Row:
    """Return a credential's row; of a secret nothing but that it is one."""
    is_secret = credential.kind is CredentialKind.SECRET
    return {
        "credential_id": credential.credential_id,
        "kind": credential.kind.value,
        "verifier": None if is_secret else credential.verifier,
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


def backend_row(status: BackendStatus) -> Row:
    """Return a model server's row. A command does not know how it is, the running gateway does."""
    models = ", ".join(sorted(status.load.models)) or "all"
    return {"name": status.load.name, "models": models, "drained": status.drained}


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
    return {"time": record_time(record), "status": record.status, "ip": str(record.ip)}


def segment_row(report: SegmentReport) -> Row:
    """Return the row of what a check of a segment of the access log found."""
    return {
        "segment": report.name,
        "state": report.state.value,
        "records": report.records,
        "frame": report.frame,
    }


def proposal_row(proposal: Proposal) -> Row:
    """Return a proposal's row."""
    return {
        "proposal_id": proposal.proposal_id,
        "action": proposal.action,
        "arguments": parse_arguments(proposal),
        "proposer": proposal.proposer,
        "created_at": proposal.created_at,
        "expires_at": proposal.expires_at,
        "state": proposal.state.value,
        "decided_by": proposal.decided_by,
        "decided_at": proposal.decided_at,
    }
