"""DPoP: a proof counts for its own request, token, minute and nonce."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from jwt import PyJWS

from gateway.core.dpop import (
    DpopNonces,
    ProvenCall,
    ProvenKey,
    access_token_hash,
    verify_proof,
)
from gateway.core.errors import ProofRequired
from gateway.core.jwk import SigningAlgorithm, jwk_thumbprint, name_key, parse_jwk, to_jwk
from gateway.core.jws import Unreadable, encode_base64url, sign_compact_jws

NOW = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = name_key(KEY.public_key(), SigningAlgorithm.EDDSA)
JWK = {name: value for name, value in to_jwk(PUBLIC).items() if name in {"kty", "crv", "x"}}
NONCES = DpopNonces([b"n" * 32, b"o" * 32])
TOKEN = "header.payload.signature"
CALL = ProvenCall("POST", "https://gateway.example/v1/chat/completions", TOKEN)
HEADER = {"typ": "dpop+jwt", "jwk": JWK}
PAYLOAD = {
    "jti": "j-1",
    "htm": "POST",
    "htu": "https://gateway.example/v1/chat/completions",
    "iat": SECONDS,
    "ath": access_token_hash(TOKEN),
    "nonce": NONCES.issue(NOW),
}


def prove(payload: Any = None, header: Any = None, key: Ed25519PrivateKey = KEY) -> str:
    """Sign a proof of any members."""
    body = json.dumps(PAYLOAD if payload is None else payload).encode()
    return sign_compact_jws(body, key, header=HEADER if header is None else header)


def verify(proof: str, call: ProvenCall = CALL, now: datetime = NOW) -> ProvenKey:
    """Verify against the world of this file."""
    return verify_proof(proof, call, nonces=NONCES, now=now)


def refused(proof: str, call: ProvenCall = CALL, now: datetime = NOW) -> ProofRequired:
    """Return the refusal of *proof*."""
    with pytest.raises(ProofRequired) as caught:
        verify(proof, call, now)
    return caught.value


def test_a_good_proof_names_its_key():
    """The key is named by its thumbprint, and its identifier is to be claimed for the window."""
    proven = verify(prove())
    assert proven.jkt == jwk_thumbprint(PUBLIC)
    assert proven.expires_at == NOW + timedelta(seconds=90)
    assert len(proven.jti_tag) == 16
    assert verify(prove({**PAYLOAD, "jti": "j-2"})).jti_tag != proven.jti_tag


def test_algorithm_may_be_named_after_the_curve():
    """Libraries that follow RFC 9864 say Ed25519 where others say EdDSA."""
    assert verify(prove(header={**HEADER, "alg": "Ed25519"})) == verify(prove())


def test_the_proof_of_the_standard_is_read():
    """RFC 9449, figure 13, is a proof with an access token hash; it is good in its minute."""
    proof = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklD"
        "UkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2"
        "R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM"
        "6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8"
        "ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1ple"
        "mAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
    )
    call = ProvenCall(
        "GET",
        "https://resource.example.org/protectedresource",
        "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
    )
    then = datetime.fromtimestamp(1562262618, UTC)
    proven = verify_proof(proof, call, nonces=None, now=then)
    assert proven.jkt == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


@pytest.mark.parametrize("algorithm", [SigningAlgorithm.ES256, *"RP"])
def test_other_keys_may_prove_too(algorithm: str):
    """ES256, RS256 and PS256 are taken; an RSA key needs no alg, as the proof is its only use."""
    if algorithm == SigningAlgorithm.ES256:
        private: Any = ec.derive_private_key(7, ec.SECP256R1())
        name = SigningAlgorithm.ES256
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = SigningAlgorithm(f"{algorithm}S256")
    jwk = to_jwk(name_key(private.public_key(), name))
    members = {key: jwk[key] for key in jwk.keys() - {"alg", "use", "kid"}}
    body = json.dumps(PAYLOAD).encode()
    proof = PyJWS().encode(body, private, name.value, {"typ": "dpop+jwt", "jwk": members})
    assert verify(proof).jkt == jwk_thumbprint(parse_jwk(members, rsa_algorithm=name))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT", "jwk": JWK},
        {"typ": "at+jwt", "jwk": JWK},
        {"jwk": JWK},
        {"typ": "dpop+jwt"},
        {"typ": "dpop+jwt", "jwk": None},
        {"typ": "dpop+jwt", "jwk": [JWK]},
        {"typ": "dpop+jwt", "jwk": {**JWK, "d": encode_base64url(KEY.private_bytes_raw())}},
        {"typ": "dpop+jwt", "jwk": {**JWK, "use": "enc"}},
        {"typ": "dpop+jwt", "jwk": {"kty": "oct", "k": "AAAA"}},
        {"typ": "dpop+jwt", "jwk": {**JWK, "alg": "ES256"}},
        {**HEADER, "kid": "x"},
        {**HEADER, "crit": ["jwk"]},
        {**HEADER, "jku": "https://127.0.0.1/"},
        {**HEADER, "alg": "none"},
        {**HEADER, "alg": "HS256"},
        {**HEADER, "alg": "ES256"},
    ],
)
def test_headers_out_of_form_are_refused(header: Any):
    """Another type, a private or unusable key, another algorithm or a foreign member."""
    assert refused(prove(header=header)).nonce is None


@pytest.mark.parametrize(
    "changes",
    [
        {"jti": ""},
        {"jti": "j" * 129},
        {"jti": 1},
        {"htm": "GET"},
        {"htm": "post"},
        {"htm": None},
        {"htu": "https://gateway.example/v1/models"},
        {"htu": "https://gateway.example/v1/chat/completions/"},
        {"htu": "https://gateway.example/v1/x/../chat/completions"},
        {"htu": "https://gateway.example/v1/chat%2fcompletions"},
        {"htu": "https://other.example/v1/chat/completions"},
        {"htu": "https://gateway.example:444/v1/chat/completions"},
        {"htu": "https://gateway.example:x/v1/chat/completions"},
        {"htu": "https://a@gateway.example/v1/chat/completions"},
        {"htu": "http://gateway.example/v1/chat/completions"},
        {"htu": "ftp://gateway.example/v1/chat/completions"},
        {"htu": "https:///v1/chat/completions"},
        {"htu": "https:\\\\gateway.example/v1/chat/completions"},
        {"htu": "https://gateway.example/v1/chat/ completions"},
        {"htu": "https://[gateway/v1/chat/completions"},
        {"htu": "/v1/chat/completions"},
        {"iat": SECONDS - 61},
        {"iat": SECONDS + 31},
        {"iat": float(SECONDS)},
        {"iat": 253402300799},
        {"iat": None},
        {"ath": access_token_hash("another")},
        {"ath": ""},
        {"ath": "é"},
        {"ath": None},
        {"nonce": 1},
        {"nonce": "x" * 65},
    ],
)
def test_claims_must_fit_the_call(changes: dict[str, Any]):
    """A proof for another method, URI, token or time is refused without a word of why."""
    refusal = refused(prove({**PAYLOAD, **changes}))
    assert refusal.nonce is None
    assert refusal.detail == ProofRequired.default_detail


@pytest.mark.parametrize("name", ["jti", "htm", "htu", "iat", "ath"])
def test_no_claim_may_be_missing(name: str):
    """Each claim of RFC 9449 §4.2 is needed."""
    refused(prove({key: value for key, value in PAYLOAD.items() if key != name}))


@pytest.mark.parametrize(
    "htu",
    [
        "HTTPS://Gateway.Example/v1/chat/completions",
        "https://gateway.example:443/v1/chat/completions",
        "https://gateway.example/v1/chat/completions?a=b",
        "https://gateway.example/v1/chat/completions#c",
    ],
)
def test_spellings_of_one_uri_are_equal(htu: str):
    """Case of scheme and host, the default port, query and fragment do not count."""
    verify(prove({**PAYLOAD, "htu": htu}))


def test_an_empty_path_is_the_root():
    """RFC 3986 §6.2.3 has both spellings mean the same."""
    call = ProvenCall("POST", "https://gateway.example/", TOKEN)
    verify(prove({**PAYLOAD, "htu": "https://gateway.example"}), call)


@pytest.mark.parametrize("offset_seconds", [-30, 0, 60])
def test_edges_of_the_window_are_inside(offset_seconds: int):
    """A proof is good from 30 s before to 60 s after it says that it was made."""
    verify(prove(), now=NOW + timedelta(seconds=offset_seconds))


def test_without_a_token_no_hash_is_needed():
    """At the token endpoint there is no access token yet."""
    payload = {key: value for key, value in PAYLOAD.items() if key != "ath"}
    verify(prove(payload), CALL._replace(access_token=None))


def test_a_proof_by_another_key_is_refused():
    """The signature must be by the key in the header."""
    refused(prove(key=Ed25519PrivateKey.generate()))


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_one_changed_character_fails(position: int, character: str):
    """Any single change of a valid proof is refused."""
    proof = prove()
    index = position % len(proof)
    changed = proof[:index] + character + proof[index + 1 :]
    if changed != proof:
        refused(changed)


@pytest.mark.parametrize("nonce", [None, "x", "=", "A" * 32, DpopNonces([b"z"]).issue(NOW)])
def test_a_missing_or_foreign_nonce_is_answered_with_one(nonce: str | None):
    """Who proves all but the nonce gets one to go on with."""
    payload = {key: value for key, value in PAYLOAD.items() if key != "nonce"}
    refusal = refused(prove(payload if nonce is None else {**payload, "nonce": nonce}))
    assert refusal.nonce == NONCES.issue(NOW)
    again = {**PAYLOAD, "nonce": refusal.nonce}
    assert verify(prove(again)).jkt == jwk_thumbprint(PUBLIC)


def test_without_nonces_none_is_asked_for():
    """Where no nonce is required a proof without one is good."""
    payload = {key: value for key, value in PAYLOAD.items() if key != "nonce"}
    verify_proof(prove(payload), CALL, nonces=None, now=NOW)


@pytest.mark.parametrize(
    ("age_seconds", "good"), [(-61, False), (-60, True), (0, True), (299, True), (300, False)]
)
def test_nonces_are_good_for_five_minutes(age_seconds: int, good: bool):
    """A nonce of this minute is good for the next four and to a clock that is one behind."""
    now = NOW + timedelta(seconds=age_seconds)
    if good:
        NONCES.verify(NONCES.issue(NOW), now)
    else:
        with pytest.raises(Unreadable):
            NONCES.verify(NONCES.issue(NOW), now)


def test_nonces_outlive_their_key_becoming_old():
    """After a rotation the nonces of the key before are still known, of a lost one not."""
    nonce = DpopNonces([b"o" * 32]).issue(NOW)
    NONCES.verify(nonce, NOW)
    with pytest.raises(Unreadable):
        DpopNonces([b"n" * 32]).verify(nonce, NOW)


def test_nonces_need_a_key():
    """Without a secret anybody could make nonces, so there are none."""
    with pytest.raises(ValueError, match="needs a key"):
        DpopNonces([])


@given(st.binary(max_size=48))
def test_no_bytes_are_a_nonce(raw: bytes):
    """Whatever is sent is refused in the one documented way."""
    nonce = urlsafe_b64encode(raw).rstrip(b"=").decode()
    with pytest.raises(Unreadable):
        NONCES.verify(nonce, NOW)


def test_two_keys_cannot_take_the_same_tag():
    """What is remembered of a proof holds its key, so nobody can use up somebody else's."""
    other = Ed25519PrivateKey.generate()
    jwk = to_jwk(name_key(other.public_key(), SigningAlgorithm.EDDSA))
    members = {name: jwk[name] for name in ("kty", "crv", "x")}
    theirs = verify(prove(header={"typ": "dpop+jwt", "jwk": members}, key=other))
    assert theirs.jti_tag != verify(prove()).jti_tag
