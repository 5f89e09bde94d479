"""Between values and rows: what goes in comes out the same, as columns that the tables have."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from ipaddress import ip_network

import pytest

from gateway.backends.database import tables
from gateway.backends.database.rows import (
    audit_of,
    audit_row,
    client_of,
    client_row,
    credential_of,
    credential_row,
    key_of,
    key_row,
    permission_use_of,
    permission_use_row,
    proposal_of,
    proposal_row,
    revocation_of,
    revocation_of_key,
    revocation_row,
)
from gateway.core.audit import EMPTY_TRAIL, AuditEntry, Outcome, append_row
from gateway.core.grants import DataClass, Parameter, Quota, TokenBinding, every_operation
from gateway.core.identity import Client, Role
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.registry import (
    Credential,
    CredentialKind,
    PermissionUse,
    Proposal,
    ProposalState,
    Revocation,
    RevocationKind,
    StoredClient,
)
from gateway.core.scrub_rules import ScrubRules, Treatment

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LATER = datetime(2026, 11, 24, tzinfo=UTC)
CLIENT = Client(
    client_id="c",
    role=Role.AUDITOR,
    grants=every_operation({"b", "a"}),
    networks=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")),
    plaintext_allowed=True,
    disabled=True,
    data_class=DataClass.CORE,
    token_binding=TokenBinding.EITHER,
    quota=Quota(requests_per_minute=7, tokens_per_day=9),
    withheld=frozenset({"models:call:completions:b"}),
    scrubbing=ScrubRules(Treatment.PSEUDONYM, {"PHONE": Treatment.MASK}),
    masks_requests=True,
    parameters=frozenset({Parameter.ECHO, Parameter.LOGPROBS}),
    limits={"choices": 1},
)
STORED = StoredClient(CLIENT, created_at=NOW, changed_at=LATER, version=3)
KEY = StoredKey(
    kid="k",
    use=KeyUse.ENCRYPTION,
    algorithm=KeyAlgorithm.X25519,
    state=KeyState.RETIRING,
    key_id=0,
    created_at=NOW,
    activated_at=NOW,
    retires_at=LATER,
    revoked_at=None,
    public=b"\x01",
    wrapped_private=b"\x02",
)

AUDIT_ROW = append_row(EMPTY_TRAIL, AuditEntry(NOW, "local", "a", "t", Outcome.DONE, "r", "d"))
PROPOSAL = Proposal("p", "a", "{}", "local", NOW, LATER)
USE = PermissionUse("c", "models:list", date(2026, 11, 23))


@pytest.mark.parametrize("stored", [STORED, replace(STORED, client=Client("d", Role.APPLICATION))])
def test_client_comes_back(stored: StoredClient) -> None:
    """A client with every grant and one with none are the same after a round trip."""
    assert client_of(client_row(stored)) == stored


def test_client_row_is_plain_and_ordered() -> None:
    """Equal clients make equal rows: grants sorted, networks as text in the order given."""
    row = client_row(STORED)
    assert row["grants"][:2] == [["a", "chat_completions"], ["a", "completions"]]
    assert row["networks"] == ["10.0.0.0/8", "2001:db8::/32"]
    assert type(row["role"]) is str


@pytest.mark.parametrize("kind", list(CredentialKind))
@pytest.mark.parametrize("revoked_at", [None, LATER])
def test_credential_comes_back(kind: CredentialKind, revoked_at: datetime | None) -> None:
    """A credential of any kind keeps its verifier and its times."""
    credential = Credential("i", "c", "$argon2id$", NOW, revoked_at, kind)
    assert credential_of(credential_row(credential)) == credential


@pytest.mark.parametrize("state", list(KeyState))
@pytest.mark.parametrize("private", [b"\x02", None])
def test_key_comes_back(state: KeyState, private: bytes | None) -> None:
    """A key of any state, with or without its private half, is the same after a round trip."""
    key = replace(KEY, state=state, wrapped_private=private)
    row = key_row(key)
    assert {type(row[name]) for name in ("use", "algorithm", "state")} == {str}
    back = key_of(row)
    assert back == key
    assert back.state is state


def test_key_does_not_know_its_sequence() -> None:
    """The number by which the database orders keys is no part of a key."""
    assert "sequence" not in key_row(KEY)
    assert key_of({**key_row(KEY), "sequence": 9}) == KEY


@pytest.mark.parametrize("kind", list(RevocationKind))
@pytest.mark.parametrize("expires_at", [None, LATER])
def test_revocation_comes_back(kind: RevocationKind, expires_at: datetime | None) -> None:
    """A revocation of any kind keeps its subject and its times."""
    revocation = Revocation(kind, "s", NOW, expires_at)
    row = revocation_row(revocation)
    assert type(row["kind"]) is str
    assert revocation_of(row) == revocation


def test_audit_row_comes_back() -> None:
    """A row of the audit trail is the same after a round trip, so its digest still fits."""
    assert audit_of(audit_row(AUDIT_ROW)) == AUDIT_ROW


@pytest.mark.parametrize("state", list(ProposalState))
def test_proposal_comes_back(state: ProposalState) -> None:
    """A proposal of any state is the same after a round trip."""
    proposal = replace(PROPOSAL, state=state)
    assert proposal_of(proposal_row(proposal)) == proposal


@pytest.mark.parametrize("last_used_on", [None, date(2026, 11, 24)])
def test_permission_use_comes_back(last_used_on: date | None) -> None:
    """The days of a permission are the same after a round trip."""
    use = replace(USE, last_used_on=last_used_on)
    assert permission_use_of(permission_use_row(use)) == use


def test_rows_have_the_columns_of_the_tables() -> None:
    """No column is left unwritten and none is written that is not there."""
    rows = {
        tables.CLIENTS: client_row(STORED),
        tables.CREDENTIALS: credential_row(Credential("i", "c", "h", NOW)),
        tables.KEYS: key_row(KEY),
        tables.REVOCATIONS: revocation_row(Revocation(RevocationKind.JTI, "j", NOW, None)),
        tables.AUDIT: audit_row(AUDIT_ROW),
        tables.PROPOSALS: proposal_row(PROPOSAL),
        tables.PERMISSION_USES: permission_use_row(USE),
    }
    for table, row in rows.items():
        assert set(row) == set(table.columns.keys()) - {"sequence"}


def test_row_with_an_unknown_word_is_refused() -> None:
    """A role or state that this version does not know is an error, never a default."""
    with pytest.raises(ValueError, match="king"):
        client_of({**client_row(STORED), "role": "king"})
    with pytest.raises(ValueError, match="lost"):
        key_of({**key_row(KEY), "state": "lost"})


@pytest.mark.parametrize("expires_at", [None, LATER])
def test_revocation_comes_back_from_raw_columns(expires_at: datetime | None) -> None:
    """Read without the zone of its times, a revocation is the same."""
    revocation = Revocation(RevocationKind.CLIENT_ID, "c", NOW, expires_at)
    raw_end = None if expires_at is None else expires_at.replace(tzinfo=None)
    key = ("client_id", "c", NOW.replace(tzinfo=None), raw_end)
    assert revocation_of_key(key) == revocation
