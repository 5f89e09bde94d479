"""``sealgate permissions``."""

from __future__ import annotations

import pytest

from tests.fakes.commands import Commands


@pytest.fixture
def client_id(commands: Commands) -> str:
    """Register an application and let a month go by."""
    created = commands.create_client("--model", "tiny", "--network", "127.0.0.0/8")
    commands.clock.advance(days=30)
    return created["client_id"]


def test_usage_is_listed(commands: Commands, client_id: str) -> None:
    """Each permission has a line with its last use; a place to go on from may be given."""
    found = commands.json("permissions", "usage")
    assert {row["idle_days"] for row in found} == {30}
    place = f"{found[0]['client_id']}:{found[0]['permission']}"
    assert commands.json("permissions", "usage", "--after", place) == found[1:]
    assert commands.json("permissions", "usage", "--idle-days", "31") == []


def test_reclaim_and_restore(commands: Commands, client_id: str) -> None:
    """A dry run changes nothing, the run withholds, and what is restored is no longer withheld."""
    planned = commands.json("permissions", "reclaim", "--idle-days", "7", "--dry-run")
    granted = commands.json("permissions", "usage")
    assert len(planned) == len(granted) > 0
    assert not any(row["withheld"] for row in granted)
    assert commands.json("permissions", "reclaim", "--idle-days", "7") == planned
    assert all(row["withheld"] for row in commands.json("permissions", "usage"))
    commands.run("permissions", "restore", client_id, "models:list")
    usage = {row["permission"]: row for row in commands.json("permissions", "usage")}
    assert not usage["models:list"]["withheld"]
    assert usage["models:call"]["withheld"]
    said = commands.refusal("permissions", "restore", client_id, "models:list")
    assert said.startswith("conflict: ")
    assert commands.refusal("permissions", "restore", "c-x", "y").startswith("not_found: ")


@pytest.mark.parametrize(
    "words", [("reclaim",), ("reclaim", "--idle-days", "0"), ("usage", "--limit", "0")]
)
def test_wrong_use_is_2(commands: Commands, words: tuple[str, ...]) -> None:
    """Without a number of days nothing is reclaimed: exit code 2."""
    commands.run("permissions", *words, code=2)
