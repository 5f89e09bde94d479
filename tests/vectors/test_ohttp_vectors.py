"""Appendix A of RFC 9458 and of the chunked draft, and the AES-256 derivation of EHBP."""

import pytest

from gateway.core.bhttp import Request, parse_request
from gateway.core.bhttp_response import parse_response
from gateway.core.ohttp_keys import encode_key_config, load_recipient_key, parse_key_config
from tests.vectors.published import check_appendix, check_ehbp
from tests.vectors.tally import committed

RFC = committed("rfc9458_appendix_a.json")
DRAFT = committed("chunked_ohttp_08_appendix_a.json")


def raw(vector: dict, name: str) -> bytes:
    """Return one value of a vector as bytes."""
    return bytes.fromhex(vector[name])


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
def test_whole_exchange(vector):
    """Every published value of the exchange is derived, and both halves seal and open the bytes."""
    check_appendix(vector)


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
