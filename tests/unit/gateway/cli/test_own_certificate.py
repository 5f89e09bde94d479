"""The names in the certificate that the gateway makes for itself."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.own_certificate import certificate_names
from gateway.settings import load_configuration


def test_certificate_names_are_those_of_both_listeners(config: Path) -> None:
    """The certificate is for loopback, for both addresses and every further name, each once."""
    config.write_text(
        '[listen]\nhost = "192.0.2.1"\nnames = ["gateway.example:443", "localhost"]\n', "utf-8"
    )
    names = certificate_names(load_configuration(config))
    assert sorted(names) == ["127.0.0.1", "192.0.2.1", "::1", "gateway.example", "localhost"]
