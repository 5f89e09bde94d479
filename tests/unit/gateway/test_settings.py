"""Settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.grants import DataClass
from gateway.settings import SettingsError, load_configuration


def load(tmp_path: Path, text: str):
    file = tmp_path / "sealgate.toml"
    file.write_text(text, "utf-8")
    return load_configuration(file)


def test_defaults_are_safe(tmp_path):
    """Without a word of configuration: loopback, an hour, a week, and nothing granted."""
    settings = load(tmp_path, "").settings
    assert settings.listen.host.is_loopback
    assert settings.admin.host.is_loopback
    assert all(network.is_loopback for network in settings.admin.networks)
    assert settings.tokens.lifetime_seconds == 3600
    assert settings.access_log.retention_days == 7
    assert settings.models == {}


def test_paths_are_relative_to_the_file(tmp_path):
    """A configuration works from wherever the command is called."""
    text = '[store]\ndirectory = "state"\n[upstream]\napi_key_file = "/run/v.key"'
    at = load(tmp_path, text).at
    assert at.storage_key_file == tmp_path / "state/storage.key"
    assert at.upstream_api_key_file == Path("/run/v.key")
    assert at.public_clients.ca_file is None
    asking = load(tmp_path, '[tls]\nclient_ca_file = "clients.crt"').at
    assert asking.public_clients.ca_file == tmp_path / "clients.crt"
    assert at.database_url == f"sqlite+aiosqlite:///{tmp_path}/state/sealgate.db"


def test_environment_wins(tmp_path, monkeypatch):
    """A variable overrides the file, and only what it names."""
    monkeypatch.setenv("SEALGATE_LISTEN__PORT", "9999")
    listen = load(tmp_path, '[listen]\nport = 8000\nnames = ["gw.example"]').settings.listen
    assert (listen.port, listen.names) == (9999, ("gw.example",))


def test_all_faults_at_once_without_values(tmp_path):
    """Every fault is named in one go, and none repeats a value, which may be a secret."""
    with pytest.raises(SettingsError) as caught:
        load(
            tmp_path,
            '[tokens]\nlifetime_seconds = 7200\n[listen]\nport = "secret-value"\nprot = 1\n'
            '[tls]\nkey_file = "k"\n[access_log]\nretention_days = 30',
        )
    text = "\n".join(caught.value.faults)
    assert {
        "tokens.lifetime_seconds",
        "listen.port",
        "listen.prot",
        "access_log.retention_days",
    } <= {fault.split(":")[0] for fault in caught.value.faults}
    assert "secret-value" not in text


def test_half_a_certificate_is_a_fault(tmp_path):
    """Certificate and key belong together."""
    with pytest.raises(SettingsError, match="given together"):
        load(tmp_path, '[tls]\ncertificate_file = "c"')


@pytest.mark.parametrize("content", [b"[listen", b"\xff"])
def test_not_toml_is_a_fault(tmp_path, content):
    """A file that cannot be read as TOML is named."""
    file = tmp_path / "sealgate.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="not a TOML file"):
        load_configuration(file)


def test_named_file_must_exist(tmp_path):
    """A missing file is an error when it was asked for, and fine when it was not."""
    with pytest.raises(SettingsError, match="No such file"):
        load_configuration(tmp_path / "none.toml")


def test_default_file_may_be_missing(tmp_path, monkeypatch):
    """Without any file the defaults count, below the current folder."""
    monkeypatch.chdir(tmp_path)
    assert load_configuration().at.directory == tmp_path / "var"


def test_issuer_and_authorities_follow_the_listener(tmp_path):
    """Clients may use every name of the listener, with the port it has."""
    configuration = load(tmp_path, '[listen]\nport = 443\nhost = "::1"\nnames = ["GW.example"]')
    assert configuration.issuer == "https://[::1]:443"
    assert {b"gw.example", b"gw.example:443", b"[::1]:443"} <= configuration.authorities
    proxied = load(tmp_path, '[listen]\nnames = ["gw.example:443", "[2001:db8::1]", "b.example:9"]')
    assert {
        b"gw.example:443", b"gw.example", b"[2001:db8::1]:8443", b"b.example:9",
    } <= proxied.authorities  # fmt: skip
    assert b"b.example" not in proxied.authorities
    named = load(tmp_path, '[tokens]\nissuer = "https://id.example"')
    assert named.issuer == "https://id.example"
    assert b"127.0.0.1" not in named.authorities


def test_admin_authorities_have_the_admin_port(tmp_path):
    """The admin listener has the names of the public one, not its port."""
    configuration = load(tmp_path, '[listen]\nnames = ["GW.example", "other.example:443"]')
    assert {b"gw.example:9443", b"127.0.0.1:9443"} <= configuration.admin_authorities
    assert all(name.endswith(b":9443") for name in configuration.admin_authorities)


@pytest.mark.parametrize("section", ["listen", "admin"])
def test_trusted_proxies_and_what_they_say_belong_together(tmp_path, section):
    """A proxy is trusted for something, and nothing is believed of everybody."""

    def faults(text):
        with pytest.raises(SettingsError) as caught:
            load(tmp_path, f"[{section}]\n{text}")
        assert [fault.split(":")[0] for fault in caught.value.faults] == [section]
        return caught.value.faults[0]

    proxies = 'trusted_proxies = ["10.0.0.0/8"]'
    assert "need trusted_proxies" in faults('forwarded_header = "forwarded"')
    assert "need trusted_proxies" in faults("proxy_protocol = true")
    assert "need forwarded_header or proxy_protocol" in faults(proxies)
    for everybody in ("0.0.0.0/0", "::/0"):
        text = f'trusted_proxies = ["10.0.0.0/8", "{everybody}"]\nproxy_protocol = true'
        assert "everybody" in faults(text)
    for use in ('forwarded_header = "x-forwarded-for"', "proxy_protocol = true"):
        loaded = getattr(load(tmp_path, f"[{section}]\n{proxies}\n{use}").settings, section)
        assert len(loaded.trusted_proxies) == 1


def test_no_proxy_is_trusted_by_default(tmp_path):
    """Both listeners take the connection's own address unless told otherwise."""
    settings = load(tmp_path, "").settings
    for listener in (settings.listen, settings.admin):
        assert listener.trusted_proxies == ()
        assert (listener.forwarded_header, listener.proxy_protocol) == ("none", False)


def test_unknown_forwarded_header_is_a_fault(tmp_path):
    """Only the two headers that are parsed strictly can be believed."""
    with pytest.raises(SettingsError, match=r"listen\.forwarded_header"):
        load(tmp_path, '[listen]\nforwarded_header = "x-real-ip"\ntrusted_proxies = ["10.0.0.1"]')


def test_models_have_a_clearance_and_a_location(tmp_path):
    """What is not said of a model is internal data here."""
    models = load(
        tmp_path, '[models.a]\n[models."org/b"]\nclearance = "core"\nlocation = "eu-1"\n'
    ).settings.models
    assert (models["a"].clearance, models["a"].location) == (DataClass.INTERNAL, "local")
    assert (models["org/b"].clearance, models["org/b"].location) == (DataClass.CORE, "eu-1")


def test_data_classes_name_their_locations(tmp_path):
    """A class may go to several places, to none, and to the local models unless said otherwise."""
    rules = load(
        tmp_path,
        '[data_classes.public]\nlocations = ["local", "eu-1"]\n'
        "[data_classes.core]\nlocations = []\n[data_classes.internal]\n",
    ).settings.data_classes
    assert rules[DataClass.PUBLIC].locations == ("local", "eu-1")
    assert rules[DataClass.CORE].locations == ()
    assert rules[DataClass.INTERNAL].locations == ("local",)
    assert DataClass.SENSITIVE not in rules


@pytest.mark.parametrize(
    "text",
    [
        '[models.a]\nclearance = "secret"',
        '[models.a]\nclearance = "Core"',
        '[models.a]\nlocation = ""',
        '[models.a]\nlocation = "EU 1"',
        "[models.a]\nlocations = []",
        "[data_classes.secret]",
        '[data_classes.public]\nlocations = "local"',
        "[data_classes.public]\nclearance = 1",
    ],
)
def test_misspelt_classes_and_places_are_faults(tmp_path, text):
    """A class or a place that does not exist is an error, never a silent default."""
    with pytest.raises(SettingsError):
        load(tmp_path, text)


def test_two_person_rule_and_reclaim_are_off_until_named(tmp_path: Path) -> None:
    """Both need a decision; what they take is bounded, and a misspelt act is a fault."""
    path = tmp_path / "sealgate.toml"
    path.touch()
    quiet = load_configuration(path).settings
    assert (quiet.admin.two_person, quiet.permissions.reclaim_idle_days) == (frozenset(), None)
    path.write_text(
        '[admin]\ntwo_person = ["assign-role"]\nproposal_minutes = 5\n'
        "[permissions]\nreclaim_idle_days = 7\n"
    )
    chosen = load_configuration(path).settings
    assert chosen.admin.two_person == {"assign-role"}
    assert (chosen.admin.proposal_minutes, chosen.permissions.reclaim_idle_days) == (5, 7)
    path.write_text(
        '[admin]\ntwo_person = ["assign-rule"]\nproposal_minutes = 0\n'
        "[permissions]\nreclaim_idle_days = 6\n"
    )
    with pytest.raises(SettingsError) as refused:
        load_configuration(path)
    assert len(refused.value.faults) == 3


def test_limits_on_callers(tmp_path):
    """Tokens, administration and bad credentials are limited unless told otherwise, never off."""
    limits = load(tmp_path, "").settings.limits
    assert (limits.token_requests_per_minute, limits.admin_requests_per_minute) == (120, 300)
    assert (limits.lockout_failures, limits.lockout_window_seconds) == (5, 900)
    for name in ("admin_requests_per_minute", "lockout_failures", "lockout_window_seconds"):
        with pytest.raises(SettingsError, match=name):
            load(tmp_path, f"[limits]\n{name} = 0")
