"""The section ``[access_log]``."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.core.shown_addresses import AddressForm
from gateway.settings_logs import AccessLogSettings


def test_defaults() -> None:
    """Seven days, whole addresses, beside the rest of the state."""
    settings = AccessLogSettings()
    assert (settings.retention_days, settings.addresses) == (7, AddressForm.WHOLE)
    assert settings.directory is settings.key_directory is None


@pytest.mark.parametrize("days", [0, 8, 30])
def test_no_longer_than_a_week(days: int) -> None:
    """Nobody can have records kept for longer than seven days, or for none."""
    with pytest.raises(ValidationError):
        AccessLogSettings(retention_days=days)


def test_addresses_take_one_of_three_forms() -> None:
    """What is no form of an address is refused."""
    assert AccessLogSettings(addresses="hashed").addresses is AddressForm.HASHED
    with pytest.raises(ValidationError):
        AccessLogSettings(addresses="none")


def test_directories_are_in_the_state_unless_set_apart() -> None:
    """By default the log is in the state and the keys in the log; each can lie elsewhere."""
    base, state = Path("/etc/x"), Path("/var/y")
    default = AccessLogSettings().directories(base, state=state)
    assert default == (state / "access-log", state / "access-log" / "keys")
    apart = AccessLogSettings(directory=Path("log"), key_directory=Path("/k"))
    assert apart.directories(base, state=state) == (base / "log", Path("/k"))


@pytest.mark.parametrize(
    "url",
    [
        "tcp://log.example:514",
        "udp://192.0.2.1:514",
        "tls://log.example",
        "https://log.example:6514",
        "tls://user:pass@log.example:6514",
        "tls://log.example:6514/x",
        "log.example",
        "tls://log..example:6514",
        f"tls://{'x' * 64}.example:6514",
    ],
)
def test_syslog_is_closed_on_the_way(url: str) -> None:
    """Addresses of callers leave this machine over TLS alone."""
    with pytest.raises(ValidationError):
        AccessLogSettings(syslog=url)


def test_syslog_may_be_open_on_this_machine() -> None:
    """A collector beside the gateway is reached as it likes."""
    for url in ("udp://127.0.0.1:514", "tcp://localhost:601", "tls://log.example:6514", None):
        assert AccessLogSettings(syslog=url).syslog == url


@pytest.mark.parametrize(
    "url",
    [
        "http://otel.example:4318",
        "http://192.0.2.1:4318",
        "grpc://otel.example:4317",
        "https://user:pass@otel.example",
        "https://otel.example/?a=b",
        "https://otel.example/#a",
        "https://otel.example/v1/logs",
        "https://otel.example/x/v1/logs/",
        "https://otel.example/a b",
        "https://otel.example/a\r\nb: c",
        "https://otel.example\r\n",
        "https://otel.example:0",
        "https://otel.example:99999",
        "https://:4318",
        "https://[::1",
        "https://otel..example",
        f"https://{'x' * 64}.example",
        "https://ötel.example",
        "otel.example:4318",
        "",
    ],
)
def test_collector_is_closed_on_the_way(url: str) -> None:
    """Addresses of callers leave this machine over TLS alone, and to one clear place."""
    with pytest.raises(ValidationError):
        AccessLogSettings(otlp=url)


@pytest.mark.parametrize(
    "url",
    [
        "https://otel.example",
        "https://otel.example:4318/",
        "https://otel.example/tenant-1/otlp",
        "https://[2001:db8::1]:4318",
        "http://127.0.0.1:4318",
        "http://localhost:4318",
        "http://[::1]:4318",
        None,
    ],
)
def test_collector_may_be_open_on_this_machine(url: str | None) -> None:
    """A collector elsewhere is reached over TLS, one beside the gateway as it likes."""
    assert AccessLogSettings(otlp=url).otlp == url
