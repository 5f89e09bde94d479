"""The peers of the benchmark, and what happens without them."""

from contextlib import AsyncExitStack
from pathlib import Path

from loadtests.litellm_proxy import MASTER_KEY, command, configuration
from loadtests.peer_servers import Field, Model, start_peers


async def test_a_peer_that_is_not_installed_is_named(tmp_path: Path) -> None:
    """What is not there is left out of the table by name and with a reason, never silently."""
    async with AsyncExitStack() as stack:
        field = Field(stack, tmp_path, Model(tmp_path / "s", 1), root=tmp_path)
        wanted = {"direct", "fastapi", "litellm", "litellm-filter"}
        await start_peers(field, wanted=wanted.__contains__)
    assert [one.target.name for one in field.contenders] == ["direct"]
    assert [one.partition(":")[0] for one in field.left_out] == [
        "fastapi",
        "litellm",
        "litellm-filter",
    ]
    assert all("make bench" in one for one in field.left_out)


def test_litellm_is_configured_with_and_without_its_filter(tmp_path: Path) -> None:
    """Both proxies know the same models behind the same key; one masks what answers hold."""
    plain, filtering = (
        configuration(("tiny",), upstream_port=4000, upstream_key="k", filters=filters)
        for filters in (False, True)
    )
    assert filtering.startswith(plain)
    assert plain.count("hosted_vllm/tiny") == 1
    assert MASTER_KEY in plain
    assert filtering.count("action: MASK") == 8
    assert "4001" in command(tmp_path / "litellm", tmp_path / "config.yaml", port=4001)
