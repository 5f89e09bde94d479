"""Keys as JSON: sound keys of ours are read, contradictory and weak ones refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway.core.jwk import (
    MAX_SET_BYTES,
    MAX_SET_KEYS,
    NotOurs,
    SigningAlgorithm,
    find_algorithm,
    jwk_thumbprint,
    name_key,
    parse_jwk,
    parse_jwk_set,
    to_jwk,
)
from gateway.core.jws import Unreadable, encode_base64url

ED = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
EC = ec.derive_private_key(7, ec.SECP256R1()).public_key()
# RFC 7638 §3.1 publishes this key and its thumbprint.
RFC7638 = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWK"
        "RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMic"
        "AtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3"
        "XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    ),
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
ED_JWK = to_jwk(name_key(ED, SigningAlgorithm.EDDSA))
EC_JWK = to_jwk(name_key(EC, SigningAlgorithm.ES256))
ALL = [ED_JWK, EC_JWK, RFC7638]


def without(members: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return *members* less those of *names*."""
    return {name: value for name, value in members.items() if name not in names}


def number(value: int) -> str:
    """Return *value* as base64urlUInt."""
    return encode_base64url(value.to_bytes((value.bit_length() + 7) // 8))


def key_set(*keys: Any) -> bytes:
    """Return a JWK set."""
    return json.dumps({"keys": keys}).encode()


@pytest.mark.parametrize("members", ALL, ids=lambda members: members["kty"])
def test_keys_come_back(members: dict[str, str]):
    """A key that is written after it was read is the same key."""
    key = parse_jwk(members)
    assert parse_jwk(to_jwk(key)) == key
    assert to_jwk(key) == {**members, "use": "sig"}


def test_another_library_reads_the_same_keys():
    """PyJWT reads what is written here as the same public keys."""
    pairs = [(OKPAlgorithm, ED_JWK), (ECAlgorithm, EC_JWK), (RSAAlgorithm, RFC7638)]
    for library, members in pairs:
        assert library.from_jwk(members) == parse_jwk(members).public


def test_thumbprint_is_that_of_the_standard():
    """RFC 7638 §3.1 and RFC 8037, appendix A.3, give a key and its thumbprint."""
    assert jwk_thumbprint(parse_jwk(RFC7638)) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    okp = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    key = parse_jwk(okp)
    assert key.kid == jwk_thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_name_after_the_curve_is_the_same_algorithm():
    """A key that says Ed25519 (RFC 9864) is one that says EdDSA; with another curve it is none."""
    assert parse_jwk({**ED_JWK, "alg": "Ed25519"}) == parse_jwk(ED_JWK)
    with pytest.raises(Unreadable):
        parse_jwk({**EC_JWK, "alg": "Ed25519"})
    assert find_algorithm("Ed25519") is SigningAlgorithm.EDDSA
    assert find_algorithm("Ed448") is None


def test_algorithm_follows_from_the_key():
    """A curve says its algorithm; an RSA key fits two and must name one, or its user does."""
    assert parse_jwk(without(ED_JWK, "alg")).algorithm is SigningAlgorithm.EDDSA
    assert parse_jwk(without(EC_JWK, "alg")).algorithm is SigningAlgorithm.ES256
    assert parse_jwk({**RFC7638, "alg": "PS256"}).algorithm is SigningAlgorithm.PS256
    bare = without(RFC7638, "alg")
    with pytest.raises(NotOurs):
        parse_jwk(bare)
    known = parse_jwk(bare, rsa_algorithm=SigningAlgorithm.PS256)
    assert known.algorithm is SigningAlgorithm.PS256
    named = parse_jwk(RFC7638, rsa_algorithm=SigningAlgorithm.PS256)
    assert named.algorithm is SigningAlgorithm.RS256


@pytest.mark.parametrize(
    "members",
    [
        {"kty": "oct"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
        {**ED_JWK, "crv": "Ed448", "alg": "Ed448"},
        without({**ED_JWK, "crv": "X25519"}, "alg"),
        {**EC_JWK, "crv": "P-384", "alg": "ES384"},
        {**EC_JWK, "alg": "ECDH-ES"},
        {**RFC7638, "alg": "RS512"},
        {**RFC7638, "alg": "RSA-OAEP-256", "use": "enc"},
        {**RFC7638, "use": "enc"},
        {**without(RFC7638), "key_ops": ["encrypt"]},
        {**RFC7638, "use": "enc", "key_ops": ["wrapKey"]},
    ],
)
def test_keys_for_something_else_are_told_apart(members: dict[str, Any]):
    """A sound key of another type, curve, algorithm or use is not ours, and a set may hold it."""
    with pytest.raises(NotOurs):
        parse_jwk(members)
    assert set(parse_jwk_set(key_set(members, ED_JWK))) == {ED_JWK["kid"]}


SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
MALFORMED = [
    {},
    {"kty": 1},
    {"kty": "oct", "k": "AAAA"},
    without(ED_JWK, "x"),
    without(ED_JWK, "crv"),
    {**ED_JWK, "x": ED_JWK["x"] + "="},
    {**ED_JWK, "x": "AAAA"},
    {**ED_JWK, "x": encode_base64url(bytes(32))},
    {**ED_JWK, "x": 5},
    {**ED_JWK, "d": "AAAA"},
    {**ED_JWK, "alg": "ES256"},
    {**ED_JWK, "alg": "RS256"},
    {**ED_JWK, "alg": ["EdDSA"]},
    {**ED_JWK, "crv": "P-256"},
    {**ED_JWK, "crv": "X25519"},
    {**ED_JWK, "kid": ""},
    {**ED_JWK, "kid": "a b"},
    {**ED_JWK, "kid": "\u00e9"},
    {**ED_JWK, "kid": "k" * 257},
    {**ED_JWK, "kid": 7},
    {**ED_JWK, "use": 1},
    {**ED_JWK, "use": "enc", "key_ops": ["verify"]},
    {**ED_JWK, "use": "sig", "key_ops": ["encrypt"]},
    {**ED_JWK, "key_ops": ["verify", "encrypt"]},
    {**ED_JWK, "key_ops": ["verify", "verify"]},
    {**ED_JWK, "key_ops": "verify"},
    {**ED_JWK, "key_ops": [1]},
    {**ED_JWK, **{f"x-{count}": "" for count in range(32)}},
    {**EC_JWK, "crv": "P-384"},
    {**EC_JWK, "kty": "RSA"},
    {**EC_JWK, "y": EC_JWK["x"]},
    {**EC_JWK, "x": "AAAA" + EC_JWK["x"]},
    {**EC_JWK, "x": encode_base64url(bytes(32)), "y": encode_base64url(bytes(32))},
    without(EC_JWK, "y"),
    {**RFC7638, "alg": "ES256"},
    {**RFC7638, "e": "AQ"},
    {**RFC7638, "e": "AAEAAQ"},
    {**RFC7638, "e": number(65536)},
    {**RFC7638, "e": number(65538)},
    {**RFC7638, "e": number(2**33 + 1)},
    {**RFC7638, "n": number(SMALL.public_numbers().n)},
    {**RFC7638, "n": number(1 << 2047)},
    {**RFC7638, "n": number((1 << 8192) + 1)},
    {**RFC7638, "n": "A" * 100_000},
    {**RFC7638, "p": "AQAB"},
]


@pytest.mark.parametrize("members", MALFORMED)
def test_contradictions_and_weak_keys_are_refused(members: dict[str, Any]):
    """Such a key is refused, and so is a whole set that holds it."""
    with pytest.raises(Unreadable) as caught:
        parse_jwk(members)
    assert not isinstance(caught.value, NotOurs)
    with pytest.raises(Unreadable):
        parse_jwk_set(key_set(ED_JWK, members))


def test_operations_that_agree_are_fine():
    """A key that says twice that it verifies is read."""
    for operations in (["verify"], ["sign", "verify"]):
        assert parse_jwk({**ED_JWK, "key_ops": operations}).kid == ED_JWK["kid"]


def test_set_holds_keys_by_name():
    """All keys of ours are found by their names; an empty set is empty."""
    assert set(parse_jwk_set(key_set(*ALL))) == {members["kid"] for members in ALL}
    assert parse_jwk_set(key_set()) == {}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":[[]]}',
        b'{"keys":[],"keys":[]}',
        key_set(ED_JWK, ED_JWK),
        key_set(ED_JWK, {**EC_JWK, "kid": ED_JWK["kid"]}),
        key_set(*({**ED_JWK, "kid": f"k{count}"} for count in range(MAX_SET_KEYS + 1))),
        key_set(ED_JWK) + b" " * MAX_SET_BYTES,
        key_set(ED_JWK).replace(b'"kty"', b'"kty":"OKP","kty"'),
        b'{"keys":' + b"[" * 50_000,
    ],
)
def test_sets_out_of_form_are_refused(data: bytes):
    """No list, too long, too many, or a name twice: nothing of such a set is used."""
    with pytest.raises(Unreadable):
        parse_jwk_set(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_one_way(data: bytes):
    """Rubbish raises the documented error and no other."""
    with pytest.raises(Unreadable):
        parse_jwk_set(data)


MEMBERS = st.dictionaries(
    st.sampled_from(["kty", "crv", "alg", "use", "key_ops", "x", "y", "n", "e", "kid"]),
    st.one_of(
        st.sampled_from(["OKP", "EC", "RSA", "Ed25519", "P-256", "EdDSA", "ES256", "sig", "AQAB"]),
        st.text("aA=", max_size=5),
        st.integers(),
        st.lists(st.just("verify"), max_size=2),
        st.none(),
    ),
)


@given(st.sampled_from(ALL), MEMBERS)
def test_any_members_are_read_or_refused(members: dict[str, str], changes: dict[str, Any]):
    """A key with any members changed is either sound or refused by the documented error."""
    try:
        key = parse_jwk({**members, **changes})
    except Unreadable:
        return
    assert parse_jwk(to_jwk(key)) == key
