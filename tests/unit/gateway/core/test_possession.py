"""A bound token counts only together with what it is bound to."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from gateway.core.dpop import DpopNonces, ProvenCall, ProvenKey
from gateway.core.errors import InvalidToken, ProofRequired
from gateway.core.identity import UNBOUND, Confirmation
from gateway.core.jws import encode_base64url
from gateway.core.possession import PresentedToken, parse_presented_token, verify_possession
from tests.fakes.dpop import DpopKey

NOW = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
TOKEN = "a.b.c"
URI = "https://gateway.example/v1/models"
CALL = ProvenCall("GET", URI, TOKEN)
KEY, OTHER = DpopKey(1), DpopKey(2)
NONCES = DpopNonces([b"n" * 32])
CERTIFICATE = b"a certificate in DER"
THUMBPRINT = encode_base64url(hashlib.sha256(CERTIFICATE).digest())


def presented(*headers: tuple[str, str], certificate: bytes | None = None) -> PresentedToken:
    """Parse *headers*."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return parse_presented_token(raw, certificate=certificate)


def verify(
    token: PresentedToken, confirmation: Confirmation, *, nonces: DpopNonces | None = None
) -> ProvenKey | None:
    """Verify for the call of this file."""
    return verify_possession(token, confirmation, CALL, nonces=nonces, now=NOW)


def proof(key: DpopKey = KEY, **more: object) -> str:
    """Return a proof for the call of this file."""
    return key.prove("GET", URI, TOKEN, at=NOW, **more)


@pytest.mark.parametrize(
    ("value", "is_dpop"),
    [("Bearer a.b.c", False), ("bearer a.b.c", False), ("DPoP a.b.c", True), ("dpop a.b.c", True)],
)
def test_two_schemes_are_read(value: str, is_dpop: bool):
    """The name of the scheme is read in any case (RFC 9110 §11.1)."""
    token = presented(("Authorization", value), ("x", "y"))
    assert (token.token, token.is_dpop, token.proofs) == ("a.b.c", is_dpop, ())


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("authorization", "Basic YTpi"),),
        (("authorization", "Bearer"),) * 2,
        (("authorization", "Bearer a"), ("AUTHORIZATION", "DPoP a")),
        (("authorization", "Bearer \xff"),),
        (("authorization", ""),),
    ],
)
def test_anything_but_one_token_is_refused(headers: tuple[tuple[str, str], ...]):
    """No token, another scheme, two tokens, rubbish."""
    with pytest.raises(InvalidToken):
        presented(*headers)


def test_an_unbound_token_needs_nothing():
    """A bearer token is taken as it is, with or without a proof beside it."""
    assert verify(presented(("authorization", "Bearer a.b.c")), UNBOUND) is None
    assert verify(presented(("authorization", "Bearer a.b.c"), ("dpop", "x")), UNBOUND) is None


def test_an_unbound_token_is_no_dpop_token():
    """A good proof does not make a bearer token a bound one (RFC 9449 §7.1)."""
    with pytest.raises(InvalidToken):
        verify(presented(("authorization", "DPoP a.b.c"), ("dpop", proof())), UNBOUND)


def test_a_bound_token_needs_its_proof():
    """With a proof by the key of the token the call is proven, and the key named."""
    token = presented(("authorization", "DPoP a.b.c"), ("DPoP", proof()))
    proven = verify(token, Confirmation(jkt=KEY.jkt))
    assert proven is not None
    assert proven.jkt == KEY.jkt


def test_a_bound_token_is_no_bearer_token():
    """Whoever stole a bound token cannot use it as a bearer token, nor with a proof."""
    for headers in ((), (("dpop", proof()),)):
        with pytest.raises(InvalidToken):
            verify(presented(("authorization", "Bearer a.b.c"), *headers), Confirmation(KEY.jkt))


@pytest.mark.parametrize(
    "proofs",
    [
        (),
        ("",),
        ("x.y.z",),
        ("\xff",),
        (proof(OTHER),),
        (proof(htm="POST"),),
        (proof(), proof()),
        (proof() + ", " + proof(),),
    ],
)
def test_another_proof_does_not_help(proofs: tuple[str, ...]):
    """No proof, two, rubbish, one for another call or by another key."""
    token = presented(("authorization", "DPoP a.b.c"), *(("dpop", each) for each in proofs))
    with pytest.raises(ProofRequired) as caught:
        verify(token, Confirmation(jkt=KEY.jkt))
    assert caught.value.nonce is None


def test_a_nonce_is_asked_for_where_it_is_required():
    """A proof that lacks only the nonce is answered with one."""
    token = presented(("authorization", "DPoP a.b.c"), ("dpop", proof()))
    with pytest.raises(ProofRequired) as caught:
        verify(token, Confirmation(jkt=KEY.jkt), nonces=NONCES)
    assert caught.value.nonce == NONCES.issue(NOW)
    again = presented(("authorization", "DPoP a.b.c"), ("dpop", proof(nonce=NONCES.issue(NOW))))
    assert verify(again, Confirmation(jkt=KEY.jkt), nonces=NONCES)


def test_a_certificate_must_be_the_one():
    """A token of a certificate counts only over a connection with that certificate."""
    confirmation = Confirmation(x5t_s256=THUMBPRINT)
    bearer = ("authorization", "Bearer a.b.c")
    assert verify(presented(bearer, certificate=CERTIFICATE), confirmation) is None
    for certificate in (None, b"", b"another certificate"):
        with pytest.raises(InvalidToken):
            verify(presented(bearer, certificate=certificate), confirmation)


def test_both_bindings_need_both():
    """A token that is bound twice is proven twice."""
    confirmation = Confirmation(jkt=KEY.jkt, x5t_s256=THUMBPRINT)
    headers = (("authorization", "DPoP a.b.c"), ("dpop", proof()))
    assert verify(presented(*headers, certificate=CERTIFICATE), confirmation)
    with pytest.raises(InvalidToken):
        verify(presented(*headers), confirmation)
    with pytest.raises(ProofRequired):
        verify(presented(headers[0], certificate=CERTIFICATE), confirmation)


def test_nothing_secret_is_shown():
    """A token and its proof stay out of whatever prints the record."""
    token = presented(("authorization", "DPoP secret-token"), ("dpop", "secret-proof"))
    assert "secret" not in repr(token)
