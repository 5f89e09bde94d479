"""The AES-256 vectors that this project publishes, and the code against them."""

import json

import pytest
from cryptography.hazmat.primitives import hpke as oracle
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gateway.core import hpke, ohttp
from gateway.core.bhttp import parse_request
from gateway.core.bhttp_response import parse_response
from gateway.core.ohttp_keys import load_recipient_key, parse_key_config
from gateway.core.xwing import XWingKey
from tests.vectors.make_vectors import TARGET, fixed_bytes, render
from tests.vectors.tally import raw

VECTORS = json.loads(TARGET.read_text("utf-8"))
each = pytest.mark.parametrize(
    "vector", VECTORS, ids=lambda v: f"{v['kem_id']:04x}-{v['request_media_type']}"
)


def pieces(vector: dict, name: str) -> list[bytes]:
    """Return the plaintexts of one direction."""
    return [bytes.fromhex(step["plaintext"]) for step in vector[name]]


def oracle_private_key(vector: dict):
    """Return the private key in the form of the other implementation."""
    seed = raw(vector)["private_key"]
    if vector["kem_id"] == hpke.KEM_X25519:
        return X25519PrivateKey.from_private_bytes(seed)
    expanded = XWingKey(seed)
    return oracle.MLKEM768X25519PrivateKey(expanded._mlkem, expanded._x25519)


def test_published_file_can_be_made_again():
    """The script makes the published file, byte for byte."""
    assert render() == TARGET.read_text("utf-8")
    assert len(VECTORS) == 4


@each
def test_gateway(vector):
    """The gateway's half opens the request and seals the answer byte for byte."""
    value, profile = raw(vector), ohttp.PROFILES[vector["request_media_type"]]
    key = load_recipient_key(vector["key_id"], value["private_key"], kem_id=vector["kem_id"])
    assert key.config == parse_key_config(value["key_config"])
    opener = ohttp.RequestOpener({key.key_id: key}.get, max_body_bytes=999, profile=profile)
    asked = pieces(vector, "request_chunks")
    assert opener.finish(value["encapsulated_request"]) == b"".join(asked)
    assert opener.encapsulated_key == value["enc"]
    sealer = opener.response_sealer(value["response_nonce"])
    *first, last = pieces(vector, "response_chunks")
    answer = b"".join(map(sealer.feed, first)) + sealer.finish(last)
    assert answer == value["encapsulated_response"]
    assert parse_request(b"".join(asked)).method == b"POST"
    assert parse_response(b"".join([*first, last])).status == 200


@pytest.mark.parametrize("vector", VECTORS[:2], ids=["chunked", "whole"])
def test_client(vector):
    """The client's half seals the request byte for byte and opens the answer.

    With X25519 only: the product cannot be told the randomness of ML-KEM.
    """
    value, profile = raw(vector), ohttp.PROFILES[vector["request_media_type"]]
    sealer = ohttp.RequestSealer(
        parse_key_config(value["key_config"]),
        random_bytes=lambda _: value["ephemeral_x25519_private_key"],
        profile=profile,
    )
    *first, last = pieces(vector, "request_chunks")
    assert b"".join(map(sealer.feed, first)) + sealer.finish(last) == value["encapsulated_request"]
    opened = sealer.response_opener().finish(value["encapsulated_response"])
    assert opened == b"".join(pieces(vector, "response_chunks"))


@each
def test_other_implementation_opens_the_first_message(vector):
    """The HPKE of the cryptography package derives the same keys from the same bytes."""
    kem = {0x20: oracle.KEM.X25519, 0x647A: oracle.KEM.MLKEM768_X25519}[vector["kem_id"]]
    suite = oracle.Suite(kem, oracle.KDF.HKDF_SHA256, oracle.AEAD.AES_256_GCM)
    value, first = raw(vector), raw(vector["request_chunks"][0])
    sealed = value["enc"] + first["ciphertext"]
    opened = suite.decrypt(sealed, oracle_private_key(vector), value["info"])
    assert opened == first["plaintext"]


@each
def test_nothing_random(vector):
    """Keys, nonces and messages come from fixed texts, so that the file has no hidden choice."""
    value = raw(vector)
    assert value["ephemeral_x25519_private_key"] == fixed_bytes("ephemeral key", 32)
    assert value["response_nonce"] == fixed_bytes("response nonce", 32)
