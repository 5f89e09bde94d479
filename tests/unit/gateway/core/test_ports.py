"""The ports: every backend has their methods, with the same parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import get_type_hints

import pytest

from gateway.backends import memory
from gateway.backends.balanced_upstream import BalancedAnswer, BalancedUpstream
from gateway.backends.database import change
from gateway.backends.database.replay import DatabaseReplayStore
from gateway.backends.database.store import DatabaseStore
from gateway.backends.key_wrap import FileKeyWrap
from gateway.backends.memory import MemoryStore
from gateway.backends.memory_replay import MemoryReplayStore
from gateway.backends.model_lists import ListAnswer
from gateway.backends.upstream import ApiKeyFile, PooledUpstream, SocketAddress
from gateway.control.snapshot import SnapshotHolder
from gateway.core.ports import (
    Clock,
    ControlChange,
    ControlStore,
    KeyWrap,
    ReplayStore,
    SnapshotSource,
)
from gateway.core.upstream_port import Upstream, UpstreamAnswer, UpstreamRequest
from tests.fakes.control import FakeClock, make_room, make_wrap
from tests.fakes.world import FakeAnswer, FakeUpstream, FixedSnapshots


def satisfied(directory: Path) -> list[tuple[type, object]]:
    """Return each port with something that satisfies it; a type checker agrees or objects."""
    clock: Clock = FakeClock()
    room = make_room(directory, FakeClock())
    holder: SnapshotSource = room.snapshots
    snapshots: SnapshotSource = FixedSnapshots()
    socket: Upstream = PooledUpstream(
        SocketAddress(directory / "v.sock"), ApiKeyFile(directory / "v.key")
    )
    fake_answer: UpstreamAnswer = FakeAnswer([])
    upstream: Upstream = FakeUpstream(FakeAnswer([]))
    key_wrap: KeyWrap = make_wrap()
    replays: ReplayStore = MemoryReplayStore(FakeClock())
    in_memory: ControlStore = MemoryStore()
    database: Callable[[str], ControlStore] = DatabaseStore.open
    assert callable(clock)
    assert callable(database)
    return [
        (SnapshotSource, holder),
        (SnapshotSource, snapshots),
        (Upstream, socket),
        (Upstream, upstream),
        (UpstreamAnswer, fake_answer),
        (KeyWrap, key_wrap),
        (ReplayStore, replays),
        (ControlStore, in_memory),
    ]


SATISFIED_BY = [
    (SnapshotSource, SnapshotHolder),
    (Upstream, PooledUpstream),
    (Upstream, BalancedUpstream),
    (UpstreamAnswer, get_type_hints(PooledUpstream.send)["return"]),
    (UpstreamAnswer, BalancedAnswer),
    (UpstreamAnswer, ListAnswer),
    (KeyWrap, FileKeyWrap),
    (ReplayStore, MemoryReplayStore),
    (ReplayStore, DatabaseReplayStore),
    (ControlStore, MemoryStore),
    (ControlStore, DatabaseStore),
    (ControlChange, memory._MemoryChange),
    (ControlChange, change.DatabaseChange),
]


def methods(port: type) -> dict[str, Callable[..., object]]:
    """Return the methods that a port asks for."""
    return {
        name: value
        for name, value in vars(port).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }


def shape(method: Callable[..., object]) -> list[tuple[str, object]]:
    """Return the names and kinds of a method's parameters."""
    return [(p.name, p.kind) for p in inspect.signature(method).parameters.values()]


@pytest.mark.parametrize(("port", "backend"), SATISFIED_BY)
def test_backend_has_the_methods_of_its_port(port: type, backend: type) -> None:
    """Each method has its name and parameters, and is awaited where the port's is."""
    assert methods(port)
    for name, wanted in methods(port).items():
        method = getattr(backend, name)
        assert shape(method) == shape(wanted), name
        assert inspect.iscoroutinefunction(method) == inspect.iscoroutinefunction(wanted), name


@pytest.mark.parametrize("port", sorted({port for port, _ in SATISFIED_BY}, key=str))
def test_port_says_what_each_method_does(port: type) -> None:
    """Whoever writes another backend finds the promise of each method at the port."""
    assert all(inspect.getdoc(method) for method in methods(port).values())


def test_fakes_and_backends_satisfy_the_same_ports(tmp_path: Path) -> None:
    """What tests put in place of a backend has the same methods."""
    for port, value in satisfied(tmp_path):
        assert all(callable(getattr(value, name)) for name in methods(port)), value


def test_answer_has_its_head_at_once() -> None:
    """Status and content type of an answer are there before its body."""
    answer = FakeAnswer([b"x"], status=503, content_type="text/plain")
    assert set(get_type_hints(UpstreamAnswer)) == {"status", "content_type"}
    assert (answer.status, answer.content_type) == (503, "text/plain")


def test_request_to_the_model_is_a_value() -> None:
    """It holds method, path and body, none of which changes once it is made; no prompt shows."""
    request = UpstreamRequest("GET", "/health")
    assert request.body == b""
    assert "canary" not in repr(UpstreamRequest("POST", "/v1/completions", b"canary"))
    with pytest.raises(FrozenInstanceError):
        request.path = "/v1/models"  # type: ignore[misc]
