"""One process that serves; what it does with connections is tested with the listeners."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.gateway_process import GatewayProcess
from gateway.core.errors import StoreUnavailable
from gateway.settings import load_configuration


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

    def shown() -> float | None:
        labels = {"what": "configuration"}
        return process._registries[0].get_sample_value("sealgate_change_refused", labels)

    assert shown() == 0
    process.note_refused_configuration()
    assert shown() == 1
