"""Credentials: one way of authenticating per call, read strictly."""

from __future__ import annotations

from base64 import b64encode

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.oauth.credentials import parse_basic, parse_client_proof
from gateway.control.client_authentication import AssertionProof, CertificateProof, SecretProof
from gateway.core.client_assertion import ASSERTION_TYPE
from gateway.core.errors import InvalidClient, MalformedRequest
from gateway.core.secret import Secret
from tests.fakes.control import LOOPBACK

BASIC = SecretProof("c-1", Secret("s"))
ASSERTION = {"client_assertion": "a.b.c", "client_assertion_type": ASSERTION_TYPE}


def request(*authorizations: bytes, certificate: bytes | None = None) -> Request:
    """Return a request with these Authorization headers."""
    headers = [(b"authorization", value) for value in authorizations]
    tls = {"client_cert_der": certificate}
    return Request(
        {
            "type": "http",
            "client": (str(LOOPBACK), 1),
            "headers": headers,
            "extensions": {"tls": tls},
        }
    )


def basic(text: bytes) -> bytes:
    """Return the value of an Authorization header."""
    return b"Basic " + b64encode(text)


@pytest.mark.parametrize(
    ("text", "client_id", "secret"),
    [(b"c-1:s", "c-1", "s"), (b"c%3A1:a%2Bb+c", "c:1", "a+b c"), (b"c:s:t", "c", "s:t")],
)
def test_basic_is_form_encoded(text: bytes, client_id: str, secret: str) -> None:
    """Both halves are form-encoded before they are joined (RFC 6749 §2.3.1)."""
    proof = parse_basic(request(basic(text)))
    assert proof is not None
    assert (proof.client_id, proof.secret.reveal()) == (client_id, secret)


def test_no_header_is_nothing() -> None:
    """Without the header the form has to say who calls."""
    assert parse_basic(request()) is None


@pytest.mark.parametrize(
    "values",
    [
        [basic(b"c:s"), basic(b"c:s")],
        [b""],
        [b"Bearer x"],
        [b"Basic"],
        [b"Basic ???"],
        [b"Basic YTpi YTpi"],
        [b"Basic " + b"A" * 1024],
        [basic(b"no colon")],
        [basic(b":s")],
        [basic(b"c:")],
        [basic(b"c%ff:s")],
        [basic("c:ü".encode())],
        [b"Basic \xff"],
    ],
)
def test_bad_headers_are_refused(values: list[bytes]) -> None:
    """Two headers, another scheme, and what does not decode: all are bad credentials."""
    with pytest.raises(InvalidClient):
        parse_basic(request(*values))


@given(st.binary(max_size=100))
def test_any_header_is_read_or_refused(value: bytes) -> None:
    """No header makes the parser fail in another way."""
    for sent in (value, basic(value)):
        try:
            proof = parse_basic(request(sent))
        except InvalidClient:
            continue
        assert proof is not None
        assert proof.client_id


def test_methods() -> None:
    """A header, an assertion with or without its client, or a certificate and a name."""
    proof = parse_client_proof(request(certificate=b"der"), BASIC, {})
    assert (proof.evidence, proof.address, proof.certificate) == (BASIC, LOOPBACK, b"der")
    for beside in ({}, {"client_id": "c-1"}):
        evidence = parse_client_proof(request(), None, {**ASSERTION, **beside}).evidence
        assert isinstance(evidence, AssertionProof)
        assert evidence.assertion.reveal() == "a.b.c"
        assert evidence.client_id == beside.get("client_id")
    shown = parse_client_proof(request(certificate=b"der"), None, {"client_id": "c-1"})
    assert shown.evidence == CertificateProof("c-1")


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (BASIC, ASSERTION),
        (BASIC, {"client_assertion": "a.b.c"}),
        (BASIC, {"client_assertion_type": ASSERTION_TYPE}),
        (BASIC, {"client_id": "c-1"}),
        (BASIC, {"client_secret": "s"}),
        (None, {"client_id": "c-1", "client_secret": "s"}),
        (None, {**ASSERTION, "client_secret": "s"}),
    ],
)
def test_two_methods_are_refused(header: SecretProof | None, fields: dict[str, str]) -> None:
    """Exactly one way of authenticating per request, and a secret never in the body."""
    with pytest.raises(MalformedRequest):
        parse_client_proof(request(certificate=b"der"), header, fields)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"client_id": "c-1"},
        {"client_assertion": "a.b.c"},
        {"client_assertion_type": ASSERTION_TYPE},
        {**ASSERTION, "client_assertion_type": "urn:ietf:params:oauth:other"},
    ],
)
def test_no_method_is_refused(fields: dict[str, str]) -> None:
    """Nobody, half an assertion, or a name without a certificate."""
    with pytest.raises(InvalidClient):
        parse_client_proof(request(), None, fields)
