"""The sections ``edge``, ``tls`` and ``admin.tls``."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.connection_pace import PaceLimits
from gateway.settings import SettingsError, load_configuration
from gateway.settings_edge import ClientTrust, EdgeSettings


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


def trusts(directory, text) -> tuple[ClientTrust, ClientTrust]:
    """Return what the public and the admin listener of a configuration believe."""
    read(directory, text)
    at = load_configuration(directory / "sealgate.toml").at
    return at.public_clients, at.admin_clients


@pytest.mark.parametrize(
    "line", ['client_crl_file = "clients.crl"', "client_certificate_required = true"]
)
def test_what_is_asked_of_certificates_needs_their_authority(tmp_path, line):
    """A list, or a duty, without an authority would look like a protection and be none."""
    with pytest.raises(SettingsError, match=f"{line.split()[0]} needs client_ca_file"):
        read(tmp_path, f"[tls]\n{line}\n")
    read(tmp_path, f'[tls]\n{line}\nclient_ca_file = "clients.crt"\n')


@pytest.mark.parametrize("lines", ["", "client_certificate_required = true\n"])
def test_section_of_the_admin_listener_names_its_own_authority(tmp_path, lines):
    """A section without one does not make a listener that asks nobody, nor borrow the other's."""
    with pytest.raises(SettingsError, match=r"admin\.tls\.client_ca_file"):
        read(tmp_path, f'[tls]\nclient_ca_file = "partners.crt"\n[admin.tls]\n{lines}')


def test_one_section_holds_for_both_listeners(tmp_path):
    """Where the admin listener has no section of its own, both ask for the same certificates."""
    text = '[tls]\nclient_ca_file = "clients.crt"\nclient_crl_file = "/etc/clients.crl"\n'
    both = ClientTrust(tmp_path / "clients.crt", Path("/etc/clients.crl"), is_required=False)
    assert trusts(tmp_path, text) == (both, both)
    required = both._replace(is_required=True)
    assert trusts(tmp_path, f"{text}client_certificate_required = true\n") == (required, required)
    assert trusts(tmp_path, "") == (ClientTrust(None, None, is_required=False),) * 2


def test_admin_listener_asks_for_certificates_of_its_own(tmp_path, monkeypatch):
    """Its section takes the place of the other one, from which it then has nothing."""
    public = '[tls]\nclient_ca_file = "partners.crt"\nclient_crl_file = "partners.crl"\n'
    admin = '[admin.tls]\nclient_ca_file = "operators.crt"\nclient_certificate_required = true\n'
    operators = ClientTrust(tmp_path / "operators.crt", None, is_required=True)
    assert trusts(tmp_path, public + admin) == (
        ClientTrust(tmp_path / "partners.crt", tmp_path / "partners.crl", is_required=False),
        operators,
    )
    assert trusts(tmp_path, admin) == (ClientTrust(None, None, is_required=False), operators)
    monkeypatch.setenv("SEALGATE_ADMIN__TLS__CLIENT_CA_FILE", "/etc/operators.crt")
    assert trusts(tmp_path, public)[1].ca_file == Path("/etc/operators.crt")
