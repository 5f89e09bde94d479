"""The access log as it is configured."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.backends.access_log_writer import AccessLogWriter
from gateway.configured_log import open_log_writer
from gateway.settings import SettingsError, load_configuration
from tests.fakes.control import FakeClock, make_wrap, open_log


def opened(directory: Path, section: str) -> AccessLogWriter:
    """Return the writer of a configuration with this section."""
    path = directory / "sealgate.toml"
    path.write_text(f"[access_log]\n{section}\n", "utf-8")
    log = open_log(directory / "log", make_wrap())
    configuration = load_configuration(path)
    return open_log_writer(configuration, log, FakeClock(), registry=CollectorRegistry())


async def test_nothing_is_exported_by_default(tmp_path: Path) -> None:
    """Without a server named nothing leaves the machine."""
    assert opened(tmp_path, "")._export is None


async def test_named_server_is_used(tmp_path: Path) -> None:
    """A server that is named gets what is written; it need not be there yet."""
    writer = opened(tmp_path, 'syslog = "tcp://127.0.0.1:9"')
    assert writer._export is not None
    await writer.close()


async def test_authorities_must_be_there(tmp_path: Path) -> None:
    """A file of authorities that cannot be read is said before the start."""
    with pytest.raises(SettingsError, match="syslog_ca_file"):
        opened(tmp_path, 'syslog = "tls://127.0.0.1:6514"\nsyslog_ca_file = "none.pem"')
