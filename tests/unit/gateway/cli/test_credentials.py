"""``sealgate credentials``."""

from __future__ import annotations

from tests.fakes.commands import Commands


def test_rotation_adds_a_secret(commands: Commands) -> None:
    """A rotation prints a new secret and leaves the old credential good."""
    made = commands.create_client()
    fresh = commands.json("credentials", "rotate", made["client_id"])
    assert fresh["client_id"] == made["client_id"]
    assert fresh["client_secret"] != made["client_secret"]
    listed = commands.json("credentials", "list", made["client_id"])
    assert {row["credential_id"]: row["revoked_at"] for row in listed} == {
        made["credential_id"]: None,
        fresh["credential_id"]: None,
    }


def test_revocation_is_shown_in_the_list(commands: Commands) -> None:
    """A withdrawn credential has its moment in the answer and in the list."""
    made = commands.create_client()
    words = (made["client_id"], made["credential_id"])
    revoked_at = commands.json("credentials", "revoke", *words)["revoked_at"]
    assert revoked_at
    (row,) = commands.json("credentials", "list", made["client_id"])
    assert row["revoked_at"] == revoked_at


def test_list_holds_no_secret_and_no_hash(commands: Commands) -> None:
    """The list says which credentials there are and nothing that proves one."""
    made = commands.create_client()
    (row,) = commands.json("credentials", "list", made["client_id"])
    assert set(row) == {"credential_id", "created_at", "revoked_at"}
    assert made["client_secret"] not in commands.run("credentials", "list", made["client_id"])


def test_too_many_credentials_are_refused(commands: Commands) -> None:
    """The fifth good credential of a client is exit code 1 and one line."""
    name = commands.create_client()["client_id"]
    for _ in range(3):
        commands.run("credentials", "rotate", name)
    assert commands.refusal("credentials", "rotate", name).startswith("conflict: ")


def test_unknown_names_are_refused(commands: Commands) -> None:
    """Neither a foreign credential nor an unknown client is anything but not found."""
    name = commands.create_client()["client_id"]
    assert commands.refusal("credentials", "revoke", name, "none").startswith("not_found: ")
    assert commands.refusal("credentials", "rotate", "c-0").startswith("not_found: ")
