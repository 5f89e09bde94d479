"""The section ``edge``."""

from __future__ import annotations

import pytest

from gateway.core.connection_pace import PaceLimits
from gateway.settings import SettingsError, load_configuration
from gateway.settings_edge import EdgeSettings


def read(directory, text):
    """Return the section of a configuration."""
    file = directory / "sealgate.toml"
    file.write_text(text, "utf-8")
    return load_configuration(file).settings.edge


def test_defaults_are_those_of_the_listener(tmp_path):
    """Without the section the times are the ones that are documented."""
    assert read(tmp_path, "").pace(write_seconds=60.0) == PaceLimits()
    assert EdgeSettings().connections_per_address == 500


def test_times_are_set(tmp_path):
    """What is set is what connections have."""
    pace = read(tmp_path, "[edge]\nhead_seconds = 2\nbody_bytes_per_second = 9\n").pace(
        write_seconds=3.0
    )
    assert (pace.head_seconds, pace.body_bytes_per_second, pace.write_seconds) == (2.0, 9, 3.0)


@pytest.mark.parametrize(
    "name",
    [
        "handshake_seconds", "head_seconds", "idle_seconds", "body_bytes_per_second",
        "body_window_seconds", "connections_per_address", "header_seconds",
    ],
)  # fmt: skip
def test_nothing_can_be_turned_off(tmp_path, name):
    """No limit is 0, and one that does not exist is a fault."""
    with pytest.raises(SettingsError, match=f"edge.{name}"):
        read(tmp_path, f"[edge]\n{name} = 0\n")


def test_list_of_revoked_certificates_needs_its_authority(tmp_path):
    """A list without an authority would look like a protection and be none."""
    with pytest.raises(SettingsError, match="client_crl_file needs client_ca_file"):
        read(tmp_path, '[tls]\nclient_crl_file = "clients.crl"\n')
    read(tmp_path, '[tls]\nclient_crl_file = "clients.crl"\nclient_ca_file = "clients.crt"\n')
    at = load_configuration(tmp_path / "sealgate.toml").at
    assert at.client_crl_file == tmp_path / "clients.crl"
