"""The JavaScript client against key documents: genuine, forged, expired and rolled back ones."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.key_document import KeyDocument, encode_pin, sign_key_document
from tests.interop.test_node_client import KEMS, X25519, XWING, client_of

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def genuine(world) -> str:
    with world.gateway.http() as http:
        return http.get("/encryption/keys").raise_for_status().text


@pytest.fixture
def judge(node):
    """Return what the JavaScript client says about a document."""

    def ask(text, *, pin, now, last_seq=0):
        milliseconds = int(now.timestamp() * 1000)
        return node("document", text=text, pin=pin, now=milliseconds, lastSeq=last_seq)

    return ask


def kind(answer):
    return answer["error"]["kind"]


@KEMS
def test_pinned_client_talks(world, node, pin, kem):
    """With the operator's pin the keys come from the signed document and the exchange works."""
    world.says("fine")
    client = client_of(world, kem, trustTls=False, pin=pin)
    answer = node("chat", ca_file=world.gateway.ca_file, client=client, stream=False)
    assert answer["status"] == 200


def test_wrong_pin_sends_nothing(world, node):
    """With another pin not even a token is asked for, let alone a prompt sealed."""
    calls = world.upstream_calls()
    other = encode_pin(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    client = client_of(world, XWING, trustTls=False, pin=other)
    answer = node("chat", ca_file=world.gateway.ca_file, client=client, stream=False)
    assert (answer["error"]["name"], kind(answer)) == ("DocumentRefused", "forged")
    assert world.upstream_calls() == calls


def test_genuine_document(world, judge, pin):
    """The gateway's document names a key for each mechanism, X-Wing preferred."""
    answer = judge(genuine(world), pin=pin, now=datetime.now(UTC))
    assert answer["kems"] == [XWING, X25519]


def test_expired_and_rolled_back(world, judge, pin):
    """A genuine document is refused after its hour, before it, and below a number seen before."""
    text, now = genuine(world), datetime.now(UTC)
    seq = judge(text, pin=pin, now=now)["seq"]
    assert kind(judge(text, pin=pin, now=now + timedelta(seconds=3601))) == "expired"
    assert kind(judge(text, pin=pin, now=now - timedelta(seconds=3601))) == "expired"
    assert kind(judge(text, pin=pin, now=now, last_seq=seq + 1)) == "rolled-back"
    assert judge(text, pin=pin, now=now, last_seq=seq)["seq"] == seq


def _payload_changed(document: dict) -> dict:
    payload = document["payload"]
    members = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    changed = json.dumps({**members, "seq": members["seq"] + 1}).encode()
    return {**document, "payload": urlsafe_b64encode(changed).decode().rstrip("=")}


def _header(**members: str):
    def change(document: dict) -> dict:
        protected = document["protected"]
        old = json.loads(urlsafe_b64decode(protected + "=" * (-len(protected) % 4)))
        new = json.dumps({**old, **members}).encode()
        return {**document, "protected": urlsafe_b64encode(new).decode().rstrip("=")}

    return change


@pytest.mark.parametrize(
    "change",
    [
        _payload_changed,
        _header(alg="none"),
        _header(crit="x"),
        lambda document: {**document, "signature": ""},
        lambda document: {**document, "signature": document["signature"][::-1]},
        lambda document: {**document, "header": {}},
        lambda document: {},
        lambda document: [],
    ],
    ids=["payload", "none", "crit", "unsigned", "signature", "member", "empty", "list"],
)
def test_forged(world, judge, pin, change):
    """A document that is changed anywhere is refused, whatever it says."""
    text = json.dumps(change(json.loads(genuine(world))))
    assert kind(judge(text, pin=pin, now=datetime.now(UTC))) == "forged"


def test_document_that_would_never_expire(judge):
    """Even the pinned key cannot make a document that is good for more than an hour."""
    key = Ed25519PrivateKey.generate()
    document = KeyDocument("https://gw.example", 1, NOW, NOW + timedelta(days=1), keys=())
    text = sign_key_document(document, key).decode()
    pin = encode_pin(key.public_key().public_bytes_raw())
    assert kind(judge(text, pin=pin, now=NOW)) == "malformed"
