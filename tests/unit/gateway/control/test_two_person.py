"""What needs two people, and what is kept of it."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.control.two_person import (
    Plan,
    TwoPersonAct,
    encode_parameters,
    find_token,
    parse_arguments,
    reasons_of,
)
from gateway.core.identity import Client, Confirmation, Principal, Role
from gateway.core.registry import Proposal

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
PLAIN = Client("c-1", Role.APPLICATION)


def proposal(parameters: str) -> Proposal:
    return Proposal("p-1", "client.change", parameters, "client:c-9", NOW, NOW)


def test_parameters_come_back() -> None:
    """Arguments come back as JSON values, the proposer's token as it was."""
    plan = Plan(frozenset(), {"client_id": "c-1", "role": Role.OWNER, "version": 3})
    principal = Principal(PLAIN, "jti-1", "kid-1", NOW, NOW, "cr-1", Confirmation("thumb"))
    kept = proposal(encode_parameters(plan, principal))
    assert parse_arguments(kept) == {"client_id": "c-1", "role": "owner", "version": 3}
    token = find_token(kept)
    assert token == ("kid-1", "cr-1", NOW, "thumb", None)
    assert find_token(proposal(encode_parameters(plan, None))) is None


def test_reasons_are_what_becomes_more() -> None:
    """Leave for clear requests counts where it is new, a role where it is another."""
    clear = Client("c-1", Role.APPLICATION, plaintext_allowed=True)
    owner = Client("c-1", Role.OWNER, plaintext_allowed=True)
    assert reasons_of(None, PLAIN) == frozenset()
    assert reasons_of(None, clear) == {TwoPersonAct.ALLOW_PLAINTEXT}
    assert reasons_of(None, owner) == {TwoPersonAct.ALLOW_PLAINTEXT, TwoPersonAct.ASSIGN_ROLE}
    assert reasons_of(clear, clear) == frozenset()
    assert reasons_of(clear, PLAIN) == frozenset()
    assert reasons_of(PLAIN, clear) == {TwoPersonAct.ALLOW_PLAINTEXT}
