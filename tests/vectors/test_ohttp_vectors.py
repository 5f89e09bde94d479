"""Appendix A of RFC 9458 and of the chunked draft, and the AES-256 derivation of EHBP."""

import pytest

from gateway.core import hpke, ohttp
from gateway.core.bhttp import Request, parse_request
from gateway.core.bhttp_response import parse_response
from gateway.core.ohttp_keys import encode_key_config, load_recipient_key, parse_key_config
from gateway.core.varint import find_varint
from tests.vectors.published import check_ehbp
from tests.vectors.tally import committed

RFC = committed("rfc9458_appendix_a.json")
DRAFT = committed("chunked_ohttp_08_appendix_a.json")


def raw(vector: dict, name: str) -> bytes:
    """Return one value of a vector as bytes."""
    return bytes.fromhex(vector[name])


def profile_of(vector: dict) -> ohttp.Profile:
    """Return the profile of the appendix: its labels, and AES-128-GCM."""
    labels = (vector["hpke_info_label"].encode(), vector["response_label"].encode())
    return ohttp.Profile(*labels, hpke.AES_128_GCM, is_chunked=vector is DRAFT)


def key_of(vector: dict):
    """Return the gateway's key of the appendix."""
    return load_recipient_key(vector["key_id"], raw(vector, "gateway_secret_key"), kem_id=0x20)


@pytest.mark.parametrize("vector", [RFC, DRAFT], ids=["rfc9458", "chunked-08"])
def test_key_configuration(vector):
    """The published key configuration parses to the published key and encodes to the same bytes."""
    config = parse_key_config(raw(vector, "key_config"))
    assert (config.key_id, config.kem_id) == (vector["key_id"], vector["kem_id"])
    assert config.algorithms == ((1, 1), (1, 3))
    assert config.public_key == key_of(vector).config.public_key
    assert encode_key_config(config) == raw(vector, "key_config")


@pytest.mark.parametrize("vector", [RFC, DRAFT], ids=["rfc9458", "chunked-08"])
def test_derivation_of_the_answer(vector):
    """Header, info, enc, exported secret, salt, prk, key and nonce are as published."""
    profile = profile_of(vector)
    header = ohttp.encode_header(vector["key_id"], vector["kem_id"], aead=profile.aead)
    info = ohttp.request_info(header, profile=profile)
    assert raw(vector, "encapsulated_request").startswith(header)
    assert info == raw(vector, "hpke_info")
    context = hpke.setup_sender(
        hpke.Suite(vector["kem_id"], profile.aead),
        parse_key_config(raw(vector, "key_config")).public_key,
        info=info,
        random_bytes=lambda _: raw(vector, "client_ephemeral_secret_key"),
    )
    enc = raw(vector, "client_ephemeral_public_key_enc")
    assert context.encapsulated_key == enc
    secret = context.export(profile.response_label, profile.response_nonce_bytes)
    assert secret == raw(vector, "exported_secret")
    nonce = raw(vector, "response_nonce")
    assert enc + nonce == raw(vector, "response_salt")
    assert hpke.hkdf_extract(enc + nonce, secret) == raw(vector, "prk")
    keys = ohttp.derive_response_keys(secret, encapsulated_key=enc, nonce=nonce, aead=profile.aead)
    assert keys.key == raw(vector, "aead_key")
    assert keys.base_nonce == raw(vector, "aead_nonce")


def test_whole_exchange():
    """The request and the answer of RFC 9458 are sealed and opened byte for byte."""
    profile = profile_of(RFC)
    sealer = ohttp.RequestSealer(
        parse_key_config(raw(RFC, "key_config")),
        random_bytes=lambda _: raw(RFC, "client_ephemeral_secret_key"),
        profile=profile,
    )
    sealed = sealer.finish(raw(RFC, "bhttp_request"))
    assert sealed == raw(RFC, "encapsulated_request")

    keys = {RFC["key_id"]: key_of(RFC)}
    opener = ohttp.RequestOpener(keys.get, max_body_bytes=1000, profile=profile)
    assert opener.finish(sealed) == raw(RFC, "bhttp_request")
    assert opener.encapsulated_key == raw(RFC, "client_ephemeral_public_key_enc")

    answer = opener.response_sealer(raw(RFC, "response_nonce")).finish(raw(RFC, "bhttp_response"))
    assert answer == raw(RFC, "encapsulated_response")
    assert sealer.response_opener().finish(answer) == raw(RFC, "bhttp_response")


def test_chunked_exchange():
    """The request and the answer of the draft's appendix are sealed and opened byte for byte."""
    profile = profile_of(DRAFT)
    sealer = ohttp.RequestSealer(
        parse_key_config(raw(DRAFT, "key_config")),
        random_bytes=lambda _: raw(DRAFT, "client_ephemeral_secret_key"),
        profile=profile,
    )
    pieces = [bytes.fromhex(text) for text in DRAFT["request_plaintext_chunks"]]
    sealed = b"".join(map(sealer.feed, pieces)) + sealer.finish()
    assert sealed == raw(DRAFT, "encapsulated_request")

    keys = {DRAFT["key_id"]: key_of(DRAFT)}
    opener = ohttp.RequestOpener(keys.get, max_body_bytes=1000, profile=profile)
    assert opener.finish(sealed) == raw(DRAFT, "bhttp_request")
    assert opener.encapsulated_key == raw(DRAFT, "client_ephemeral_public_key_enc")

    answer_sealer = opener.response_sealer(raw(DRAFT, "response_nonce"))
    pieces = [bytes.fromhex(text) for text in DRAFT["response_plaintext_chunks"]]
    answer = b"".join(map(answer_sealer.feed, pieces)) + answer_sealer.finish()
    assert answer == raw(DRAFT, "encapsulated_response")
    assert sealer.response_opener().finish(answer) == raw(DRAFT, "bhttp_response")


def test_chunk_nonces():
    """Each chunk of the draft's answer is sealed under the nonce that the appendix prints."""
    aead = hpke.AESGCM(raw(DRAFT, "aead_key"))
    rest = raw(DRAFT, "encapsulated_response")[16:]
    for nonce, plaintext in zip(
        DRAFT["chunk_nonces"], DRAFT["response_plaintext_chunks"], strict=True
    ):
        length, start = find_varint(rest)
        end = start + length if length else len(rest)
        chunk, rest = rest[start:end], rest[end:]
        aad = b"" if length else b"final"
        assert aead.decrypt(bytes.fromhex(nonce), chunk, aad).hex() == plaintext


@pytest.mark.parametrize("vector", [RFC, DRAFT], ids=["rfc9458", "chunked-08"])
def test_binary_http_inside(vector):
    """The Binary HTTP of both appendices, which stops early, is read."""
    request = parse_request(raw(vector, "bhttp_request"))
    assert request == Request(b"GET", b"/", authority=b"example.com")
    response = parse_response(raw(vector, "bhttp_response"))
    assert (response.status, response.headers, response.body) == (200, (), b"")


@pytest.mark.parametrize("name", ["ehbp_derive.json", "ehbp_response_decryption.json"])
def test_aes_256_answer(name):
    """With AES-256 and a 32-byte nonce the answer keys are EHBP's, and open what it sealed."""
    check_ehbp(committed(name))
