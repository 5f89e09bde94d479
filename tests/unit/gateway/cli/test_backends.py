"""``sealgate backends``."""

from __future__ import annotations

from tests.fakes.commands import Commands


def test_a_server_is_drained_and_used_again(commands: Commands) -> None:
    """The list says what is drained, also to the next command."""
    assert [row["drained"] for row in commands.json("backends", "list")] == [False, False]
    assert commands.json("backends", "drain", "gpu-1")["drained"]
    assert [row["drained"] for row in commands.json("backends", "list")] == [False, True]
    assert not commands.json("backends", "undrain", "gpu-1")["drained"]
    assert commands.json("backends", "list")[0] == {
        "name": "gpu-0",
        "models": "all",
        "drained": False,
    }
