"""The sections ``[store]`` and ``[redis]``: addresses without secrets, files that are of use."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Configuration, SettingsError, load_configuration


def load(tmp_path: Path, text: str) -> Configuration:
    """Load a configuration whose section is *text*."""
    file = tmp_path / "sealgate.toml"
    file.write_text(f"[store]\n{text}\n", "utf-8")
    return load_configuration(file)


def test_store_is_a_file_by_default(tmp_path: Path) -> None:
    """Without a word the database lies with the rest of the state."""
    at = load(tmp_path, 'directory = "state"').at
    assert at.database_url == f"sqlite+aiosqlite:///{tmp_path}/state/sealgate.db"


def test_files_go_with_the_address(tmp_path: Path) -> None:
    """Password and authorities are named by absolute paths, whatever characters those have."""
    at = load(
        tmp_path,
        'url = "postgresql+asyncpg://u@db.example/d"\npassword_file = "a b"\nca_file = "/etc/ca"',
    ).at
    expected = f"password_file={str(tmp_path).replace('/', '%2F')}%2Fa+b&ca_file=%2Fetc%2Fca"
    assert at.database_url == f"postgresql+asyncpg://u@db.example/d?{expected}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('url = "postgresql+asyncpg://u:hush@db.example/d"', "password_file"),
        ('url = "mysql://db.example/d"', "the store is"),
        ('password_file = "hush"', "for PostgreSQL"),
        ('url = "sqlite+aiosqlite:///x"\nca_file = "hush"', "for PostgreSQL"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, fault: str) -> None:
    """A password in the address, another database or useless files are refused, unrepeated."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert fault in str(caught.value)
    assert "hush" not in str(caught.value)


def redis(tmp_path: Path, text: str) -> Configuration:
    """Load a configuration whose section ``[redis]`` is *text*."""
    return load(tmp_path, f"[redis]\n{text}")


@pytest.mark.parametrize(
    "url",
    ["redis://127.0.0.1:6379/3", "redis://localhost", "rediss://r.example:1", "unix:///run/r.sock"],
)
def test_places_of_redis(tmp_path: Path, url: str) -> None:
    """A port on this machine, TLS to another one and a socket are taken; so is having none."""
    found = redis(tmp_path, f'url = "{url}"').settings.redis
    assert found is not None
    assert (found.url, found.user, found.gateways) == (url, "default", 2)
    assert load(tmp_path, "").settings.redis is None


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("redis://r.example", "rediss://"),
        ("redis://u:hush@127.0.0.1", "password_file"),
        ("redis://127.0.0.1/hush", "number"),
        ("redis://127.0.0.1?hush=1", "must be redis://"),
        ("unix://", "must be redis://"),
        ("http://hush.example", "must be redis://"),
    ],
)
def test_other_places_are_refused(tmp_path: Path, url: str, fault: str) -> None:
    """Nothing goes to another machine without TLS, and no secret is in an address or repeated."""
    with pytest.raises(SettingsError) as caught:
        redis(tmp_path, f'url = "{url}"')
    assert fault in str(caught.value)
    assert "hush" not in str(caught.value)
