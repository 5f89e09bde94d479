"""``sealgate keys``."""

from __future__ import annotations

import pytest

from tests.fakes.commands import Commands


def states(commands: Commands) -> dict[str, str]:
    """Return the state of each key."""
    return {row["kid"]: row["state"] for row in commands.json("keys", "list")}


def test_new_document_key_replaces_the_old_one(commands: Commands) -> None:
    """The new one is active at once, the old one retires, other uses stay."""
    before = commands.json("keys", "list")
    fresh = {row["kid"] for row in commands.json("keys", "rotate", "document")}
    after = states(commands)
    assert fresh
    assert {after[kid] for kid in fresh} == {"active"}
    for row in before:
        assert after[row["kid"]] == ("retiring" if row["use"] == "document" else "active")


@pytest.mark.parametrize("use", ["encryption", "signing"])
def test_new_keys_wait(commands: Commands, use: str) -> None:
    """They are pending until everybody knows them; until then the old ones stay active."""
    before = states(commands)
    fresh = commands.json("keys", "rotate", use)
    assert {row["state"] for row in fresh} == {"pending"}
    assert all(row["activates_at"] for row in fresh)
    after = states(commands)
    assert {kid: after[kid] for kid in before} == before


def test_pin_is_shown_with_its_fingerprint(commands: Commands) -> None:
    """What clients pin is the same each time, until the document key is rotated."""
    shown = commands.json("keys", "pin")
    assert set(shown) == {"pin", "fingerprint"}
    text = commands.run("keys", "pin")
    assert shown["pin"] in text
    assert shown["fingerprint"] in text
    commands.run("keys", "rotate", "document")
    assert commands.json("keys", "pin")["pin"] != shown["pin"]


def test_revoked_key_is_replaced(commands: Commands) -> None:
    """The key is revoked at once, and an active one takes its place."""
    (active,) = (row for row in commands.json("keys", "list") if row["use"] == "signing")
    revoked = commands.json("keys", "revoke", active["kid"])
    assert revoked["state"] == "revoked"
    assert revoked["revoked_at"]
    signing = [row["state"] for row in commands.json("keys", "list") if row["use"] == "signing"]
    assert sorted(signing) == ["active", "revoked"]


def test_drained_key_is_revoked_too(commands: Commands) -> None:
    """With --drain running streams may finish, and the key is withdrawn all the same."""
    kid = next(r["kid"] for r in commands.json("keys", "list") if r["use"] == "encryption")
    assert commands.json("keys", "revoke", kid, "--drain")["state"] == "revoked"


def test_no_byte_of_a_key_is_printed(commands: Commands) -> None:
    """The rows hold names, states and times, neither half of the pair."""
    for row in commands.json("keys", "list"):
        assert set(row) == {
            "kid", "use", "algorithm", "state", "key_id",
            "created_at", "activates_at", "retires_at", "revoked_at",
        }  # fmt: skip


def test_unknown_key_is_refused(commands: Commands) -> None:
    """A key that does not exist is exit code 1 and one line."""
    assert commands.refusal("keys", "revoke", "unknown").startswith("not_found: ")


@pytest.mark.parametrize("words", [("rotate", "nothing"), ("rotate",), ("revoke",)])
def test_wrong_use_is_2(commands: Commands, words: tuple[str, ...]) -> None:
    """An unknown use and a missing argument are exit code 2."""
    commands.run("keys", *words, code=2)


def test_rewrapped_keys_are_shown(commands: Commands) -> None:
    """Every key that is in use is wrapped anew and otherwise as it was."""
    before = commands.json("keys", "list")
    assert commands.json("keys", "rewrap") == before
    assert commands.json("keys", "list") == before
