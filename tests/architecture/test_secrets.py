"""Where secrets may be seen, and what must never be in the repository."""

from __future__ import annotations

import ast
import re
import subprocess

from tests.architecture.source import ROOT, name_of, source_files, tree

REVEAL_CALLERS = {
    "gateway/api/admin/credential_shapes.py",  # the one answer that shows a new credential
    "gateway/api/oauth/app.py",  # the token endpoint's answer
    "gateway/backends/access_log_files.py",  # a segment's key, into what opens it
    "gateway/backends/access_log_writer.py",  # a segment's key, into what seals it
    "gateway/backends/key_wrap.py",  # wraps and unwraps
    "gateway/backends/otlp_export.py",  # what proves the gateway to a collector, into the request
    "gateway/backends/pkcs11_key_wrap.py",  # wraps and unwraps; the PIN, into the module
    "gateway/backends/segment_keys.py",  # compares a key that was wrapped anew
    "gateway/backends/upstream.py",  # vLLM's key, into the request to vLLM
    "gateway/backends/vault/connection.py",  # Vault's token, into a header
    "gateway/backends/vault/logins.py",  # what proves the gateway, into the login
    "gateway/backends/vault/wrapped_login.py",  # the same, and into the memory of all workers
    "gateway/backends/vault/secrets.py",  # the storage key, out of its base64
    "gateway/backends/vault/transit.py",  # private keys, into the request that wraps them
    "gateway/cli/init.py",  # shows the first credentials once
    "gateway/cli/rows.py",  # shows a new credential once
    "gateway/client/account.py",  # client authentication
    "gateway/client/dpop.py",  # the token, into the sealed request and into the hash of its proof
    "gateway/client/exchange.py",  # the token, into the sealed request
    "gateway/control/client_authentication.py",  # reads what a client sends to prove itself
    "gateway/control/idempotency.py",  # opens a kept answer, which may show a secret again
    "gateway/control/key_material.py",  # loads private keys
    "gateway/control/secrets.py",  # hashes and checks credentials
    "gateway/control/tokens.py",  # reads the token that is to be revoked
    "gateway/core/conversation.py",  # derives the keys of pseudonyms
    "gateway/core/pii/actions.py",  # keys the pseudonyms
    "serving/sealed_file.py",  # wraps and unwraps file keys
    "serving/vllm_command.py",  # vLLM's key, into its environment
}


def test_reveal_is_called_only_where_it_is_known():
    """Each place that takes a secret out of its wrapper was looked at and is listed here."""
    found = {
        name_of(path)
        for path in source_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "reveal"
    }
    assert found == REVEAL_CALLERS


def test_lock_files_name_no_registry():
    """A lock file works with whichever index the machine is set up for."""
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert len(locks) >= 3
    for lock in locks:
        text = lock.read_text("utf-8")
        assert not re.search(r"https?://|--index-url|--extra-index|--find-links", text), lock.name


def test_only_settings_read_the_environment():
    """A setting has one way in, so that `check-config` sees all of them."""
    hits = subprocess.run(
        ["git", "grep", "-lE", r"os\.environ|getenv", "--", "gateway/*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    assert hits == []
