"""The compact form: one spelling, a header of known members, claims of known types."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from jwt import PyJWS

from gateway.core.compact_jws import (
    Claims,
    CompactForm,
    parse_compact_jws,
    verify_compact_jws,
)
from gateway.core.jwk import SigningAlgorithm, name_key
from gateway.core.jws import Unreadable, sign_compact_jws

ED = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
EC = ec.derive_private_key(7, ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = {
    SigningAlgorithm.EDDSA: ED,
    SigningAlgorithm.ES256: EC,
    SigningAlgorithm.RS256: RSA,
    SigningAlgorithm.PS256: RSA,
}
FORM = CompactForm(frozenset({"x+jwt"}), optional=frozenset({"x5t"}))
HEADER = {"typ": "x+jwt", "kid": "k"}
KEY = name_key(ED.public_key(), SigningAlgorithm.EDDSA)


def encode(data: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(header: Any, payload: bytes = b'{"a":"b"}') -> str:
    """Sign any header, given as an object or as raw JSON."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    signed = f"{encode(raw)}.{encode(payload)}"
    return f"{signed}.{encode(ED.sign(signed.encode()))}"


def test_name_after_the_curve_is_taken_where_others_write():
    """EdDSA may be called Ed25519 (RFC 9864) in the forms that say so, and by such a key alone."""
    message = forge({**HEADER, "alg": "Ed25519"})
    with pytest.raises(Unreadable):
        parse_compact_jws(message, FORM)
    unverified = parse_compact_jws(message, replace(FORM, ed25519_named=True))
    assert verify_compact_jws(unverified, KEY).text("a") == "b"
    other = name_key(Ed25519PrivateKey.generate().public_key(), SigningAlgorithm.EDDSA)
    for key in (other, name_key(EC.public_key(), SigningAlgorithm.ES256)):
        with pytest.raises(Unreadable):
            verify_compact_jws(unverified, key)


@pytest.mark.parametrize("algorithm", SigningAlgorithm)
def test_each_algorithm_verifies(algorithm: SigningAlgorithm):
    """A message of each algorithm verifies with its key and with no other algorithm of that key."""
    message = PyJWS().encode(b'{"a":"b"}', PRIVATE[algorithm], algorithm.value, headers=HEADER)
    key = name_key(PRIVATE[algorithm].public_key(), algorithm)
    unverified = parse_compact_jws(message, FORM)
    assert unverified.unverified_kid == "k"
    assert verify_compact_jws(unverified, key).text("a") == "b"
    for other in set(SigningAlgorithm) - {algorithm}:
        with pytest.raises(Unreadable):
            verify_compact_jws(unverified, name_key(PRIVATE[other].public_key(), other))
        with pytest.raises(Unreadable):
            verify_compact_jws(unverified, name_key(PRIVATE[algorithm].public_key(), other))


def test_what_clients_sign_verifies():
    """The short signer that clients have makes the form that is read here."""
    message = sign_compact_jws(b'{"a":"b"}', ED, header=HEADER)
    assert verify_compact_jws(parse_compact_jws(message, FORM), KEY).text("a") == "b"


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "alg": "none"},
        {**HEADER, "alg": "HS256"},
        {**HEADER, "alg": "Ed25519"},
        {**HEADER, "alg": ""},
        {**HEADER, "alg": ["EdDSA"]},
        {**HEADER, "alg": "EdDSA", "typ": "X+JWT"},
        {**HEADER, "alg": "EdDSA", "typ": None},
        {**HEADER, "alg": "EdDSA", "crit": ["exp"]},
        {**HEADER, "alg": "EdDSA", "crit": []},
        {**HEADER, "alg": "EdDSA", "jwk": {}},
        {**HEADER, "alg": "EdDSA", "jku": "https://127.0.0.1/"},
        {**HEADER, "alg": "EdDSA", "x5u": "https://127.0.0.1/"},
        {**HEADER, "alg": "EdDSA", "b64": False},
        {**HEADER, "alg": "EdDSA", "zip": "DEF"},
        {"typ": "x+jwt", "alg": "EdDSA"},
        {"kid": "k", "alg": "EdDSA"},
        HEADER,
        [],
        b'{"alg":"EdDSA","alg":"EdDSA","typ":"x+jwt","kid":"k"}',
        b"[" * 2000,
        b"\xff",
        b"NaN",
    ],
)
def test_headers_out_of_form_are_refused(header: Any):
    """Only listed members, each once, and no algorithm that does not exist here."""
    with pytest.raises(Unreadable):
        parse_compact_jws(forge(header), FORM)


@pytest.mark.parametrize("kid", [None, 1, "", ["k"], "k\n", "\ud800"])
def test_a_name_must_be_a_text(kid: Any):
    """A key is named by a plain text or not at all."""
    unverified = parse_compact_jws(forge({**HEADER, "alg": "EdDSA", "kid": kid}), FORM)
    with pytest.raises(Unreadable):
        _ = unverified.unverified_kid


def test_optional_members_may_be_there():
    """What a form lists as optional is read over; typ may be such a member."""
    parse_compact_jws(forge({**HEADER, "alg": "EdDSA", "x5t": "?"}), FORM)
    untyped = CompactForm(frozenset({"x+jwt"}), frozenset({"alg"}), optional=frozenset({"typ"}))
    parse_compact_jws(forge({"alg": "EdDSA"}), untyped)
    with pytest.raises(Unreadable):
        parse_compact_jws(forge({"alg": "EdDSA", "typ": "y"}), untyped)


@pytest.mark.parametrize("member", ["crit", "b64", "zip", "jku", "x5u"])
def test_no_form_may_allow_what_would_be_followed(member: str):
    """A use that lists a dangerous member is a mistake that shows at once."""
    with pytest.raises(ValueError, match="never allowed"):
        CompactForm(frozenset({"x"}), optional=frozenset({member}))
    with pytest.raises(ValueError, match="no alg"):
        CompactForm(frozenset({"x"}), required=frozenset({"typ"}))


@pytest.mark.parametrize(
    "change", ["", ".", "..", "a.b.c", "{t}.", "{t}=", " {t}", "{t}\n", "{t}.{t}", "é", "{t}x" * 9]
)
def test_there_is_one_spelling(change: str):
    """Anything around or instead of three canonical parts is refused."""
    message = sign_compact_jws(b"{}", ED, header=HEADER)
    with pytest.raises(Unreadable):
        parse_compact_jws(change.replace("{t}", message), FORM)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_no_part_may_be_empty(index: int):
    """A message without header, payload or signature is none."""
    parts = sign_compact_jws(b"{}", ED, header=HEADER).split(".")
    parts[index] = ""
    with pytest.raises(Unreadable):
        parse_compact_jws(".".join(parts), FORM)


def test_size_is_limited():
    """A message above the limit of its form is refused before it is parsed."""
    message = sign_compact_jws(b'{"a":"' + b"b" * 200 + b'"}', ED, header=HEADER)
    short = CompactForm(FORM.types, max_chars=len(message) - 1)
    with pytest.raises(Unreadable):
        parse_compact_jws(message, short)
    parse_compact_jws(message, CompactForm(FORM.types, max_chars=len(message)))


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_one_changed_character_fails(position: int, character: str):
    """Any single change of a valid message is refused."""
    message = sign_compact_jws(b'{"a":"b"}', ED, header=HEADER)
    index = position % len(message)
    changed = message[:index] + character + message[index + 1 :]
    if changed == message:
        return
    with pytest.raises(Unreadable):
        verify_compact_jws(parse_compact_jws(changed, FORM), KEY)


@pytest.mark.parametrize("payload", [b"[]", b"1", b'{"a":1,"a":1}', b'{"a":NaN}', b"\xff\xfe"])
def test_claims_must_be_one_object(payload: bytes):
    """What was signed must be an object that every parser reads alike."""
    unverified = parse_compact_jws(forge({**HEADER, "alg": "EdDSA"}, payload), FORM)
    with pytest.raises(Unreadable):
        verify_compact_jws(unverified, KEY)


@pytest.mark.parametrize(
    "value", [None, 1, True, [], {}, "", "x" * 513, "a\x00b", "a\nb", "\ud83d"]
)
def test_texts_are_plain(value: Any):
    """A text is neither empty nor long, and nothing in it could break a line."""
    for read in (Claims({"a": value}).text, Claims({"a": value}).find_text):
        with pytest.raises(Unreadable):
            read("a")


@pytest.mark.parametrize("value", [None, True, 1.5, "1", -1, 10**20, 10**400, []])
def test_moments_are_whole_seconds(value: Any):
    """A moment is a whole number of seconds that a calendar has."""
    for read in (Claims({"a": value}).moment, Claims({"a": value}).find_moment):
        with pytest.raises(Unreadable):
            read("a")


def test_optional_claims_are_found_or_none():
    """A claim that may be left out is None then."""
    claims = Claims({"t": "x", "m": 0, "o": {"a": "b"}})
    assert claims.find_text("t") == "x"
    assert claims.find_moment("m") == datetime(1970, 1, 1, tzinfo=UTC)
    inner = claims.find_object("o")
    assert inner is not None
    assert inner.text("a") == "b"
    for find in (claims.find_text, claims.find_moment, claims.find_object):
        assert find("z") is None
    with pytest.raises(Unreadable):
        claims.find_object("t")


def test_audience_is_one_or_several():
    """RFC 7519 §4.1.3 allows one text or a list."""
    assert Claims({"aud": "a"}).audiences() == {"a"}
    assert Claims({"aud": ["a", "b"]}).audiences() == {"a", "b"}
    for wrong in ([], ["a", 1], None, {}, ["a"] * 17, [["a"]]):
        with pytest.raises(Unreadable):
            Claims({"aud": wrong}).audiences()
