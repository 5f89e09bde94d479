"""``sealgate revoke``."""

from __future__ import annotations

import pytest

from tests.fakes.commands import Commands


def test_tokens_clients_and_keys_are_withdrawn(commands: Commands) -> None:
    """Each of the three kinds is entered under its subject, and the list shows them all."""
    name = commands.create_client()["client_id"]
    kid = commands.json("keys", "list")[0]["kid"]
    withdrawn = [("token", "jti", "stolen"), ("client", "client_id", name), ("key", "kid", kid)]
    for command, kind, subject in withdrawn:
        entry = commands.json("revoke", command, subject)
        assert (entry["kind"], entry["subject"]) == (kind, subject)
    listed = {(row["kind"], row["subject"]) for row in commands.json("revoke", "list")}
    assert listed == {(kind, subject) for _, kind, subject in withdrawn}


def test_withdrawn_key_is_replaced(commands: Commands) -> None:
    """A key that is withdrawn here is revoked, not only listed."""
    before = commands.json("keys", "list")
    kid = next(row["kid"] for row in before if row["use"] == "signing")
    commands.run("revoke", "key", kid)
    after = commands.json("keys", "list")
    assert {row["kid"]: row["state"] for row in after}[kid] == "revoked"
    assert [row["state"] for row in after if row["use"] == "signing"].count("active") == 1
    assert len(after) == len(before) + 1


def test_withdrawing_twice_is_no_error(commands: Commands) -> None:
    """A second withdrawal of the same token leaves one entry."""
    commands.run("revoke", "token", "stolen")
    commands.run("revoke", "token", "stolen")
    assert len(commands.json("revoke", "list")) == 1


def test_list_is_paged(commands: Commands) -> None:
    """The page begins after the kind and subject that are given and has at most so many."""
    for subject in ("one", "two", "three"):
        commands.run("revoke", "token", subject)
    whole = commands.json("revoke", "list")
    assert [row["subject"] for row in whole] == ["one", "three", "two"]
    assert commands.json("revoke", "list", "--after", "jti:one", "--limit", "1") == whole[1:2]
    assert commands.run("revoke", "list", "--after", "jti:two") == "none\n"


def test_credential_role_and_everything_are_withdrawn(commands: Commands) -> None:
    """Each of the wider kinds is entered, those with a time up to that time."""
    made = commands.create_client()
    moment = "2026-11-23T10:00:00"
    withdrawn = [
        (("credential", made["credential_id"]), "credential_id", made["credential_id"]),
        (("role", "operator"), "role", "operator"),
        (("everything",), "everything", "*"),
        (("client", made["client_id"]), "client_id", made["client_id"]),
    ]
    for words, kind, subject in withdrawn:
        entry = commands.json("revoke", *words, "--issued-before", moment)
        assert (entry["kind"], entry["subject"]) == (kind, subject)
        assert entry["revoked_at"].startswith("2026-11-23T09:59:59")
        assert commands.json("revoke", *words)["revoked_at"] > "2026-11-23T10:30"


@pytest.mark.parametrize("moment", ["2100-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_time_to_come_is_refused(commands: Commands, moment: str) -> None:
    """A time that is still to come, or before there were tokens, is refused."""
    refusal = commands.refusal("revoke", "everything", "--issued-before", moment)
    assert refusal.startswith("malformed_request: ")


@pytest.mark.parametrize("command", ["client", "credential", "key"])
def test_unknown_subject_is_refused(commands: Commands, command: str) -> None:
    """A client or key that does not exist is exit code 1 and one line."""
    assert commands.refusal("revoke", command, "unknown").startswith("not_found: ")


def test_token_identifier_has_a_limit(commands: Commands) -> None:
    """What is too long to be a token identifier is refused and not repeated."""
    refusal = commands.refusal("revoke", "token", "x" * 129)
    assert refusal.startswith("malformed_request: ")
    assert "xxx" not in refusal


@pytest.mark.parametrize(
    "words",
    [
        ("nothing",),
        ("token",),
        ("role", "king"),
        ("everything", "now"),
        ("everything", "--issued-before", "yesterday"),
        ("token", "j", "--issued-before", "2026-01-01"),
        ("list", "--limit", "0"),
    ],
)
def test_wrong_use_is_2(commands: Commands, words: tuple[str, ...]) -> None:
    """An unknown kind, a missing subject and a page of nothing are exit code 2."""
    commands.run("revoke", *words, code=2)
