"""The signed manifest."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import BundleRefused
from serving.manifest import (
    BaseModel,
    Manifest,
    SealedEntry,
    parse_manifest,
    parse_model_name,
    sign_manifest,
    verify_manifest,
)

DIGEST = "ab" * 32
MANIFEST = Manifest(
    model_name="tiny",
    created_at=datetime(2026, 11, 1, 12, 0, tzinfo=UTC),
    files=(
        SealedEntry("config.json", 10, DIGEST, DIGEST),
        SealedEntry("model.safetensors", 20, DIGEST, DIGEST),
    ),
    bill_of_materials_sha256=DIGEST,
)


def _changed(**fields: object) -> bytes:
    value = json.loads(MANIFEST.to_bytes()) | fields
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _file(**fields: object) -> dict[str, object]:
    entry = {"path": "a.json", "size": 1, "plaintext_sha256": DIGEST, "ciphertext_sha256": DIGEST}
    return entry | fields


@pytest.mark.parametrize("base", [None, BaseModel("tiny", DIGEST)])
def test_a_manifest_survives_being_written(base):
    """Reading what was written gives the same manifest, with and without a base model."""
    manifest = replace(MANIFEST, base_model=base)
    assert parse_manifest(manifest.to_bytes()) == manifest


def test_a_signed_manifest_is_accepted(keys):
    """The expected key's signature over the exact bytes gives the manifest."""
    signature = sign_manifest(MANIFEST, keys.signing_key())
    assert (
        verify_manifest(MANIFEST.to_bytes(), signature, verification_key=keys.verification_key())
        == MANIFEST
    )


def test_a_foreign_signature_is_refused(keys, foreign_keys):
    """A manifest signed by anybody else is refused."""
    signature = sign_manifest(MANIFEST, foreign_keys.signing_key())
    with pytest.raises(BundleRefused, match="not signed"):
        verify_manifest(MANIFEST.to_bytes(), signature, verification_key=keys.verification_key())


def test_a_signature_over_the_bare_bytes_is_refused(keys):
    """A signature made for another purpose with the same key does not count."""
    signature = keys.signing_key().sign(MANIFEST.to_bytes())
    with pytest.raises(BundleRefused):
        verify_manifest(MANIFEST.to_bytes(), signature, verification_key=keys.verification_key())


@pytest.mark.parametrize("signature", [b"", b"\x00" * 64, b"\x00" * 63])
def test_no_signature_is_no_signature(keys, signature):
    """Empty, short and zero signatures are refused."""
    with pytest.raises(BundleRefused):
        verify_manifest(MANIFEST.to_bytes(), signature, verification_key=keys.verification_key())


@given(st.integers(min_value=0))
def test_any_changed_byte_is_noticed(keys_once, number):
    """Whichever bit of the manifest is flipped, the signature no longer fits."""
    changed = bytearray(MANIFEST.to_bytes())
    changed[number // 8 % len(changed)] ^= 1 << number % 8
    signature, verification_key = keys_once
    with pytest.raises(BundleRefused):
        verify_manifest(bytes(changed), signature, verification_key=verification_key)


@pytest.fixture(scope="module")
def keys_once():
    """One signature and its verification key for all examples."""
    key = Ed25519PrivateKey.generate()
    return sign_manifest(MANIFEST, key), key.public_key()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b" " + MANIFEST.to_bytes(),
        MANIFEST.to_bytes() + b"\n",
        MANIFEST.to_bytes().replace(b'"model_name"', b'"model_name":"evil","model_name"'),
        b"x" * (5 * 2**20),
        _changed(format_version=2),
        _changed(extra=1),
        _changed(model_name="../evil"),
        _changed(model_name=7),
        _changed(created_at="2026-11-01 12:00"),
        _changed(created_at=7),
        _changed(bill_of_materials_sha256="AB" * 32),
        _changed(files=[]),
        _changed(files="config.json"),
        _changed(files=[_file(path="../a.json")]),
        _changed(files=[_file(path="/a.json")]),
        _changed(files=[_file(path="a.py")]),
        _changed(files=[_file(), _file()]),
        _changed(files=[_file(path="b.json"), _file(path="a.json")]),
        _changed(files=[_file(size=-1)]),
        _changed(files=[_file(size=True)]),
        _changed(files=[_file(plaintext_sha256="")]),
        _changed(files=[_file(more=1)]),
        _changed(base_model={"model_name": "tiny"}),
        _changed(base_model=[]),
    ],
    ids=range(29),
)
def test_malformed_manifests_are_refused(text):
    """Anything but the canonical form of a sensible manifest is refused, signed or not."""
    with pytest.raises(BundleRefused):
        parse_manifest(text)


def test_the_content_digest_is_about_open_contents():
    """Sealing the same files under other keys keeps the digest; other contents change it."""
    sealed_again = tuple(replace(entry, ciphertext_sha256="cd" * 32) for entry in MANIFEST.files)
    other = tuple(replace(entry, plaintext_sha256="cd" * 32) for entry in MANIFEST.files)
    assert replace(MANIFEST, files=sealed_again).content_sha256 == MANIFEST.content_sha256
    assert replace(MANIFEST, files=other).content_sha256 != MANIFEST.content_sha256


@pytest.mark.parametrize("name", ["", "-flag", ".", "a b", "a=b", "a/b", "a" * 65, None, "模型"])
def test_model_names_cannot_be_mistaken_for_something_else(name):
    """A model name is neither a flag, nor a path, nor two words."""
    with pytest.raises(ValueError, match="model name"):
        parse_model_name(name)
