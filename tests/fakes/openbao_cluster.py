"""Three real OpenBao servers that keep one state by Raft and choose a leader among themselves."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from tests.fakes.openbao import OpenBao
from tests.story.processes import free_port

_SECONDS = 30.0
# Who may vote is else looked at every ten seconds only.
_SOON = '  autopilot_reconcile_interval = "500ms"\n  autopilot_update_interval = "500ms"\n'


class Node(OpenBao):
    """One of the servers."""

    def __init__(self, directory: Path, executable: Path) -> None:
        (directory / "raft").mkdir(parents=True)
        cluster = f"127.0.0.1:{free_port()}"
        super().__init__(
            directory,
            executable,
            storage=(
                f'storage "raft" {{\n  path = "{directory / "raft"}"\n'
                f'  node_id = "{directory.name}"\n  performance_multiplier = 1\n{_SOON}}}\n'
                f'cluster_addr = "https://{cluster}"'
            ),
            listener=f'  cluster_address = "{cluster}"\n',
            tls=directory.parent / "tls",
        )

    def join(self, leader: Node) -> None:
        """Unseal with the leader's key, and return once it follows."""
        self.wait_until_answering()
        place = {"leader_api_addr": leader.url, "leader_ca_cert": leader.ca_file.read_text()}
        assert self.do("PUT", "sys/storage/raft/join", **place)["joined"]
        self.do("PUT", "sys/unseal", key=leader._unseal_key)  # once: it goes on by itself
        deadline = time.monotonic() + _SECONDS
        while self.health() not in {200, 429}:
            assert time.monotonic() < deadline, "a node does not join"
            time.sleep(0.05)
        self._unseal_key = leader._unseal_key
        self._admin.headers["X-Vault-Token"] = leader._admin.headers["X-Vault-Token"]

    def health(self) -> int:
        """Return 200 of a leader, 429 of one that follows, 0 of one that does not answer."""
        try:
            return self._admin.get("sys/health").status_code
        except httpx.TransportError:
            return 0


class OpenBaoCluster:
    """The servers, of which the first leads at the beginning."""

    def __init__(self, directory: Path, executable: Path) -> None:
        first = Node(directory / "node-1", executable)
        others = [Node(directory / f"node-{n}", executable) for n in (2, 3)]
        self.nodes = [first, *others]

    def start(self) -> None:
        """Start all, and wait until each may become the leader."""
        first, *others = self.nodes
        first.start()
        autopilot = "sys/storage/raft/autopilot/configuration"
        first.do("POST", autopilot, server_stabilization_time="100ms")
        for node in others:
            node.join(first)
        deadline = time.monotonic() + _SECONDS
        while self._voters() < len(self.nodes):
            assert time.monotonic() < deadline, "not all nodes may vote"
            time.sleep(0.1)

    def stop(self) -> None:
        """End all that still run."""
        for node in self.nodes:
            node.stop()

    def kill_leader(self) -> None:
        """Kill the leader without a word."""
        leader = next(node for node in self.nodes if node.health() == 200)
        leader.process.kill()
        leader.process.wait(10)

    def is_led(self) -> bool:
        """Return whether one of them leads now."""
        return any(node.health() == 200 for node in self.nodes)

    def _voters(self) -> int:
        answer = self.nodes[0].do("GET", "sys/storage/raft/configuration")
        return sum(server["voter"] for server in answer["data"]["config"]["servers"])
