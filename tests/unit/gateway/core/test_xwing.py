"""X-Wing: agreement with another implementation, and every way to be refused."""

import secrets

import pytest
from cryptography.hazmat.primitives import hpke as oracle
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import hpke
from gateway.core.errors import MalformedRequest, OpenFailed
from gateway.core.xwing import SharedSecrets, XWingKem, XWingKey, combine_secrets

KEM = XWingKem()
SEED = bytes(range(32))
KEY = KEM.load_private_key(SEED)
SUITE = hpke.Suite(hpke.KEM_XWING)
THEIRS = oracle.Suite(oracle.KEM.MLKEM768_X25519, oracle.KDF.HKDF_SHA256, oracle.AEAD.AES_256_GCM)
ENC_BYTES = 1120
MLKEM_BYTES = 1088


def oracle_private_key() -> oracle.MLKEM768X25519PrivateKey:
    """Return our private key in the form of the other implementation."""
    return oracle.MLKEM768X25519PrivateKey(KEY._mlkem, KEY._x25519)


def oracle_public_key() -> oracle.MLKEM768X25519PublicKey:
    """Return our serialised public key in the form of the other implementation."""
    return oracle.MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(KEY.public_key[:1184]),
        X25519PublicKey.from_public_bytes(KEY.public_key[1184:]),
    )


def recipient(encapsulated_key: bytes) -> hpke.RecipientContext:
    """Return the receiving context for *encapsulated_key*."""
    return hpke.setup_recipient(SUITE, KEY, encapsulated_key=encapsulated_key, info=b"i")


def test_lengths():
    """Keys and ciphertexts have the lengths of the registry, and no private key is shown."""
    secret, enc = KEM.encapsulate(KEY.public_key, random_bytes=secrets.token_bytes)
    assert (len(KEY.public_key), len(enc), len(secret)) == (1216, ENC_BYTES, 32)
    assert (KEM.public_key_bytes, KEM.encapsulated_bytes) == (1216, ENC_BYTES)
    assert (KEM.kem_id, KEM.private_key_bytes) == (hpke.KEM_XWING, len(SEED)) == (0x647A, 32)
    assert isinstance(hpke.KEMS[0x647A], XWingKem)
    assert repr(SharedSecrets(b"canary", b"canary")) == "SharedSecrets()"


def test_oracle_opens_what_we_seal():
    """The HPKE of the cryptography package opens our first message."""
    sender = hpke.setup_sender(SUITE, KEY.public_key, info=b"i")
    sealed = sender.encapsulated_key + sender.seal(b"prompt")
    assert THEIRS.decrypt(sealed, oracle_private_key(), b"i") == b"prompt"


def test_we_open_what_the_oracle_seals():
    """We open what the HPKE of the cryptography package sealed."""
    sealed = THEIRS.encrypt(b"prompt", oracle_public_key(), b"i")
    assert recipient(sealed[:ENC_BYTES]).open(sealed[ENC_BYTES:]) == b"prompt"


@settings(max_examples=10)
@given(st.binary(min_size=32, max_size=32), st.lists(st.binary(max_size=40), max_size=3))
def test_round_trip(seed, messages):
    """What is sealed for any private key opens with it, in order, and both export the same."""
    key = KEM.load_private_key(seed)
    sender = hpke.setup_sender(SUITE, key.public_key, info=b"i")
    ours = hpke.setup_recipient(SUITE, key, encapsulated_key=sender.encapsulated_key, info=b"i")
    assert [ours.open(sender.seal(message)) for message in messages] == messages
    assert ours.export(b"label", 32) == sender.export(b"label", 32)


@settings(max_examples=25)
@given(st.integers(0, 8 * ENC_BYTES - 1))
def test_flipped_bit(bit):
    """One flipped bit in either half ends as the same failure, at the latest with the message.

    The highest bit of an X25519 key is ignored by that function, but the combiner hashes it.
    """
    sender = hpke.setup_sender(SUITE, KEY.public_key, info=b"i")
    enc = bytearray(sender.encapsulated_key)
    enc[bit // 8] ^= 1 << bit % 8
    with pytest.raises(OpenFailed) as caught:
        recipient(bytes(enc)).open(sender.seal(b"prompt"))
    assert str(caught.value) == OpenFailed.default_detail


def test_implicit_rejection():
    """A damaged ML-KEM half raises nothing by itself, gives another secret, and always the same."""
    secret, enc = KEM.encapsulate(KEY.public_key, random_bytes=secrets.token_bytes)
    assert KEY.decapsulate(enc) == secret
    damaged = bytes([enc[0] ^ 1]) + enc[1:]
    assert KEY.decapsulate(damaged) == KEY.decapsulate(damaged) != secret


@pytest.mark.parametrize("size", [0, 32, ENC_BYTES - 1, ENC_BYTES + 1])
def test_encapsulated_key_of_wrong_length(size):
    """An encapsulated key of another length, that of X25519 too, is the same failure."""
    with pytest.raises(OpenFailed):
        KEY.decapsulate(bytes(size))


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_point_of_small_order(point):
    """An X25519 half that would give a known secret is refused on both sides."""
    _, enc = KEM.encapsulate(KEY.public_key, random_bytes=secrets.token_bytes)
    with pytest.raises(OpenFailed):
        KEY.decapsulate(enc[:MLKEM_BYTES] + point)
    with pytest.raises(MalformedRequest):
        KEM.encapsulate(KEY.public_key[:1184] + point, random_bytes=secrets.token_bytes)


@pytest.mark.parametrize(
    "public_key",
    [
        b"",
        KEY.public_key[:-1],
        KEY.public_key + b"\x00",
        b"\xff\xff\xff" + KEY.public_key[3:],  # two coefficients above the modulus
    ],
)
def test_bad_public_key(public_key):
    """Nothing is sealed to a key of another length or with numbers that are not reduced."""
    with pytest.raises(MalformedRequest):
        KEM.encapsulate(public_key, random_bytes=secrets.token_bytes)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_bad_private_key(size):
    """A private key of another length is refused when it is loaded."""
    with pytest.raises(ValueError, match="32 bytes"):
        XWingKey(bytes(size))


def test_both_halves_matter():
    """Another secret of either half, another ciphertext or another key gives another result."""
    values = {
        combine_secrets(SharedSecrets(mlkem, x25519), x25519_ciphertext=ct, x25519_key=pk)
        for mlkem, x25519, ct, pk in [
            (b"m" * 32, b"x" * 32, b"c" * 32, b"p" * 32),
            (b"M" * 32, b"x" * 32, b"c" * 32, b"p" * 32),
            (b"m" * 32, b"X" * 32, b"c" * 32, b"p" * 32),
            (b"m" * 32, b"x" * 32, b"C" * 32, b"p" * 32),
            (b"m" * 32, b"x" * 32, b"c" * 32, b"P" * 32),
        ]
    }
    assert len(values) == 5


def test_injected_encapsulation():
    """With the ML-KEM half given, the encapsulation is a function of its inputs."""
    mlkem = MLKEM768PrivateKey.from_seed_bytes(bytes(64))
    half = mlkem.public_key().encapsulate()
    kem = XWingKem(lambda _: half)
    first, second = (kem.encapsulate(KEY.public_key, random_bytes=bytes) for _ in range(2))
    assert first == second
    public = X25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    assert first[1] == half[1] + public
