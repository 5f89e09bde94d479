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
    assert opened(tmp_path, "")._exports == ()


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ('syslog = "tcp://127.0.0.1:9"', ["syslog"]),
        ('otlp = "http://127.0.0.1:9"', ["otlp"]),
        ('syslog = "tcp://127.0.0.1:9"\notlp = "http://127.0.0.1:9/logs/"', ["syslog", "otlp"]),
    ],
)
async def test_named_servers_are_used(tmp_path: Path, lines: str, names: list[str]) -> None:
    """A server that is named gets what is written; it need not be there yet."""
    writer = opened(tmp_path, lines)
    assert [export._thread.name for export in writer._exports] == names
    await writer.close()


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ('syslog = "tls://127.0.0.1:6514"\nsyslog_ca_file = "none.pem"', "syslog_ca_file"),
        ('otlp = "https://127.0.0.1:4318"\notlp_ca_file = "none.pem"', "otlp_ca_file"),
        ('otlp = "http://127.0.0.1:4318"\notlp_headers_file = "none"', "otlp_headers_file"),
        ('otlp = "http://[::1]:4318"\notlp_headers_file = "sealgate.toml"', "otlp_headers_file"),
    ],
)
async def test_files_must_be_there(tmp_path: Path, lines: str, name: str) -> None:
    """A file of authorities, or of header fields, that cannot be used is said before the start."""
    with pytest.raises(SettingsError, match=rf"access_log\.{name}: "):
        opened(tmp_path, lines)
