"""Key files: how they are made and which are refused."""

from __future__ import annotations

import os
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from serving.errors import KeyRefused
from serving.key_source import FileKeySource, generate_keys


def test_generated_keys_work_together(keys):
    """What the signing key signs, the verification key accepts; the wrapping key has 32 bytes."""
    signature = keys.signing_key().sign(b"text")
    keys.verification_key().verify(signature, b"text")
    assert len(keys.wrapping_key().reveal()) == 32


def test_secret_keys_are_closed_to_others(tmp_path):
    """Wrapping key and signing key are written 0600, in a 0700 folder."""
    generate_keys(tmp_path / "new")
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new").iterdir()}
    assert modes == {"wrapping.key": 0o600, "signing.key": 0o600, "verification.pub": 0o644}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_keys_are_never_overwritten(tmp_path, keys):
    """A second keygen into the same folder is refused and changes nothing."""
    before = (tmp_path / "keys" / "wrapping.key").read_bytes()
    with pytest.raises(KeyRefused):
        generate_keys(tmp_path / "keys")
    assert (tmp_path / "keys" / "wrapping.key").read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
@pytest.mark.parametrize("name", ["wrapping.key", "signing.key"])
def test_a_secret_key_that_others_may_read_is_refused(tmp_path, keys, name, mode):
    """Group or world bits on a secret key file refuse it."""
    (tmp_path / "keys" / name).chmod(mode)
    with pytest.raises(KeyRefused, match="open to others"):
        keys.wrapping_key() if name == "wrapping.key" else keys.signing_key()


def test_a_verification_key_that_others_may_write_is_refused(tmp_path, keys):
    """Anybody may read the verification key, but only its owner may replace it."""
    (tmp_path / "keys" / "verification.pub").chmod(0o664)
    with pytest.raises(KeyRefused, match="open to others"):
        keys.verification_key()


@pytest.mark.parametrize("method", ["wrapping_key", "signing_key", "verification_key"])
def test_a_missing_key_is_refused(tmp_path, method):
    """Without its file, no key is made up."""
    with pytest.raises(KeyRefused):
        getattr(FileKeySource(tmp_path), method)()


@pytest.mark.parametrize("content", [b"", b"sealgate-wrapping-key-1:AAAA", b"AAAA", b"\xff" * 40])
@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("wrapping.key", "wrapping_key"),
        ("signing.key", "signing_key"),
        ("verification.pub", "verification_key"),
    ],
)
def test_a_malformed_key_is_refused(tmp_path, keys, name, method, content):
    """A file that is not the key it should be is refused, whatever it holds."""
    (tmp_path / "keys" / name).write_bytes(content)
    with pytest.raises(KeyRefused):
        getattr(keys, method)()


def test_a_wrapping_key_of_another_length_is_refused(tmp_path, keys):
    """Well-formed base64 of the wrong number of bytes is no key."""
    (tmp_path / "keys" / "wrapping.key").write_bytes(b"sealgate-wrapping-key-1:AAAA\n")
    with pytest.raises(KeyRefused, match="not a wrapping key"):
        keys.wrapping_key()


def test_another_kind_of_key_is_refused(tmp_path, keys):
    """A public key is no signing key, and the other way round."""
    folder = tmp_path / "keys"
    private, public = (
        (folder / "signing.key").read_bytes(),
        (folder / "verification.pub").read_bytes(),
    )
    (folder / "signing.key").write_bytes(public)
    (folder / "verification.pub").write_bytes(private)
    for method in (keys.signing_key, keys.verification_key):
        with pytest.raises(KeyRefused):
            method()


def test_a_key_for_another_algorithm_is_refused(tmp_path, keys):
    """A well-formed key that is not Ed25519 is refused."""
    other = X25519PrivateKey.generate()
    private = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "keys" / "signing.key").write_bytes(private)
    (tmp_path / "keys" / "verification.pub").write_bytes(public)
    for method in (keys.signing_key, keys.verification_key):
        with pytest.raises(KeyRefused, match="Ed25519"):
            method()


def test_a_link_to_a_key_is_refused(tmp_path, keys):
    """A link could be turned to another file after the check."""
    path = tmp_path / "keys" / "wrapping.key"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyRefused):
        keys.wrapping_key()


def test_a_pipe_in_place_of_a_key_is_refused(tmp_path, keys):
    """Something that is no regular file is refused without waiting for it."""
    path = tmp_path / "keys" / "wrapping.key"
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(KeyRefused, match="regular"):
        keys.wrapping_key()


def test_a_key_of_another_user_is_refused(tmp_path, keys):
    """A file that somebody else owns may be changed by them at any time."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(tmp_path / "keys" / "wrapping.key", 12345, 12345)
    with pytest.raises(KeyRefused, match="another user"):
        keys.wrapping_key()
