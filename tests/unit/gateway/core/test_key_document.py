"""The key document: what a client that pins the gateway's key accepts, and all that it must not."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import hpke
from gateway.core.jws import key_thumbprint
from gateway.core.key_document import (
    DOCUMENT_TYPE,
    DocumentExpired,
    DocumentForged,
    DocumentKey,
    DocumentKeyStatus,
    DocumentMalformed,
    DocumentRefused,
    DocumentRolledBack,
    KeyDocument,
    encode_pin,
    parse_pin,
    pin_fingerprint,
    sign_key_document,
    verify_key_document,
)
from gateway.core.ohttp_keys import KeyConfig, encode_key_config

NOW = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PIN = KEY.public_key().public_bytes_raw()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))


def b64(data: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def entry(key_id: int = 1, preference: int = 1) -> DocumentKey:
    """Return an active key."""
    config = encode_key_config(KeyConfig(key_id, hpke.KEM_X25519, bytes([key_id]) * 32))
    return DocumentKey(
        kid=b64(hashlib.sha256(config).digest()),
        key_id=key_id,
        kem_id=hpke.KEM_X25519,
        status=DocumentKeyStatus.ACTIVE,
        preference=preference,
        not_before=NOW,
        expires_at=NOW + timedelta(hours=24),
        config=config,
    )


RETIRING = DocumentKey("kid-r", 2, 0x647A, DocumentKeyStatus.RETIRING, expires_at=NOW)
REVOKED = DocumentKey("kid-v", 3, 0x0020, DocumentKeyStatus.REVOKED, revoked_at=NOW)
DOCUMENT = KeyDocument(
    issuer="https://gw.example",
    seq=42,
    issued_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    keys=(entry(), RETIRING, REVOKED),
)
SIGNED = sign_key_document(DOCUMENT, KEY)


def sign_members(
    payload: Any, *, header: dict[str, Any] | None = None, key: Ed25519PrivateKey = KEY
) -> bytes:
    """Return a correctly signed document over any *payload*, bytes or JSON value."""
    head = {"alg": "EdDSA", "kid": key_thumbprint(PIN), "typ": DOCUMENT_TYPE}
    protected = b64(json.dumps(head if header is None else header).encode())
    body = b64(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    signature = b64(key.sign(f"{protected}.{body}".encode()))
    return json.dumps({"protected": protected, "payload": body, "signature": signature}).encode()


def members() -> dict[str, Any]:
    """Return the members of the good document."""
    payload = json.loads(SIGNED)["payload"]
    return dict(json.loads(_decode(payload)))


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(data: bytes, *, last_seq: int = 0, now: datetime = NOW) -> KeyDocument:
    """Verify against the good pin."""
    return verify_key_document(data, pin=PIN, now=now, last_seq=last_seq)


def test_document_comes_back_equal():
    """What was signed is what is verified, each kind of key included."""
    assert verify(SIGNED) == DOCUMENT
    assert verify(SIGNED, last_seq=42) == DOCUMENT


def test_wire_names_are_those_of_the_design():
    """The members have the short names that clients of other makers read."""
    found = members()
    assert {name: found[name] for name in found if name != "keys"} == {
        "iss": "https://gw.example",
        "seq": 42,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 3600,
        "gateway": "/.well-known/ohttp-gateway",
        "require_date": True,
        "max_skew_s": 120,
        "max_chunk": 16384,
    }
    active, retiring, revoked = found["keys"]
    assert set(active) == {
        *("kid", "key_id", "kem", "status", "preference", "nbf", "exp", "ohttp_config"),
    }
    assert retiring["kem"] == "0x647a"
    assert set(revoked) == {"kid", "key_id", "kem", "status", "revoked_at"}


def test_times_are_cut_to_seconds():
    """A fraction of a second is not sent."""
    late = replace(DOCUMENT, issued_at=NOW + timedelta(milliseconds=900))
    assert verify(sign_key_document(late, KEY)).issued_at == NOW


def test_another_key_is_forged():
    """A document that another key signed is refused, also when it names the pinned one."""
    header = {"alg": "EdDSA", "kid": key_thumbprint(PIN), "typ": DOCUMENT_TYPE}
    for data in (
        sign_key_document(DOCUMENT, OTHER),
        sign_members(members(), header=header, key=OTHER),
    ):
        with pytest.raises(DocumentForged):
            verify(data)


@given(st.integers(0, len(SIGNED) * 8 - 1))
def test_one_flipped_bit_fails(bit: int):
    """Whatever bit is changed on the way, the document is refused as foreign."""
    data = bytearray(SIGNED)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DocumentForged):
        verify(bytes(data))


@given(st.binary(max_size=200))
def test_noise_is_forged(data: bytes):
    """Bytes of any kind are refused without another error."""
    with pytest.raises(DocumentForged):
        verify(data)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": key_thumbprint(PIN), "typ": DOCUMENT_TYPE},
        {"alg": "EdDSA", "kid": "other", "typ": DOCUMENT_TYPE},
        {"alg": "EdDSA", "kid": key_thumbprint(PIN), "typ": "JWT"},
        {"alg": "EdDSA", "kid": key_thumbprint(PIN)},
        {"alg": "EdDSA", "kid": key_thumbprint(PIN), "typ": DOCUMENT_TYPE, "crit": ["x"]},
        {"alg": "EdDSA", "kid": key_thumbprint(PIN), "typ": DOCUMENT_TYPE, "jwk": {}},
    ],
)
def test_only_the_exact_header_counts(header):
    """A header with another algorithm, key, type or any further member is refused."""
    with pytest.raises(DocumentForged):
        verify(sign_members(members(), header=header))


def test_envelope_is_exact():
    """A missing, further, doubled or ill-typed member of the envelope is refused."""
    good = json.loads(SIGNED)
    texts = [
        json.dumps({**good, "header": {}}),
        json.dumps({name: good[name] for name in ("payload", "protected")}),
        json.dumps({**good, "signature": 1}),
        json.dumps({**good, "signature": ""}),
        json.dumps({**good, "signature": good["signature"] + "="}),
        json.dumps({**good, "signature": good["signature"] + "A"}),
        json.dumps({**good, "signature": good["signature"][:-4]}),
        SIGNED.decode()[:-1] + ',"payload":"e30"}',
        json.dumps([good]),
        "[" * 100_000,
        " " * (1 << 20) + SIGNED.decode(),
    ]
    for text in texts:
        with pytest.raises(DocumentForged):
            verify(text.encode())


def test_bits_that_base64_drops_are_refused():
    """Two spellings of one signature are not two documents."""
    good = json.loads(SIGNED)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(good["signature"][-1]) ^ 1]
    changed = json.dumps({**good, "signature": good["signature"][:-1] + last})
    with pytest.raises(DocumentForged):
        verify(changed.encode())


def test_pin_of_a_wrong_length_accepts_nothing():
    """A pin that is no public key refuses every document."""
    for pin in (b"", PIN[:-1], PIN + b"\x00"):
        data = sign_members(
            members(), header={"alg": "EdDSA", "kid": key_thumbprint(pin), "typ": DOCUMENT_TYPE}
        )
        with pytest.raises(DocumentForged):
            verify_key_document(data, pin=pin, now=NOW)


@pytest.mark.parametrize("seconds", [3600, 3601, -121])
def test_document_outside_its_time_is_expired(seconds):
    """At its end, after it, or long before its beginning a document is refused as such."""
    with pytest.raises(DocumentExpired):
        verify(SIGNED, now=NOW + timedelta(seconds=seconds))


def test_clock_a_little_behind_is_accepted():
    """A client whose clock is two minutes behind can still use a fresh document."""
    assert verify(SIGNED, now=NOW - timedelta(seconds=120)) == DOCUMENT


def test_older_number_is_rolled_back():
    """A document with a smaller number than one seen before is refused as such."""
    with pytest.raises(DocumentRolledBack):
        verify(SIGNED, last_seq=43)


def test_kinds_of_refusal_share_one_base():
    """A client that tells no difference catches one class."""
    kinds = (DocumentForged, DocumentMalformed, DocumentExpired, DocumentRolledBack)
    assert all(issubclass(kind, DocumentRefused) for kind in kinds)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": ""},
        {"iss": None},
        {"seq": "42"},
        {"seq": -1},
        {"seq": True},
        {"seq": 1.0},
        {"iat": 10**30},
        {"exp": int(NOW.timestamp())},
        {"exp": int(NOW.timestamp()) + 3601},
        {"gateway": 1},
        {"require_date": 1},
        {"max_skew_s": None},
        {"max_chunk": "16384"},
        {"keys": {}},
        {"keys": ["key"]},
    ],
)
def test_ill_typed_members_are_malformed(change):
    """A signed document whose members are not what they should be is refused as malformed."""
    with pytest.raises(DocumentMalformed):
        verify(sign_members({**members(), **change}))


@pytest.mark.parametrize(
    "change",
    [
        {"status": "pending"},
        {"status": []},
        {"kem": "32"},
        {"kem": "0x0021"[:5]},
        {"key_id": 9},
        {"key_id": 257},
        {"kem": "0x647a"},
        {"kid": "other"},
        {"preference": "1"},
        {"nbf": "now"},
        {"exp": 1.5},
        {"revoked_at": False},
        {"ohttp_config": "AQAg"},
        {"ohttp_config": "*"},
        {"ohttp_config": None},
    ],
)
def test_contradicting_key_is_malformed(change):
    """A key whose parts are ill-typed or contradict each other spoils the document."""
    found = members()
    found["keys"][0] |= change
    with pytest.raises(DocumentMalformed):
        verify(sign_members(found))


def test_damaged_configuration_is_malformed():
    """A configuration that does not parse is refused though its hash is right."""
    found = members()
    config = entry().config[:-1]
    kid = b64(hashlib.sha256(config).digest())
    found["keys"][0] |= {"ohttp_config": b64(config), "kid": kid}
    with pytest.raises(DocumentMalformed):
        verify(sign_members(found))


def test_active_key_without_configuration_is_malformed():
    """A key to seal to must be there whole."""
    found = members()
    del found["keys"][0]["ohttp_config"]
    with pytest.raises(DocumentMalformed):
        verify(sign_members(found))


def test_one_kid_stands_once():
    """The same key cannot be active and revoked in one document."""
    found = members()
    found["keys"].append(found["keys"][0])
    with pytest.raises(DocumentMalformed):
        verify(sign_members(found))


@pytest.mark.parametrize("payload", [b"null", b"[]", b"\xff", b'{"seq":1,"seq":2}', b'{"seq":NaN}'])
def test_payload_that_is_no_object_is_malformed(payload):
    """A signed payload that is no JSON object, or a doubtful one, is refused."""
    with pytest.raises(DocumentMalformed):
        verify(sign_members(payload))


def test_later_versions_may_add():
    """Members and mechanisms that this version does not know are passed over."""
    found = members() | {"new": 1}
    config = b"\x09\x12\x34" + b"later"
    found["keys"][0] |= {"more": 2}
    found["keys"].append(
        {
            "kid": b64(hashlib.sha256(config).digest()),
            "key_id": 9,
            "kem": "0x1234",
            "status": "active",
            "preference": 0,
            "ohttp_config": b64(config),
        }
    )
    document = verify(sign_members(found))
    assert len(document.keys) == 4
    kem_ids = (0x1234, hpke.KEM_X25519)
    chosen = document.find_config(now=NOW, kem_ids=kem_ids)
    assert chosen is not None
    assert chosen.key_id == 1


def test_preferred_key_is_chosen():
    """Of the active keys that may be used now, the one with the lowest number is taken."""
    document = replace(DOCUMENT, keys=(entry(1, 2), entry(2, 1), RETIRING, REVOKED))

    def chosen(now: datetime, kem_ids: tuple[int, ...] = (hpke.KEM_X25519,)) -> int | None:
        config = document.find_config(now=now, kem_ids=kem_ids)
        return None if config is None else config.key_id

    assert chosen(NOW) == 2
    assert chosen(NOW - timedelta(seconds=120)) == 2
    assert chosen(NOW - timedelta(seconds=121)) is None
    assert chosen(NOW + timedelta(hours=24)) is None
    assert chosen(NOW, (0x1234,)) is None
    ageless = replace(entry(), not_before=None, expires_at=None)
    document = replace(DOCUMENT, keys=(ageless,))
    assert chosen(NOW + timedelta(days=999)) == 1


def test_pin_has_one_text_form():
    """The text form comes back to the same key; anything else is an error that says the form."""
    assert parse_pin(encode_pin(PIN)) == PIN
    text = encode_pin(PIN)
    for wrong in ("", text[:-1], text + "=", text.upper(), "sealgate-pin:" + text, text + "\n"):
        with pytest.raises(ValueError, match="sealgate-pin-ed25519"):
            parse_pin(wrong)


def test_fingerprint_can_be_read_aloud():
    """The fingerprint is the whole SHA-256 in sixteen groups of four."""
    groups = pin_fingerprint(PIN).split(" ")
    assert "".join(groups) == hashlib.sha256(PIN).hexdigest()
    assert [len(group) for group in groups] == [4] * 16
