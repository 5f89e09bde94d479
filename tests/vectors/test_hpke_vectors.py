"""RFC 9180 vectors: every published value of base mode with X25519, HKDF-SHA256 and AES-GCM."""

import json
import os
from pathlib import Path

import pytest

from gateway.core import hpke

HERE = Path(__file__).parent
AEADS = {aead.aead_id: aead for aead in (hpke.AES_128_GCM, hpke.AES_256_GCM)}


def shared_folder() -> Path:
    """Return the folder of vectors that are too large to commit."""
    chosen = os.environ.get("SEALGATE_SHARED")  # noqa: TID251  # a switch of the tests, no setting
    return Path(chosen) if chosen else HERE.parents[1].parent / "shared"


def committed_vectors() -> list[dict]:
    """Return the vectors of this repository."""
    return json.loads((HERE / "data" / "rfc9180_x25519_base.json").read_text())


def full_vectors() -> list[dict]:
    """Return the matching vectors of the complete file, or skip."""
    path = shared_folder() / "vectors" / "rfc9180" / "test-vectors.json"
    if not path.exists():
        pytest.skip("the complete RFC 9180 vectors are not here (set SEALGATE_SHARED)")
    return [
        vector
        for vector in json.loads(path.read_text())
        if (vector["mode"], vector["kem_id"], vector["kdf_id"]) == (0, 0x20, 1)
        and vector["aead_id"] in AEADS
    ]


def check_vector(vector: dict) -> int:
    """Reproduce every value of one vector from both sides; return how many messages it had."""
    raw = {key: bytes.fromhex(text) for key, text in vector.items() if isinstance(text, str)}
    suite = hpke.Suite(vector["kem_id"], AEADS[vector["aead_id"]])
    private_key = suite.kem.load_private_key(raw["skRm"])
    assert private_key.public_key == raw["pkRm"]

    secret, enc = suite.kem.encapsulate(raw["pkRm"], random_bytes=lambda _: raw["skEm"])
    assert (secret, enc) == (raw["shared_secret"], raw["enc"])
    assert private_key.decapsulate(enc) == raw["shared_secret"]

    schedule = hpke.derive_key_schedule(suite, secret, info=raw["info"])
    assert schedule.key == raw["key"]
    assert schedule.base_nonce == raw["base_nonce"]
    assert schedule.exporter_secret == raw["exporter_secret"]

    sender = hpke.setup_sender(
        suite, raw["pkRm"], info=raw["info"], random_bytes=lambda _: raw["skEm"]
    )
    recipient = hpke.setup_recipient(
        suite, private_key, encapsulated_key=raw["enc"], info=raw["info"]
    )
    assert sender.encapsulated_key == raw["enc"]
    for message in vector["encryptions"]:
        plaintext, aad, ciphertext = (bytes.fromhex(message[key]) for key in ("pt", "aad", "ct"))
        assert sender.seal(plaintext, aad=aad) == ciphertext
        assert recipient.open(ciphertext, aad=aad) == plaintext
    for export in vector["exports"]:
        context, value = (
            bytes.fromhex(export[key]) for key in ("exporter_context", "exported_value")
        )
        assert sender.export(context, export["L"]) == value
        assert recipient.export(context, export["L"]) == value
    return len(vector["encryptions"])


@pytest.mark.parametrize("vector", committed_vectors(), ids=lambda vector: vector["aead_id"])
def test_committed_vector(vector):
    """Every value of the committed RFC 9180 vectors is reproduced."""
    assert check_vector(vector) == 6


def test_complete_vectors():
    """Every value of the complete RFC 9180 vectors of our suites is reproduced."""
    assert [check_vector(vector) for vector in full_vectors()] == [257, 257]
