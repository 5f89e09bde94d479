"""Client assertions: one signature, one audience, five minutes, once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from jwt import PyJWS
from jwt.algorithms import OKPAlgorithm

from gateway.core.client_assertion import (
    MAX_KEYS,
    MAX_LIFE,
    ProvenAssertion,
    parse_client_assertion,
    verify_client_assertion,
)
from gateway.core.jwk import SigningAlgorithm, VerificationKey, name_key
from gateway.core.jws import Unreadable, encode_base64url
from tests.fakes.control import ISSUER
from tests.fakes.oauth import TOKEN_URL, KeyPair, sign

NOW = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
PAIR = KeyPair()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
AUDIENCES = frozenset({ISSUER, TOKEN_URL})
CURVE_NAMED = PyJWS()
CURVE_NAMED.register_algorithm("Ed25519", OKPAlgorithm())
CLAIMS = {
    "iss": "c-1",
    "sub": "c-1",
    "aud": ISSUER,
    "iat": SECONDS,
    "exp": SECONDS + 60,
    "jti": "j",
}


def key_of(pair: KeyPair) -> VerificationKey:
    """Return the public half as it is registered."""
    return name_key(pair.private.public_key(), SigningAlgorithm.EDDSA)


def verify(assertion: str, *keys: VerificationKey, now: datetime = NOW) -> ProvenAssertion:
    """Verify against *keys*, by default the one of the client."""
    unverified = parse_client_assertion(assertion)
    return verify_client_assertion(unverified, keys or [key_of(PAIR)], audiences=AUDIENCES, now=now)


@pytest.mark.parametrize("audience", [ISSUER, TOKEN_URL])
def test_good_assertion(audience: str) -> None:
    """The issuer and the address of the token endpoint are both names of this server."""
    proven = verify(PAIR.assertion("c-1", NOW, aud=audience))
    assert proven.key == key_of(PAIR)
    assert proven.expires_at > NOW + timedelta(seconds=60)
    assert len(proven.jti_tag) == 16


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        (EC, SigningAlgorithm.ES256),
        (RSA, SigningAlgorithm.RS256),
        (RSA, SigningAlgorithm.PS256),
    ],
)
def test_other_algorithms(private: Any, algorithm: SigningAlgorithm) -> None:
    """A key verifies by the algorithm it was registered for and by no other."""
    key = name_key(private.public_key(), algorithm)
    assertion = sign(private, CLAIMS, {"alg": algorithm.value})
    assert verify(assertion, key).key is key
    for other in {SigningAlgorithm.RS256, SigningAlgorithm.PS256} - {algorithm}:
        with pytest.raises(Unreadable):
            verify(assertion, name_key(RSA.public_key(), other))


def test_ed25519_may_be_named_after_its_curve() -> None:
    """Libraries that follow RFC 9864 write no other name."""
    assertion = CURVE_NAMED.encode(json.dumps(CLAIMS).encode(), PAIR.private, "Ed25519")
    assert verify(assertion).key == key_of(PAIR)


@pytest.mark.parametrize("header", [{}, {"typ": "JWT"}, {"typ": "client-authentication+jwt"}])
def test_types(header: dict[str, str]) -> None:
    """The type may be left out, be JWT or the one made for it."""
    assert verify(sign(PAIR.private, CLAIMS, header))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "at+jwt"},
        {"typ": "dpop+jwt"},
        {"crit": ["exp"]},
        {"jwk": PAIR.jwk},
        {"jku": "https://attacker.example/jwks"},
        {"x5u": "https://attacker.example/x"},
        {"kid": 7},
        {"kid": "other"},
        {"kid": "../../etc/passwd"},
    ],
)
def test_bad_headers(header: dict[str, Any]) -> None:
    """Other types, members to be followed and keys that the client does not have are refused."""
    with pytest.raises(Unreadable):
        verify(sign(PAIR.private, CLAIMS, header))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "c-2"},
        {"sub": "c-2"},
        {"sub": "c" * 129, "iss": "c" * 129},
        {"sub": None},
        {"aud": "https://other.example"},
        {"aud": [ISSUER]},
        {"aud": [ISSUER, TOKEN_URL]},
        {"aud": None},
        {"aud": f"{ISSUER}/"},
        {"exp": None},
        {"exp": SECONDS - 30},
        {"exp": SECONDS + 331},
        {"exp": SECONDS, "iat": SECONDS},
        {"exp": float(SECONDS + 60)},
        {"exp": True},
        {"iat": None},
        {"iat": SECONDS + 31},
        {"iat": SECONDS - 331},
        {"nbf": SECONDS + 31},
        {"nbf": "soon"},
        {"jti": None},
        {"jti": ""},
        {"jti": "j" * 129},
        {"jti": 7},
    ],
)
def test_bad_claims(changes: dict[str, Any]) -> None:
    """Each claim is there, of its type, and within its bounds."""
    with pytest.raises(Unreadable):
        verify(PAIR.assertion("c-1", NOW, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": SECONDS + 300},
        {"exp": SECONDS - 29, "iat": SECONDS - 300},
        {"iat": SECONDS + 30},
        {"nbf": SECONDS + 30},
        {"nbf": SECONDS - 1000},
        {"jti": "j" * 128},
    ],
)
def test_bounds_are_inside(changes: dict[str, Any]) -> None:
    """What lies on the right side of each bound is accepted."""
    assert verify(PAIR.assertion("c-1", NOW, **changes))


def test_other_key_is_refused() -> None:
    """Only keys of the client verify, with and without a name; of nobody, none does."""
    stranger = KeyPair()
    with pytest.raises(Unreadable):
        verify(stranger.assertion("c-1", NOW))
    named = sign(stranger.private, CLAIMS, {"kid": key_of(PAIR).kid})
    with pytest.raises(Unreadable):
        verify(named)
    unverified = parse_client_assertion(PAIR.assertion("c-1", NOW))
    with pytest.raises(Unreadable):
        verify_client_assertion(unverified, [], audiences=AUDIENCES, now=NOW)


def test_decoys_are_never_accepted() -> None:
    """The keys that are tried in the place of missing ones prove nobody."""
    decoy = KeyPair(Ed25519PrivateKey.from_private_bytes(b"\1" * 32))
    with pytest.raises(Unreadable):
        verify(decoy.assertion("c-1", NOW))


def test_several_keys_of_a_client() -> None:
    """An assertion without a name is tried against each key; a name picks one."""
    pairs = [KeyPair() for _ in range(MAX_KEYS)]
    keys = [key_of(pair) for pair in pairs]
    for pair, key in zip(pairs, keys, strict=True):
        assert verify(pair.assertion("c-1", NOW), *keys).key is key
        assert verify(sign(pair.private, CLAIMS, {"kid": key.kid}), *keys).key is key
    with pytest.raises(Unreadable):
        verify(sign(pairs[0].private, CLAIMS, {"kid": keys[1].kid}), *keys)


def test_tag_is_of_client_and_jti() -> None:
    """Equal identifiers have equal tags; another client has its own, until after the end."""
    one = verify(PAIR.assertion("c-1", NOW, jti="j"))
    assert verify(PAIR.assertion("c-1", NOW, jti="j")).jti_tag == one.jti_tag
    assert verify(PAIR.assertion("c-2", NOW, jti="j")).jti_tag != one.jti_tag
    assert verify(PAIR.assertion("c-1", NOW, jti="k")).jti_tag != one.jti_tag
    late = PAIR.assertion("c-1", NOW, exp=SECONDS + int(MAX_LIFE.total_seconds()))
    assert verify(late).expires_at >= NOW + MAX_LIFE + timedelta(seconds=30)


def test_none_and_hmac_do_not_exist() -> None:
    """No unsigned assertion, and none keyed with the public half."""
    body = encode_base64url(json.dumps(CLAIMS).encode())
    for algorithm in ("none", "HS256"):
        header = encode_base64url(json.dumps({"alg": algorithm}).encode())
        for signature in ("", "AAAA"):
            with pytest.raises(Unreadable):
                parse_client_assertion(f"{header}.{body}.{signature}")


def test_duplicate_members_are_refused() -> None:
    """Two parsers would pick different ones."""
    header = encode_base64url(b'{"alg":"EdDSA"}')
    body = encode_base64url(b'{"iss":"c-1","sub":"c-1","sub":"c-1"}')
    with pytest.raises(Unreadable):
        parse_client_assertion(f"{header}.{body}.AAAA")


@given(st.text(max_size=200))
def test_anything_else_is_unreadable(text: str) -> None:
    """No text makes the parser fail in another way."""
    with pytest.raises(Unreadable):
        parse_client_assertion(text)
