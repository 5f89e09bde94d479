"""Tokens of other issuers: verified strictly, and good only for what the tables say."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt import PyJWS

from gateway.core.errors import InvalidToken
from gateway.core.external_tokens import (
    ExternalIssuer,
    IssuerKeys,
    UnknownSigner,
    verify_external_token,
)
from gateway.core.identity import Confirmation, Role
from gateway.core.jwk import SigningAlgorithm, VerificationKey
from gateway.core.jws import encode_base64url
from gateway.core.tokens import SignedToken

NOW = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.derive_private_key(7, ec.SECP256R1())
ISSUER = ExternalIssuer(
    issuer="https://idp.example/realm",
    audience="https://gateway.example",
    algorithms=frozenset({SigningAlgorithm.RS256}),
    client_claim="azp",
    role_claim="roles",
    clients={"their-app": "c-1"},
    roles={"llm-user": Role.APPLICATION, "llm-admin": Role.OPERATOR},
    types=frozenset({"at+jwt", "JWT"}),
)
KEYS = {
    "e-1": VerificationKey("e-1", SigningAlgorithm.RS256, RSA.public_key()),
    "e-2": VerificationKey("e-2", SigningAlgorithm.ES256, EC.public_key()),
}
KNOWN = IssuerKeys(ISSUER, KEYS)
HEADER = {"alg": "RS256", "typ": "at+jwt", "kid": "e-1"}
PAYLOAD = {
    "iss": ISSUER.issuer,
    "aud": ISSUER.audience,
    "sub": "service-account",
    "azp": "their-app",
    "roles": ["llm-user", "something-else"],
    "jti": "t-1",
    "iat": SECONDS,
    "nbf": SECONDS,
    "exp": SECONDS + 600,
}


def forge(payload: Any = None, header: Any = None, key: Any = RSA) -> str:
    """Sign any claims under any header."""
    header = HEADER if header is None else header
    body = json.dumps(PAYLOAD if payload is None else payload).encode()
    return PyJWS().encode(body, key, header["alg"], headers=header)


def verify(token: str, *issuers: IssuerKeys) -> SignedToken:
    """Verify against *issuers*, by default the one of this file."""
    return verify_external_token(token, issuers or (KNOWN,))


def test_a_good_token_is_translated():
    """The claims name a client and a role of ours, and the key has the issuer in its name."""
    signed = verify(forge())
    assert signed.claims.client_id == "c-1"
    assert signed.role is Role.APPLICATION
    assert signed.kid == "https://idp.example/realm#e-1"
    assert signed.claims.jti == "t-1"
    assert (signed.claims.issued_at, signed.claims.expires_at) == (NOW, NOW + timedelta(minutes=10))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://idp.example/realm/"},
        {"iss": "https://idp.example"},
        {"iss": [ISSUER.issuer]},
        {"aud": "https://gateway.example/"},
        {"aud": ["x", "y"]},
        {"aud": []},
        {"aud": None},
        {"sub": ""},
        {"sub": 7},
        {"azp": "another-app"},
        {"azp": ["their-app"]},
        {"azp": "c-1"},
        {"roles": []},
        {"roles": "nothing"},
        {"roles": None},
        {"roles": ["llm-user", "llm-admin"]},
        {"roles": ["llm-user", 1]},
        {"roles": ["llm-user"] * 65},
        {"roles": {"llm-user": True}},
        {"iat": None},
        {"iat": float(SECONDS)},
        {"exp": str(SECONDS + 600)},
        {"exp": SECONDS},
        {"exp": SECONDS - 1},
        {"nbf": SECONDS + 31},
        {"nbf": "x"},
        {"jti": ""},
        {"jti": "j" * 129},
        {"cnf": {"jwk": {}}},
    ],
)
def test_claims_must_fit_the_configuration(changes: dict[str, Any]):
    """Anything that is not exactly what the operator configured is refused."""
    with pytest.raises(InvalidToken):
        verify(forge({**PAYLOAD, **changes}))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "azp", "roles", "iat", "exp"])
def test_no_claim_may_be_missing(name: str):
    """A token that leaves one of these out says too little."""
    with pytest.raises(InvalidToken):
        verify(forge({key: value for key, value in PAYLOAD.items() if key != name}))


def test_audience_and_role_may_stand_in_lists_or_alone():
    """Providers write both forms."""
    assert verify(forge({**PAYLOAD, "aud": ["x", ISSUER.audience], "roles": "llm-admin"})).role is (
        Role.OPERATOR
    )


def test_a_long_life_is_cut_to_an_hour():
    """Whatever the provider says, its token counts for an hour after its issue at most."""
    signed = verify(forge({**PAYLOAD, "exp": SECONDS + 86_400}))
    assert signed.claims.expires_at == NOW + timedelta(hours=1)


def test_a_token_without_a_name_gets_one():
    """Such a token can still be revoked alone: by a name that is made of all of it."""
    bare = {key: value for key, value in PAYLOAD.items() if key not in {"jti", "nbf"}}
    one, other = verify(forge(bare)), verify(forge({**bare, "sub": "another"}))
    assert len(one.claims.jti) == 43
    assert one.claims.jti != other.claims.jti
    assert verify(forge(bare)).claims.jti == one.claims.jti


def test_a_binding_is_kept():
    """A token that its issuer has bound to a key is bound here too."""
    thumbprint = encode_base64url(bytes(32))
    signed = verify(forge({**PAYLOAD, "cnf": {"jkt": thumbprint}}))
    assert signed.claims.confirmation == Confirmation(jkt=thumbprint)


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "typ": "id+jwt"},
        {**HEADER, "typ": "dpop+jwt"},
        {**HEADER, "jku": "https://127.0.0.1/"},
        {**HEADER, "jwk": {}},
        {**HEADER, "crit": ["x"], "x": 1},
        {**HEADER, "kid": ""},
        {"alg": "RS256", "typ": "at+jwt"},
    ],
)
def test_headers_out_of_form_are_refused(header: Any):
    """A token of another type, or one that wants something followed, is refused."""
    with pytest.raises(InvalidToken):
        verify(forge(header=header))


def test_types_are_as_configured():
    """A provider that writes JWT is taken only where that was configured."""
    token = forge(header={**HEADER, "typ": "JWT", "x5t": "abc"})
    assert verify(token)
    strict = IssuerKeys(replace(ISSUER, types=frozenset({"at+jwt"})), KEYS)
    with pytest.raises(InvalidToken):
        verify(token, strict)


def test_algorithms_are_as_configured():
    """A key of an algorithm that was not configured is as good as unknown."""
    with pytest.raises(UnknownSigner):
        verify(forge(header={**HEADER, "alg": "ES256", "kid": "e-2"}, key=EC))
    with pytest.raises(InvalidToken):
        verify(forge(header={**HEADER, "alg": "PS256"}))
    with pytest.raises(InvalidToken):
        verify(forge(header={**HEADER, "alg": "ES256"}, key=EC))


def test_an_unknown_key_is_told_apart():
    """Only a well-formed token under an unknown name hints at a new key."""
    with pytest.raises(UnknownSigner):
        verify(forge(header={**HEADER, "kid": "e-3"}))
    for token in ("", "a.b.c", forge()[:-10], forge(header={**HEADER, "kid": "e-3"}) + "."):
        with pytest.raises(InvalidToken):
            verify(token)


def test_two_issuers_may_use_one_kid():
    """Each token verifies with the key of its own issuer; no issuer can speak for another."""
    other_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    other = IssuerKeys(
        replace(ISSUER, issuer="https://other.example"),
        {"e-1": VerificationKey("e-1", SigningAlgorithm.RS256, other_key.public_key())},
    )
    for issuers in ((KNOWN, other), (other, KNOWN)):
        assert verify(forge(), *issuers).claims.issuer == ISSUER.issuer
        theirs = forge({**PAYLOAD, "iss": "https://other.example"}, key=other_key)
        assert verify(theirs, *issuers).claims.issuer == "https://other.example"
        with pytest.raises(InvalidToken):
            verify(forge(key=other_key), *issuers)
        with pytest.raises(InvalidToken):
            verify(forge({**PAYLOAD, "iss": "https://other.example"}), *issuers)


@pytest.mark.parametrize(
    ("algorithms", "expected"),
    [
        ({SigningAlgorithm.RS256}, SigningAlgorithm.RS256),
        ({SigningAlgorithm.PS256, SigningAlgorithm.ES256}, SigningAlgorithm.PS256),
        ({SigningAlgorithm.PS256, SigningAlgorithm.RS256}, None),
        ({SigningAlgorithm.ES256}, None),
    ],
)
def test_the_algorithm_of_a_silent_rsa_key(
    algorithms: set[SigningAlgorithm], expected: SigningAlgorithm | None
):
    """A key that does not say its algorithm has one if only one was configured."""
    assert replace(ISSUER, algorithms=frozenset(algorithms)).rsa_algorithm is expected
