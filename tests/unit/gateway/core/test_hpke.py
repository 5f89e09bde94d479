"""RFC 9180 contexts: agreement with two other implementations, and every way to be refused."""

import secrets

import pytest
from cryptography.hazmat.primitives import hpke as oracle
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from gateway.core import hpke
from gateway.core.errors import MalformedRequest, OpenFailed, PayloadTooLarge

SUITE = hpke.Suite(hpke.KEM_X25519)
RAW_KEY = secrets.token_bytes(32)
KEY = SUITE.kem.load_private_key(RAW_KEY)
PAIRS = [
    (hpke.AES_256_GCM, oracle.AEAD.AES_256_GCM, AEADId.AES256_GCM),
    (hpke.AES_128_GCM, oracle.AEAD.AES_128_GCM, AEADId.AES128_GCM),
]


def contexts(info: bytes = b"info"):
    """Return a fresh sender and the recipient that matches it."""
    sender = hpke.setup_sender(SUITE, KEY.public_key, info=info)
    recipient = hpke.setup_recipient(
        SUITE, KEY, encapsulated_key=sender.encapsulated_key, info=info
    )
    return sender, recipient


@pytest.mark.parametrize(("aead", "other", "_"), PAIRS)
def test_first_oracle_opens_what_we_seal(aead, other, _):
    """The Suite of the cryptography package opens our first message."""
    suite = hpke.Suite(hpke.KEM_X25519, aead)
    sender = hpke.setup_sender(suite, KEY.public_key, info=b"i")
    theirs = oracle.Suite(oracle.KEM.X25519, oracle.KDF.HKDF_SHA256, other)
    sealed = sender.encapsulated_key + sender.seal(b"prompt")
    assert theirs.decrypt(sealed, X25519PrivateKey.from_private_bytes(RAW_KEY), b"i") == b"prompt"


@pytest.mark.parametrize(("aead", "other", "_"), PAIRS)
def test_we_open_what_the_first_oracle_seals(aead, other, _):
    """Our recipient opens what the Suite of the cryptography package sealed."""
    theirs = oracle.Suite(oracle.KEM.X25519, oracle.KDF.HKDF_SHA256, other)
    sealed = theirs.encrypt(b"prompt", X25519PublicKey.from_public_bytes(KEY.public_key), b"i")
    suite = hpke.Suite(hpke.KEM_X25519, aead)
    recipient = hpke.setup_recipient(suite, KEY, encapsulated_key=sealed[:32], info=b"i")
    assert recipient.open(sealed[32:]) == b"prompt"


@pytest.mark.parametrize(("aead", "_", "other"), PAIRS)
def test_second_oracle_as_recipient(aead, _, other):
    """Pyhpke opens a series of our messages with associated data and exports the same secret."""
    suite = hpke.Suite(hpke.KEM_X25519, aead)
    theirs = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, other)
    sender = hpke.setup_sender(suite, KEY.public_key, info=b"i")
    private_key = KEMKey.from_pyca_cryptography_key(X25519PrivateKey.from_private_bytes(RAW_KEY))
    recipient = theirs.create_recipient_context(sender.encapsulated_key, private_key, info=b"i")
    for number in range(5):
        aad = b"aad %d" % number
        assert recipient.open(sender.seal(b"m%d" % number, aad=aad), aad=aad) == b"m%d" % number
    assert recipient.export(b"label", 77) == sender.export(b"label", 77)


@pytest.mark.parametrize(("aead", "_", "other"), PAIRS)
def test_second_oracle_as_sender(aead, _, other):
    """We open a series of messages of pyhpke and export the same secret."""
    suite = hpke.Suite(hpke.KEM_X25519, aead)
    theirs = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, other)
    public_key = KEMKey.from_pyca_cryptography_key(
        X25519PublicKey.from_public_bytes(KEY.public_key)
    )
    enc, sender = theirs.create_sender_context(public_key, info=b"i")
    recipient = hpke.setup_recipient(suite, KEY, encapsulated_key=enc, info=b"i")
    for number in range(5):
        assert recipient.open(sender.seal(b"m%d" % number, aad=b"a"), aad=b"a") == b"m%d" % number
    assert recipient.export(b"", 32) == sender.export(b"", 32)


@given(st.lists(st.tuples(st.binary(max_size=64), st.binary(max_size=16)), max_size=6))
def test_round_trip(messages):
    """What is sealed in order opens in order, with its associated data."""
    sender, recipient = contexts()
    for plaintext, aad in messages:
        assert recipient.open(sender.seal(plaintext, aad=aad), aad=aad) == plaintext


def test_order_is_authenticated():
    """The second message does not open as the first; the first still does afterwards."""
    sender, recipient = contexts()
    first, second = sender.seal(b"1"), sender.seal(b"2")
    with pytest.raises(OpenFailed):
        recipient.open(second)
    assert recipient.open(first) == b"1"
    with pytest.raises(OpenFailed):
        recipient.open(first)
    assert recipient.open(second) == b"2"


def test_other_info_does_not_open():
    """A context with another info string opens nothing."""
    sender, _ = contexts(b"one")
    recipient = hpke.setup_recipient(
        SUITE, KEY, encapsulated_key=sender.encapsulated_key, info=b"two"
    )
    with pytest.raises(OpenFailed):
        recipient.open(sender.seal(b"m"))


@pytest.mark.parametrize("enc", [b"", bytes(31), bytes(32), bytes(33), b"\x01" + bytes(31)])
def test_bad_encapsulated_key(enc):
    """A wrong length and a point of small order are the same failure."""
    with pytest.raises(OpenFailed):
        hpke.setup_recipient(SUITE, KEY, encapsulated_key=enc, info=b"")


@pytest.mark.parametrize("public_key", [b"", bytes(31), bytes(32)])
def test_bad_public_key(public_key):
    """Nothing is sealed to a key that cannot be one."""
    with pytest.raises(MalformedRequest):
        hpke.setup_sender(SUITE, public_key, info=b"")


def test_bad_private_key():
    """A private key of a wrong length is refused when it is loaded."""
    with pytest.raises(ValueError, match="32 bytes"):
        SUITE.kem.load_private_key(bytes(31))


def test_message_limit(monkeypatch):
    """A key seals and opens no more than its number of messages."""
    monkeypatch.setattr(hpke, "MAX_MESSAGES", 1)
    sender, recipient = contexts()
    recipient.open(sender.seal(b""))
    with pytest.raises(PayloadTooLarge):
        sender.seal(b"")
    with pytest.raises(PayloadTooLarge):
        recipient.open(bytes(16))


def test_unknown_mechanism():
    """A suite with an unknown mechanism cannot be made."""
    with pytest.raises(ValueError, match="0x0010"):
        hpke.Suite(0x0010)


def test_expand_limit():
    """HKDF refuses more output than RFC 5869 allows, and gives any length below it."""
    assert len(hpke.hkdf_expand(b"k", b"", 255 * 32)) == 255 * 32
    assert hpke.hkdf_expand(b"k", b"", 0) == b""
    with pytest.raises(ValueError, match="HKDF"):
        hpke.hkdf_expand(b"k", b"", 255 * 32 + 1)


def test_secrets_are_not_shown():
    """The representation of derived keys shows no key."""
    schedule = hpke.derive_key_schedule(SUITE, bytes(32), info=b"")
    assert repr(schedule) == "KeySchedule()"
