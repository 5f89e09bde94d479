"""What wraps the keys is named completely, or the configuration is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Configuration, SettingsError, load_configuration

APPROLE = """
[store]
key_wrap = "vault"
[vault]
url = "https://vault.example:8200"
role_id = "role-1"
secret_id_file = "secret-id"
"""
MODULE = """
[store]
key_wrap = "pkcs11"
[pkcs11]
module = "/usr/lib/softhsm/libsofthsm2.so"
token_label = "sealgate"
pin_file = "pin"
"""


def load(tmp_path: Path, text: str) -> Configuration:
    """Load a configuration of *text*."""
    file = tmp_path / "sealgate.toml"
    file.write_text(text, "utf-8")
    return load_configuration(file)


def faults(tmp_path: Path, text: str) -> str:
    """Return what is wrong with a configuration of *text*."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    return "\n".join(caught.value.faults)


def test_a_key_file_wraps_unless_told_otherwise(tmp_path: Path) -> None:
    """Without a word the key is in a file beside the store, and nobody else is asked."""
    configuration = load(tmp_path, "")
    assert configuration.settings.store.key_wrap == "file"
    assert configuration.settings.vault is None
    assert configuration.at.storage_key_file == tmp_path / "var/storage.key"


@pytest.mark.parametrize("text", [APPROLE, MODULE])
def test_another_wrap_has_no_key_file(tmp_path: Path, text: str) -> None:
    """Where something else wraps the keys there is no file to fall back to."""
    assert load(tmp_path, text).at.storage_key_file is None


def test_safe_defaults_of_vault(tmp_path: Path) -> None:
    """The secret id comes wrapped, and a call takes less than half a second."""
    vault = load(tmp_path, APPROLE).settings.vault
    assert vault is not None
    assert vault.secret_id_wrapped
    assert vault.timeout_seconds < 0.5
    assert (vault.transit_mount, vault.transit_key, vault.kv_mount) == (
        "transit",
        "sealgate",
        "secret",
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://vault.example:8200",
        "vault.example:8200",
        "ftp://vault.example",
        "https://",
        "https://user@vault.example",
        "https://vault.example/v1",
        "https://vault.example?x=1",
    ],
)
def test_vault_is_an_origin_over_tls(tmp_path: Path, url: str) -> None:
    """Keys and tokens go nowhere in the clear; a path or a user is a misunderstanding."""
    text = APPROLE.replace("https://vault.example:8200", url)
    assert "vault.url" in faults(tmp_path, text)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8200", "http://[::1]:8200", "https://v:1/"])
def test_an_agent_on_loopback_may_do_without(tmp_path: Path, url: str) -> None:
    """An agent on the same machine may speak plain HTTP."""
    assert load(tmp_path, APPROLE.replace("https://vault.example:8200", url)).settings.vault


@pytest.mark.parametrize(
    ("auth", "missing"),
    [("approle", "role_id and secret_id_file"), ("kubernetes", "role"), ("token", "token_file")],
)
def test_each_login_says_what_it_needs(tmp_path: Path, auth: str, missing: str) -> None:
    """All that is missing is named at once."""
    text = f'[vault]\nurl = "https://vault.example"\nauth = "{auth}"\n'
    assert f"auth = {auth} needs {missing}" in faults(tmp_path, text)


def test_all_faults_at_once(tmp_path: Path) -> None:
    """Faults of several sections are named in one go, without their values."""
    text = APPROLE + 'timeout_seconds = 5\ntransit_key = "../canary"\nnamspace = "x"\n'
    found = faults(tmp_path, text + '[pkcs11]\nmodule = "m"\n')
    for name in ("timeout_seconds", "transit_key", "namspace", "pkcs11.token_label"):
        assert name in found
    assert "canary" not in found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[store]\nkey_wrap = "vault"\n', "needs the section vault"),
        ('[store]\nkey_wrap = "pkcs11"\n', "needs the section pkcs11"),
        ('[store]\nkey_wrap = "none"\n', "store.key_wrap"),
        (APPROLE.replace("[vault]", 'key_file = "k"\n[vault]'), "is not used"),
        (MODULE.replace("[pkcs11]", 'key_file = "k"\n[pkcs11]'), "is not used"),
        (APPROLE + '[vault.secrets]\nstorage_key = "a#b"\n', "takes the place"),
        (APPROLE + '[vault.secrets]\nupstream_api_key = "a/../b#c"\n', "upstream_api_key"),
        (APPROLE + '[vault.secrets]\nupstream_api_key = "no-field"\n', "upstream_api_key"),
    ],
)
def test_sections_agree(tmp_path: Path, text: str, fault: str) -> None:
    """Two answers to the question what wraps the keys are a fault, and so is none."""
    assert fault in faults(tmp_path, text)


def test_storage_key_out_of_vault(tmp_path: Path) -> None:
    """A provisioned key takes the place of the file."""
    text = (
        APPROLE.replace('"vault"', '"file"') + '[vault.secrets]\nstorage_key = "sealgate/gw#key"\n'
    )
    assert load(tmp_path, text).at.storage_key_file is None
    without = APPROLE.replace('"vault"', '"file"')
    assert load(tmp_path, without).at.storage_key_file == tmp_path / "var/storage.key"


def test_environment_reaches_the_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command may log in with a token of the operator's own."""
    monkeypatch.setenv("SEALGATE_VAULT__AUTH", "token")
    monkeypatch.setenv("SEALGATE_VAULT__TOKEN_FILE", "/home/me/.vault-token")
    vault = load(tmp_path, APPROLE).settings.vault
    assert vault is not None
    assert (vault.auth, vault.token_file) == ("token", Path("/home/me/.vault-token"))
