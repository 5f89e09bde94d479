"""``sealgate credentials``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.commands import Commands


def test_rotation_adds_a_secret(commands: Commands) -> None:
    """A rotation prints a new secret and leaves the old credential good."""
    made = commands.create_client()
    fresh = commands.json("credentials", "rotate", made["client_id"])
    assert fresh["client_id"] == made["client_id"]
    assert fresh["client_secret"] != made["client_secret"]
    listed = commands.json("credentials", "list", made["client_id"])
    assert {row["credential_id"]: row["revoked_at"] for row in listed} == {
        made["credential_id"]: None,
        fresh["credential_id"]: None,
    }


def test_revocation_is_shown_in_the_list(commands: Commands) -> None:
    """A withdrawn credential has its moment in the answer and in the list."""
    made = commands.create_client()
    words = (made["client_id"], made["credential_id"])
    revoked_at = commands.json("credentials", "revoke", *words)["revoked_at"]
    assert revoked_at
    (row,) = commands.json("credentials", "list", made["client_id"])
    assert row["revoked_at"] == revoked_at


def test_list_holds_no_secret_and_no_hash(commands: Commands) -> None:
    """The list says which credentials there are and nothing that proves one."""
    made = commands.create_client()
    (row,) = commands.json("credentials", "list", made["client_id"])
    assert set(row) == {"credential_id", "kind", "verifier", "created_at", "revoked_at"}
    assert (row["kind"], row["verifier"]) == ("client_secret_basic", None)
    assert made["client_secret"] not in commands.run("credentials", "list", made["client_id"])


def test_too_many_credentials_are_refused(commands: Commands) -> None:
    """The fifth good credential of a client is exit code 1 and one line."""
    name = commands.create_client()["client_id"]
    for _ in range(3):
        commands.run("credentials", "rotate", name)
    assert commands.refusal("credentials", "rotate", name).startswith("conflict: ")


def test_unknown_names_are_refused(commands: Commands) -> None:
    """Neither a foreign credential nor an unknown client is anything but not found."""
    name = commands.create_client()["client_id"]
    assert commands.refusal("credentials", "revoke", name, "none").startswith("not_found: ")
    assert commands.refusal("credentials", "rotate", "c-0").startswith("not_found: ")


JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


def test_public_proofs_are_added(commands: Commands, tmp_path: Path) -> None:
    """A key from a file and the subject of a certificate are registered, and no secret is made."""
    name = commands.create_client()["client_id"]
    file = tmp_path / "key.jwk"
    file.write_text(json.dumps(JWK), "utf-8")
    for option in (("--jwk", str(file)), ("--certificate-subject", "dns:App.Example")):
        added = commands.json("credentials", "add", name, *option)
        assert set(added) == {"client_id", "credential_id", "kind"}
        assert commands.refusal("credentials", "add", name, *option).startswith("conflict: ")
    listed = {row["kind"]: row["verifier"] for row in commands.json("credentials", "list", name)}
    assert listed["tls_client_auth"] == "dns:app.example"
    assert json.loads(listed["private_key_jwt"]).items() >= JWK.items()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", json.dumps({**JWK, "d": "AA"}), " " * 20_000]
)
def test_wrong_key_is_wrong_use(commands: Commands, tmp_path: Path, text: str) -> None:
    """A file that holds no sound public key is exit code 2, and nothing of it is printed."""
    file = tmp_path / "key.jwk"
    file.write_text(text, "utf-8")
    assert "AA" not in commands.run("credentials", "add", "c-0", "--jwk", str(file), code=2)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--jwk", "missing.jwk"),
        ("--certificate-subject", "app.example"),
        ("--certificate-subject", "dns:*.example"),
    ],
)
def test_wrong_options_are_wrong_use(commands: Commands, options: tuple[str, ...]) -> None:
    """Without a proof, or with one that means nothing, it is exit code 2."""
    commands.run("credentials", "add", "c-0", *options, code=2)


def test_new_client_may_have_another_proof(commands: Commands) -> None:
    """With a certificate's subject, or with no credential, there is no secret to lose."""
    made = commands.create_client("--certificate-subject", "uri:spiffe://example/app")
    assert set(made) == {"client_id", "credential_id", "kind"}
    assert set(commands.create_client("--no-credential")) == {"client_id"}
    words = ("--no-credential", "--certificate-subject", "dns:app.example")
    commands.run("clients", "create", *words, code=2)


def test_list_is_paged(commands: Commands) -> None:
    """The page leaves out the first ones and has at most so many."""
    name = commands.create_client()["client_id"]
    commands.run("credentials", "rotate", name)
    whole = commands.json("credentials", "list", name)
    assert commands.json("credentials", "list", name, "--skip", "1", "--limit", "1") == whole[1:]
