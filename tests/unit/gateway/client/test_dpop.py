"""The client's proofs: the gateway takes them, and asks once for a nonce."""

from __future__ import annotations

import json
import secrets

import pytest

from gateway.client.dpop import DpopProver
from gateway.client.exchange import Exchange, inner_request
from gateway.client.outer import GatewayRefused, OuterAnswer, OuterHead
from gateway.client.session import Fetch, Grant, Session
from gateway.core.bhttp import Request
from gateway.core.bhttp_response import ResponseHead
from gateway.core.dpop import DpopNonces, ProvenCall, verify_proof
from gateway.core.errors import ProofRequired
from gateway.core.hpke import KEM_X25519
from gateway.core.ohttp_keys import encode_key_list, load_recipient_key
from gateway.core.secret import Secret
from tests.unit.gateway.client.conftest import START, account

NONCES = DpopNonces([b"n" * 32])
REQUEST = Request(b"GET", b"/v1/models?limit=1", authority=b"gateway.example:8443")
TOKEN = Secret("a.b.c")


def prover() -> DpopProver:
    """Return a prover with a fresh key."""
    return DpopProver(random_bytes=secrets.token_bytes)


def plain(status: int, document: object, **headers: str) -> OuterAnswer:
    """Return an answer of the token endpoint."""
    named = {"content-type": "application/json", **headers}
    return OuterAnswer(OuterHead(status, named), json.dumps(document).encode())


def with_keys(**options: object) -> Session:
    """Return a session that has the gateway's keys and needs a token."""
    session = Session(account(**options), now=lambda: START)
    key = load_recipient_key(1, bytes(32), kem_id=KEM_X25519)
    answer = OuterAnswer(
        OuterHead(200, {"content-type": "application/ohttp-keys"}), encode_key_list([key.config])
    )
    step = session.next_step()
    assert isinstance(step, Fetch)
    step.store(answer)
    return session


def fetch(session: Session) -> Fetch:
    """Return the fetch that is due."""
    step = session.next_step()
    assert isinstance(step, Fetch)
    return step


GOOD = {"access_token": "a.b.c", "token_type": "DPoP", "expires_in": 3600}
WANTS_NONCE = {"error": "use_dpop_nonce"}


def test_the_gateway_takes_the_proof():
    """A proof with a nonce verifies for its request and token; each one is new."""
    key = prover()
    assert key.take_nonce(NONCES.issue(START))
    call = ProvenCall("GET", "https://gateway.example:8443/v1/models", "a.b.c")
    proven = []
    for _ in range(2):
        (authorization, dpop) = key.inner_headers(REQUEST, token=TOKEN, now=START)
        assert authorization == (b"authorization", b"DPoP a.b.c")
        proven.append(verify_proof(dpop[1].decode(), call, nonces=NONCES, now=START))
    assert proven[0].jkt == proven[1].jkt
    assert proven[0].jti_tag != proven[1].jti_tag


def test_two_provers_have_two_keys():
    """A token of one process is worth nothing in another."""
    uri = "https://gateway.example/oauth2/token"
    call = ProvenCall("POST", uri)
    keys = {
        verify_proof(prover().prove_token_request(uri, now=START), call, nonces=None, now=START).jkt
        for _ in range(2)
    }
    assert len(keys) == 2


@pytest.mark.parametrize("nonce", [None, "", "a b", 'a"b', "é", "x" * 65])
def test_what_is_no_nonce_is_left_alone(nonce: str | None):
    """Neither nothing nor rubbish takes the place of the nonce."""
    key = prover()
    assert not key.take_nonce(nonce)
    assert key.take_nonce("n-1")
    assert not key.take_nonce("n-1")


def test_the_token_request_is_repeated_once_with_the_nonce():
    """The first refusal brings the nonce, the second proof has it, a second refusal stands."""
    session = with_keys(dpop=True)
    uri = f"{session.account.origin}/oauth2/token"
    first = fetch(session)
    nonce = NONCES.issue(START)
    with pytest.raises(ProofRequired):
        verify_proof(
            dict(first.request.headers)["dpop"], ProvenCall("POST", uri), nonces=NONCES, now=START
        )
    first.store(plain(400, WANTS_NONCE, **{"dpop-nonce": nonce}))
    second = fetch(session)
    proof = dict(second.request.headers)["dpop"]
    assert verify_proof(proof, ProvenCall("POST", uri), nonces=NONCES, now=START)
    with pytest.raises(GatewayRefused):
        second.store(plain(400, WANTS_NONCE, **{"dpop-nonce": "another"}))
    fetch(session).store(plain(200, GOOD))
    assert isinstance(session.next_step(), Grant)


@pytest.mark.parametrize(("dpop", "kind"), [(True, "Bearer"), (False, "DPoP")])
def test_another_kind_of_token_is_refused(dpop: bool, kind: str):
    """Who asked for a bound token does not settle for one that is not, and the other way round."""
    with pytest.raises(GatewayRefused) as caught:
        fetch(with_keys(dpop=dpop)).store(plain(200, GOOD | {"token_type": kind}))
    assert caught.value.code == "token_unusable"


def test_without_dpop_no_proof_is_sent():
    """A client that did not ask for it sends what it always sent."""
    assert "dpop" not in dict(fetch(with_keys()).request.headers)


def test_a_request_is_repeated_once_with_the_nonce():
    """A 401 with a nonce keeps the token and repeats the request; the next one drops the token."""
    session = with_keys(dpop=True)
    fetch(session).store(plain(200, GOOD))
    grant = session.next_step()
    assert isinstance(grant, Grant)
    request = inner_request(
        "GET", b"/v1/models", authority=b"gateway.example", headers=(), body=b""
    )
    exchange = Exchange(session, request)
    refused = ((b"dpop-nonce", b"n-1"), (b"www-authenticate", b'DPoP error="use_dpop_nonce"'))
    exchange.seal(grant)
    exchange._decoder.head = ResponseHead(401, refused)
    assert exchange.retries_inside()
    assert session.next_step() == grant
    exchange.seal(grant)
    exchange._decoder.head = ResponseHead(401, ((b"dpop-nonce", b"n-2"),))
    assert exchange.retries_inside()
    assert isinstance(session.next_step(), Fetch)
    exchange._decoder.head = ResponseHead(401, ())
    assert not exchange.retries_inside()


def test_two_makers_of_proofs_are_a_mistake():
    """Either the library makes the proofs or the application does."""
    with pytest.raises(ValueError, match="not by both"):
        account(dpop=True, proof=prover())
