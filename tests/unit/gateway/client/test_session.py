"""What the requests of a transport share."""

import warnings
from datetime import timedelta

import pytest

from gateway.client.account import TrustsTlsAlone
from gateway.client.httpx2_transport import sealed_client
from gateway.client.outer import OuterAnswer, OuterHead
from gateway.client.session import Fetch, Grant, Session
from gateway.core.hpke import KEM_X25519
from gateway.core.ohttp_keys import encode_key_list, load_recipient_key
from tests.unit.gateway.client.conftest import PIN, START, account

TOKEN = b'{"access_token":"a.b.c","token_type":"Bearer","expires_in":3600}'


def make(**options) -> Session:
    """Return a session whose clock stands still."""
    return Session(account(**options), now=lambda: START)


def answer(media_type: str, body: bytes) -> OuterAnswer:
    """Return a plain answer."""
    return OuterAnswer(OuterHead(200, {"content-type": media_type}), body)


def test_steps():
    """Keys come first, then the token, then there is a grant."""
    session = make()
    step = session.next_step()
    assert isinstance(step, Fetch)
    assert (step.request.path, step.is_early) == ("/.well-known/ohttp-gateway", False)
    step.begin()
    key = load_recipient_key(1, bytes(32), kem_id=KEM_X25519)
    step.store(answer("application/ohttp-keys", encode_key_list([key.config])))
    step = session.next_step()
    assert isinstance(step, Fetch)
    assert (step.request.path, step.is_early) == ("/oauth2/token", False)
    step.begin()
    step.store(answer("application/json", TOKEN))
    grant = session.next_step()
    assert isinstance(grant, Grant)
    assert grant.config == key.config


def test_early_renewal_lets_others_go_on():
    """While one renews a token that still lives, the others are granted the old one."""
    now = [START]
    session = Session(account(), now=lambda: now[0])
    key = load_recipient_key(1, bytes(32), kem_id=KEM_X25519)
    session.next_step().store(answer("application/ohttp-keys", encode_key_list([key.config])))
    session.next_step().store(answer("application/json", TOKEN))
    now[0] += timedelta(seconds=3300)
    session.next_step().store(answer("application/ohttp-keys", encode_key_list([key.config])))
    step = session.next_step()
    assert isinstance(step, Fetch)
    assert step.is_early
    step.begin()
    assert isinstance(session.next_step(), Grant)


def test_clock_correction():
    """The gateway's time is followed from when it was told."""
    session = make()
    assert session.gateway_time == START
    session.correct_clock(START + timedelta(hours=1))
    assert session.gateway_time == START + timedelta(hours=1)


def test_pin_changes_the_source():
    """With a pin the signed document is fetched instead of the list."""
    assert make(pin=PIN, trust_tls=False).next_step().request.path == "/encryption/keys"


def test_trust_in_tls_alone_is_said():
    """Without a pin there is one clear warning of its own category; both ways out are silent."""
    with pytest.warns(TrustsTlsAlone, match="pin") as caught:
        make(trust_tls=False)
    assert len(caught) == 1
    with pytest.warns(TrustsTlsAlone):
        sealed_client("https://gateway.example", client_id="a", client_secret="b").close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(trust_tls=True)
        make(trust_tls=False, pin=PIN)
