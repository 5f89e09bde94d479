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
    """The page leaves out the first entries and has at most so many."""
    for subject in ("one", "two", "three"):
        commands.run("revoke", "token", subject)
    whole = commands.json("revoke", "list")
    assert commands.json("revoke", "list", "--skip", "1", "--limit", "1") == whole[1:2]
    assert commands.run("revoke", "list", "--skip", "3") == "none\n"


@pytest.mark.parametrize("command", ["client", "key"])
def test_unknown_subject_is_refused(commands: Commands, command: str) -> None:
    """A client or key that does not exist is exit code 1 and one line."""
    assert commands.refusal("revoke", command, "unknown").startswith("not_found: ")


def test_token_identifier_has_a_limit(commands: Commands) -> None:
    """What is too long to be a token identifier is refused and not repeated."""
    refusal = commands.refusal("revoke", "token", "x" * 129)
    assert refusal.startswith("malformed_request: ")
    assert "xxx" not in refusal


@pytest.mark.parametrize(
    "words", [("nothing",), ("token",), ("list", "--skip", "-1"), ("list", "--limit", "0")]
)
def test_wrong_use_is_2(commands: Commands, words: tuple[str, ...]) -> None:
    """An unknown kind, a missing subject and a page of nothing are exit code 2."""
    commands.run("revoke", *words, code=2)
