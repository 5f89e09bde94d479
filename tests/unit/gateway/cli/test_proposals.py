"""``sealgate proposals``, and acts that become one."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.control.two_person import TwoPersonAct, TwoPersonRule
from tests.fakes.commands import Commands

OWNER = ("clients", "create", "--role", "owner")


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    """Return commands under the rule, on a store with two owners."""
    commands = Commands(tmp_path, two_person=TwoPersonRule(frozenset(TwoPersonAct)))
    for _ in range(2):
        assert commands.create_client("--role", "owner")["client_secret"]
    return commands


def test_act_becomes_a_proposal(commands: Commands) -> None:
    """The command prints the proposal instead of a secret, says so, and exits with 0."""
    said = commands.run(*OWNER)
    assert "Nothing was done yet: another owner must approve this proposal." in said
    (proposal,) = commands.json("proposals", "list")
    assert proposal["proposal_id"] in said.replace("\n", "") or proposal["proposal_id"][:8] in said
    assert (proposal["proposer"], proposal["state"]) == ("local", "pending")
    assert len(commands.json("clients", "list")) == 2


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_local_operator_is_no_second_person(commands: Commands, decision: str) -> None:
    """At the gateway's machine nothing is decided, and the attempt is in the trail."""
    commands.run(*OWNER)
    (proposal,) = commands.json("proposals", "list")
    said = commands.refusal("proposals", decision, proposal["proposal_id"])
    assert said.startswith("permission_denied: A proposal is decided by an owner")
    assert commands.json("proposals", "list") == [proposal]
    last = commands.json("audit", "list", "--limit", "999")[-2]
    assert (last["action"], last["outcome"]) == (f"proposal.{decision}", "refused")


def test_first_owners_need_nobody(commands: Commands) -> None:
    """The owners were named by the local operator alone, which their rows say."""
    rows = commands.json("audit", "list", "--limit", "999")
    alone = [row["detail"] for row in rows if row["action"] == "client.create"]
    assert alone == ["owner; alone: fewer than two enabled owners"] * 2


def test_wrong_use_is_2(commands: Commands) -> None:
    """A decision needs the name of a proposal."""
    commands.run("proposals", "approve", code=2)
