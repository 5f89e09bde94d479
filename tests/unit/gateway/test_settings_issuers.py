"""The tables of other issuers: complete, safe and distinct, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.identity import Role
from gateway.settings import Configuration, SettingsError, load_configuration

TABLE = """
[[issuers]]
issuer = "https://idp.example"
jwks_url = "https://idp.example/jwks"
audience = "sealgate"
role_claim = "role"
clients = { their-app = "c-1" }
roles = { app = "application" }
"""


def load(tmp_path: Path, text: str) -> Configuration:
    """Load a configuration of *text*."""
    file = tmp_path / "sealgate.toml"
    file.write_text(text, "utf-8")
    return load_configuration(file)


def test_there_is_no_other_issuer_by_default(tmp_path: Path):
    """A gateway takes only its own tokens until it is told otherwise."""
    assert load(tmp_path, "").settings.issuers == ()


def test_a_table_is_read(tmp_path: Path):
    """What is left out has a safe default."""
    (issuer,) = load(tmp_path, TABLE).settings.issuers
    assert issuer.roles == {"app": Role.APPLICATION}
    assert issuer.types == ("at+jwt",)
    assert (issuer.refresh_seconds, issuer.max_stale_seconds) == (300, 86_400)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080/jwks", "http://[::1]/jwks", "http://localhost/x", "https://a.example/"],
)
def test_keys_come_over_https_or_from_this_machine(tmp_path: Path, url: str):
    """Plain HTTP is for a provider on the same machine."""
    text = TABLE.replace("https://idp.example/jwks", url)
    assert load(tmp_path, text).settings.issuers[0].jwks_url == url


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("https://idp.example/jwks", "http://idp.example/jwks"),
        ("https://idp.example/jwks", "http://127.0.0.1.example/jwks"),
        ("https://idp.example/jwks", "https://user@idp.example/jwks"),
        ("https://idp.example/jwks", "https://idp.example/jwks#x"),
        ("https://idp.example/jwks", "https://idp.example/a b"),
        ("https://idp.example/jwks", "https://idp.example:0/"),
        ("https://idp.example/jwks", "https://idp.example:99999/"),
        ("https://idp.example/jwks", "https:///jwks"),
        ("https://idp.example/jwks", "file:///etc/passwd"),
        ("https://idp.example/jwks", ""),
        ('"application"', '"superuser"'),
        ("role_claim", "rol_claim"),
        ('clients = { their-app = "c-1" }', "clients = {}"),
        ('audience = "sealgate"', ""),
        ('audience = "sealgate"', 'audience = "sealgate"\nalgorithms = ["HS256"]'),
        ('audience = "sealgate"', 'audience = "sealgate"\nalgorithms = []'),
        ('audience = "sealgate"', 'audience = "sealgate"\nmax_stale_seconds = 86401'),
        ('audience = "sealgate"', 'audience = "sealgate"\nrefresh_seconds = 1'),
    ],
)
def test_what_is_unsafe_or_incomplete_is_refused(tmp_path: Path, old: str, new: str):
    """A table that would weaken the check is an error of the configuration."""
    with pytest.raises(SettingsError):
        load(tmp_path, TABLE.replace(old, new))


def test_two_issuers_need_two_names(tmp_path: Path):
    """One name twice is a mistake, two names are two issuers."""
    with pytest.raises(SettingsError):
        load(tmp_path, TABLE + TABLE)
    other = TABLE.replace("https://idp.example", "https://other.example")
    assert len(load(tmp_path, TABLE + other).settings.issuers) == 2
