"""``sealgate status``."""

from __future__ import annotations

from tests.fakes.commands import Commands


def test_counts_follow_the_store(commands: Commands) -> None:
    """Clients, revocations and model servers are counted, and keys in use are shown."""
    commands.create_client()
    commands.run("clients", "disable", commands.create_client()["client_id"])
    commands.run("revoke", "token", "stolen")
    commands.run("backends", "drain", "gpu-1")
    shown = commands.json("status")
    assert (shown["clients"], shown["clients_disabled"], shown["revocations"]) == (2, 1, 2)
    assert (shown["backends"], shown["backends_drained"]) == (2, 1)
    assert {key["state"] for key in shown["keys"]} == {"active"}


def test_each_change_grows_the_revision(commands: Commands) -> None:
    """The revision grows with a change and stays without one."""
    before = commands.json("status")["revision"]
    assert commands.json("status")["revision"] == before
    commands.create_client()
    assert commands.json("status")["revision"] == before + 1


def test_tables_hold_counts_and_keys(commands: Commands) -> None:
    """Without --json the same is printed as two tables."""
    output = commands.run("status")
    assert "revision" in output
    assert "active" in output
