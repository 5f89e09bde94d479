"""The two-person rule: which acts wait for a second person, and what is kept of them meanwhile.

An act is tried out first: only one that its proposer may do, and that could be done now, becomes a
proposal. See ADR 0017.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from gateway.core.identity import Client, Principal, Role
from gateway.core.registry import Proposal

DEFAULT_LIFETIME = timedelta(minutes=15)


class TwoPersonAct(StrEnum):
    """What may be configured to need two people."""

    REVOKE_EVERYTHING = "revoke-everything"
    ASSIGN_ROLE = "assign-role"
    ALLOW_PLAINTEXT = "allow-plaintext"


@dataclass(frozen=True, slots=True)
class TwoPersonRule:
    """Which acts need a second person, and for how long a proposal can be decided."""

    acts: frozenset[TwoPersonAct] = frozenset()
    lifetime: timedelta = DEFAULT_LIFETIME


class Plan(NamedTuple):
    """An act that may need two people: why, and with which *arguments* it is called again."""

    reasons: frozenset[TwoPersonAct]
    arguments: Mapping[str, object]


class Proposed(Exception):  # no error: the act waits for a second person
    """The act became *proposal*; nothing was done yet. Not a refusal, so no ``SealgateError``."""

    def __init__(self, proposal: Proposal) -> None:
        super().__init__(proposal.proposal_id)
        self.proposal = proposal


class SecondPersonNeeded(Exception):  # ends the transaction in which an act was tried
    """The act that was tried needs a second person; what it wrote is to be rolled back."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


class ProposerToken(NamedTuple):
    """What is kept of the token under which something was proposed."""

    kid: str
    credential_id: str
    issued_at: datetime
    jkt: str | None
    x5t_s256: str | None


def encode_parameters(plan: Plan, principal: Principal | None) -> str:
    """Return what a proposal keeps, as JSON: arguments, and which token the proposer had."""
    token = None
    if principal is not None:
        confirmation = principal.confirmation
        token = ProposerToken(
            principal.kid, principal.credential_id, principal.issued_at, *confirmation
        )._asdict()
    return to_json({"arguments": dict(plan.arguments), "token": token}).decode("utf-8")


def parse_arguments(proposal: Proposal) -> dict[str, Any]:
    """Return the arguments of a proposal as plain JSON values."""
    arguments: dict[str, Any] = from_json(proposal.parameters)["arguments"]
    return arguments


def find_token(proposal: Proposal) -> ProposerToken | None:
    """Return what is known of the proposer's token; None for the local operator."""
    token = from_json(proposal.parameters)["token"]
    if token is None:
        return None
    return ProposerToken(**{**token, "issued_at": datetime.fromisoformat(token["issued_at"])})


def reasons_of(before: Client | None, after: Client) -> frozenset[TwoPersonAct]:
    """Return why the change of a client may need two people. *before* is None for a new one."""
    before = before or Client(after.client_id, Role.APPLICATION)
    reasons = set()
    if after.plaintext_allowed and not before.plaintext_allowed:
        reasons.add(TwoPersonAct.ALLOW_PLAINTEXT)
    if after.role is not before.role:
        reasons.add(TwoPersonAct.ASSIGN_ROLE)
    return frozenset(reasons)
