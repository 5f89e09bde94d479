"""One process that serves; what it does with connections is tested with the listeners."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.backends.upkeep_lock import UpkeepLock
from gateway.cli.gateway_process import GatewayProcess
from gateway.core.errors import StoreUnavailable
from gateway.settings import load_configuration
from tests.fakes.certificates import ClientAuthority
from tests.fakes.handshake import handshake


def test_without_a_certificate_nothing_begins(config: Path) -> None:
    """A file that is not there is named by the system's error."""
    with pytest.raises(FileNotFoundError):
        GatewayProcess(load_configuration(config))


def test_key_that_others_can_read_is_refused(sealgate, config: Path) -> None:
    """A private key that is no secret any more is not served with."""
    sealgate("init")
    (config.parent / "var/tls/server.key").chmod(0o644)
    with pytest.raises(StoreUnavailable):
        GatewayProcess(load_configuration(config))


def test_refused_configuration_is_shown(sealgate, config: Path) -> None:
    """The metrics have it from the beginning, as 0, and as 1 once a change was refused."""
    sealgate("init")
    process = GatewayProcess(load_configuration(config))
    assert refused(process._registries[0], "configuration") == 0
    process.note_refused_configuration()
    assert refused(process._registries[0], "configuration") == 1


def test_change_stays_refused_until_both_listeners_go_by_it(
    sealgate, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One listener's good files do not hide the other's bad ones, and each is told of by name."""
    sealgate("init")
    files = {name: config.parent / f"{name}.crt" for name in ("partners", "operators")}
    certificate = ClientAuthority(config.parent).file.read_bytes()
    for file in files.values():
        file.write_bytes(certificate)
    config.write_text(
        f'[tls]\nclient_ca_file = "{files["partners"]}"\n'
        f'[admin.tls]\nclient_ca_file = "{files["operators"]}"\n',
        "utf-8",
    )
    process = GatewayProcess(load_configuration(config))

    def change(**contents: bytes) -> float | None:
        for name, content in contents.items():
            files[name].write_bytes(content)
        asyncio.run(process._public_tls.renew())
        asyncio.run(process._admin_tls.renew())
        return refused(process._registries[0], "certificate")

    capsys.readouterr()
    assert change(partners=b"", operators=b"") == 1
    assert change(operators=certificate) == 1
    assert change(partners=certificate) == 0
    told = capsys.readouterr().err.splitlines()
    assert ["public" in line for line in told] == [True, False, False, True]


def test_session_of_one_listener_is_not_resumed_at_the_other(sealgate, config: Path) -> None:
    """Who was let in at the public listener shows the admin listener a certificate again."""
    sealgate("init")
    authority = ClientAuthority(config.parent)
    config.write_text(f'[tls]\nclient_ca_file = "{authority.file}"\n', "utf-8")
    process = GatewayProcess(load_configuration(config))
    client = ssl.create_default_context(cafile=config.parent / "var/tls/ca.crt")
    authority.issue().show(client)
    public, admin = process._public_tls.context, process._admin_tls.context
    session = handshake(client, public).session
    assert handshake(client, public, session).session_reused
    assert not handshake(client, admin, session).session_reused


def test_drained_process_leaves_the_upkeep(sealgate, config: Path) -> None:
    """Another one has it at its next look, while running answers still end here."""
    sealgate("init")
    process = GatewayProcess(load_configuration(config))
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    other = UpkeepLock(config.parent / "var/upkeep.lock")

    async def drain() -> None:
        is_ready = asyncio.Event()
        running = asyncio.create_task(process.run(on_ready=is_ready.set, sockets=sockets))
        await is_ready.wait()
        assert not other.is_ours()
        process.drain()
        assert other.is_ours()
        assert not running.done()
        process.departure.stop()
        await running

    asyncio.run(drain())
    other.close()


def refused(registry: CollectorRegistry, what: str) -> float | None:
    """Return what the metrics say of changes of a kind."""
    return registry.get_sample_value("sealgate_change_refused", {"what": what})
