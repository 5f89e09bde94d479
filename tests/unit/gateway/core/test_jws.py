"""Signatures in flattened JSON: what was signed comes back, nothing else does."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from jwt import PyJWK, PyJWS

from gateway.core.jws import (
    Unreadable,
    encode_base64url,
    key_thumbprint,
    parse_base64url,
    parse_object,
    sign_jws,
    verify_jws,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
TYPE = "test+jws"


@given(st.binary(max_size=200))
def test_payload_comes_back(payload: bytes):
    """Whatever was signed is what is verified."""
    assert verify_jws(sign_jws(payload, KEY, typ=TYPE), PUBLIC, typ=TYPE) == payload


def test_another_type_or_key_is_refused():
    """A signature counts for its own purpose and by its own key only."""
    data = sign_jws(b"x", KEY, typ=TYPE)
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for public, typ in ((PUBLIC, "other"), (other, TYPE), (b"short", TYPE)):
        with pytest.raises(Unreadable):
            verify_jws(data, public, typ=typ)


def test_another_library_agrees():
    """PyJWT verifies what we sign when the parts are put into its compact form."""
    parts = json.loads(sign_jws(b"x", KEY, typ=TYPE))
    compact = ".".join(parts[name] for name in ("protected", "payload", "signature"))
    jwk = PyJWK({"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(PUBLIC)}, "EdDSA")
    assert PyJWS().decode(compact, jwk.key, algorithms=["EdDSA"]) == b"x"


def test_thumbprint_is_that_of_the_standard():
    """RFC 8037, appendix A.3, gives a key and its thumbprint."""
    public = parse_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert key_thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@given(st.binary(max_size=50))
def test_base64url_has_one_spelling(data: bytes):
    """Bytes come back, and the padded or stretched spelling is refused."""
    text = encode_base64url(data)
    assert parse_base64url(text) == data
    for wrong in (text + "=", text + "\n", text + "+"):
        with pytest.raises(Unreadable):
            parse_base64url(wrong)


@pytest.mark.parametrize("data", [b"", b"1", b"[]", b'{"a":1,"a":1}', b'{"a":NaN}', b"\xff"])
def test_only_plain_objects_are_read(data: bytes):
    """What is no JSON object, or one that two parsers read differently, is refused."""
    with pytest.raises(Unreadable):
        parse_object(data)
