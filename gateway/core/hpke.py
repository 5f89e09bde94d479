"""Hybrid public key encryption (RFC 9180): base mode, with contexts that seal several messages.

The key schedule is our own, because OHTTP needs sequence numbers and the exporter, and the
``Suite`` of the ``cryptography`` package offers neither; every primitive under it comes from that
package. A context lives in one process only: a fork after its creation would use a nonce twice.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.core.errors import MalformedRequest, OpenFailed, PayloadTooLarge
from gateway.core.xwing import XWingKem

RandomBytes = Callable[[int], bytes]
"""Gives that many unpredictable bytes. Tests pass a fixed source to reproduce published values."""

KEM_X25519: Final = 0x0020
KEM_XWING: Final = XWingKem.kem_id
KDF_HKDF_SHA256: Final = 0x0001
TAG_BYTES: Final = 16
NONCE_BYTES: Final = 12

# RFC 9180 §5.2 would allow 2**96 - 1 messages. One key here protects one request or one answer, and
# 2**32 chunks is far below what the analysis of AES-GCM allows and far above what anyone sends.
MAX_MESSAGES: Final = 1 << 32

_HASH_BYTES: Final = 32
_VERSION: Final = b"HPKE-v1"
_MODE_BASE: Final = b"\x00"


@dataclass(frozen=True, slots=True)
class Aead:
    """An authenticated cipher of the registry of RFC 9180 §7.3: AES-GCM with a 12-byte nonce."""

    aead_id: int
    key_bytes: int


AES_128_GCM: Final = Aead(aead_id=0x0001, key_bytes=16)
"""Only so that published vectors can be run; the gateway never offers it."""

AES_256_GCM: Final = Aead(aead_id=0x0002, key_bytes=32)


class PrivateKey(Protocol):
    """A recipient's private key, ready for use."""

    @property
    def public_key(self) -> bytes:
        """The serialised public key."""

    def decapsulate(self, encapsulated_key: bytes) -> bytes:
        """Return the shared secret, or raise ``OpenFailed``."""


class Kem(Protocol):
    """A key encapsulation mechanism of the registry of RFC 9180 §7.1."""

    @property
    def kem_id(self) -> int:
        """The registered number."""

    @property
    def private_key_bytes(self) -> int:
        """Length of a serialised private key (Nsk)."""

    @property
    def public_key_bytes(self) -> int:
        """Length of a serialised public key (Npk)."""

    @property
    def encapsulated_bytes(self) -> int:
        """Length of an encapsulated key (Nenc)."""

    def load_private_key(self, private_key: bytes) -> PrivateKey:
        """Return the usable form of a serialised private key, or raise ``ValueError``."""

    def encapsulate(self, public_key: bytes, *, random_bytes: RandomBytes) -> tuple[bytes, bytes]:
        """Return a shared secret and its encapsulation, or raise ``MalformedRequest``."""


class X25519Key:
    """A private key of DHKEM(X25519, HKDF-SHA256)."""

    __slots__ = ("_private_key", "_public_key")

    def __init__(self, private_key: bytes) -> None:
        self._private_key = X25519PrivateKey.from_private_bytes(private_key)
        self._public_key = self._private_key.public_key().public_bytes_raw()

    @property
    def public_key(self) -> bytes:
        """The 32-byte public key."""
        return self._public_key

    def decapsulate(self, encapsulated_key: bytes) -> bytes:
        """Return the shared secret (RFC 9180 §4.1), or raise ``OpenFailed``."""
        try:
            dh = self._private_key.exchange(X25519PublicKey.from_public_bytes(encapsulated_key))
        except ValueError:  # wrong length, or the all-zero result that RFC 9180 §7.1.4 refuses
            raise OpenFailed from None
        return _x25519_secret(dh, encapsulated_key, self._public_key)


class X25519Kem:
    """DHKEM(X25519, HKDF-SHA256), RFC 9180 §4.1."""

    __slots__ = ()

    kem_id = KEM_X25519
    private_key_bytes = 32
    public_key_bytes = 32
    encapsulated_bytes = 32

    def load_private_key(self, private_key: bytes) -> X25519Key:
        """Return the usable form of 32 private bytes; ``ValueError`` if there are not 32."""
        return X25519Key(private_key)

    def encapsulate(self, public_key: bytes, *, random_bytes: RandomBytes) -> tuple[bytes, bytes]:
        """Return a fresh shared secret and the ephemeral public key that carries it.

        Raises ``MalformedRequest`` when *public_key* is not a usable point.
        """
        ephemeral = X25519PrivateKey.from_private_bytes(random_bytes(self.private_key_bytes))
        try:
            dh = ephemeral.exchange(X25519PublicKey.from_public_bytes(public_key))
        except ValueError:
            raise MalformedRequest("The public key cannot be used.") from None
        encapsulated_key = ephemeral.public_key().public_bytes_raw()
        return _x25519_secret(dh, encapsulated_key, public_key), encapsulated_key


KEMS: Final[Mapping[int, Kem]] = MappingProxyType({KEM_X25519: X25519Kem(), KEM_XWING: XWingKem()})
"""The mechanisms that this build knows, by registered number."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One mechanism with HKDF-SHA256 and one cipher; ``ValueError`` outside ``KEMS``."""

    kem_id: int
    aead: Aead = AES_256_GCM

    def __post_init__(self) -> None:
        if self.kem_id not in KEMS:
            raise ValueError(f"no key encapsulation mechanism 0x{self.kem_id:04x}")

    @property
    def kem(self) -> Kem:
        """The mechanism."""
        return KEMS[self.kem_id]

    @property
    def suite_id(self) -> bytes:
        """What separates this suite's derivations from all others (RFC 9180 §5.1)."""
        numbers = (self.kem_id, KDF_HKDF_SHA256, self.aead.aead_id)
        return b"HPKE" + b"".join(number.to_bytes(2, "big") for number in numbers)


def hkdf_extract(salt: bytes, key_material: bytes) -> bytes:
    """Return the pseudorandom key of RFC 5869 §2.2 with SHA-256."""
    return hmac.digest(salt or bytes(_HASH_BYTES), key_material, "sha256")


def hkdf_expand(pseudorandom_key: bytes, info: bytes, length: int) -> bytes:
    """Return *length* bytes (RFC 5869 §2.3, SHA-256); ``ValueError`` above 255 hash lengths."""
    if length > 255 * _HASH_BYTES:
        raise ValueError("HKDF cannot give that many bytes")
    output = block = b""
    for counter in range(1, -(-length // _HASH_BYTES) + 1):
        block = hmac.digest(pseudorandom_key, block + info + bytes((counter,)), "sha256")
        output += block
    return output[:length]


class SequencedAead:
    """One cipher key whose nonce is a base value XOR a counter (RFC 9180 §5.2).

    The position of each message is thereby authenticated: a swapped, repeated or missing message
    does not open. The same object never seals and opens.
    """

    __slots__ = ("_base_nonce", "_cipher", "_sequence")

    def __init__(self, key: bytes, base_nonce: bytes) -> None:
        self._cipher = AESGCM(key)
        self._base_nonce = int.from_bytes(base_nonce, "big")
        self._sequence = 0

    def seal(self, plaintext: bytes, *, aad: bytes = b"") -> bytes:
        """Return the next message sealed; ``PayloadTooLarge`` after ``MAX_MESSAGES``."""
        ciphertext = self._cipher.encrypt(self._next_nonce(), plaintext, aad)
        self._sequence += 1
        return ciphertext

    def open(self, ciphertext: bytes | bytearray, *, aad: bytes = b"") -> bytes:
        """Return the next message, or raise ``OpenFailed`` whatever is wrong with it."""
        try:
            plaintext = self._cipher.decrypt(self._next_nonce(), ciphertext, aad)
        except InvalidTag:
            raise OpenFailed from None
        self._sequence += 1
        return plaintext

    def _next_nonce(self) -> bytes:
        if self._sequence >= MAX_MESSAGES:
            raise PayloadTooLarge("The message has more chunks than one key may protect.")
        return (self._base_nonce ^ self._sequence).to_bytes(NONCE_BYTES, "big")


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """What both sides derive from the shared secret (RFC 9180 §5.1)."""

    key: bytes = field(repr=False)
    base_nonce: bytes = field(repr=False)
    exporter_secret: bytes = field(repr=False)


def derive_key_schedule(suite: Suite, shared_secret: bytes, *, info: bytes) -> KeySchedule:
    """Return the keys of a base-mode context (RFC 9180 §5.1, ``KeySchedule``)."""
    suite_id = suite.suite_id
    psk_id_hash = _labeled_extract(suite_id, b"", label=b"psk_id_hash", key_material=b"")
    info_hash = _labeled_extract(suite_id, b"", label=b"info_hash", key_material=info)
    context = _MODE_BASE + psk_id_hash + info_hash
    secret = _labeled_extract(suite_id, shared_secret, label=b"secret", key_material=b"")

    def expand(label: bytes, length: int) -> bytes:
        return _labeled_expand(suite_id, secret, label=label, info=context, length=length)

    return KeySchedule(
        key=expand(b"key", suite.aead.key_bytes),
        base_nonce=expand(b"base_nonce", NONCE_BYTES),
        exporter_secret=expand(b"exp", _HASH_BYTES),
    )


class _Context:
    """What a sender's and a recipient's context share: the cipher state and the exporter."""

    __slots__ = ("_aead", "_exporter_secret", "_suite_id")

    def __init__(self, suite: Suite, schedule: KeySchedule) -> None:
        self._aead = SequencedAead(schedule.key, schedule.base_nonce)
        self._exporter_secret = schedule.exporter_secret
        self._suite_id = suite.suite_id

    def export(self, exporter_context: bytes, length: int) -> bytes:
        """Return *length* secret bytes that only the two sides can derive (RFC 9180 §5.3)."""
        return _labeled_expand(
            self._suite_id,
            self._exporter_secret,
            label=b"sec",
            info=exporter_context,
            length=length,
        )


class SenderContext(_Context):
    """The sender's side of one exchange. *encapsulated_key* goes to the recipient in the clear."""

    __slots__ = ("encapsulated_key",)

    def __init__(self, suite: Suite, schedule: KeySchedule, *, encapsulated_key: bytes) -> None:
        super().__init__(suite, schedule)
        self.encapsulated_key = encapsulated_key

    def seal(self, plaintext: bytes, *, aad: bytes = b"") -> bytes:
        """Return the next message sealed; ``PayloadTooLarge`` after ``MAX_MESSAGES``."""
        return self._aead.seal(plaintext, aad=aad)


class RecipientContext(_Context):
    """The recipient's side of one exchange."""

    __slots__ = ()

    def open(self, ciphertext: bytes | bytearray, *, aad: bytes = b"") -> bytes:
        """Return the next message, or raise ``OpenFailed``."""
        return self._aead.open(ciphertext, aad=aad)


def setup_sender(
    suite: Suite, public_key: bytes, *, info: bytes, random_bytes: RandomBytes = secrets.token_bytes
) -> SenderContext:
    """Return a context that seals for *public_key* (RFC 9180 §5.1.1, ``SetupBaseS``).

    Raises ``MalformedRequest`` when the public key is not usable.
    """
    shared_secret, encapsulated_key = suite.kem.encapsulate(public_key, random_bytes=random_bytes)
    schedule = derive_key_schedule(suite, shared_secret, info=info)
    return SenderContext(suite, schedule, encapsulated_key=encapsulated_key)


def setup_recipient(
    suite: Suite, private_key: PrivateKey, *, encapsulated_key: bytes, info: bytes
) -> RecipientContext:
    """Return a context that opens what was sealed for *private_key* (``SetupBaseR``).

    Raises ``OpenFailed`` when *encapsulated_key* cannot be a key of this suite.
    """
    shared_secret = private_key.decapsulate(encapsulated_key)
    return RecipientContext(suite, derive_key_schedule(suite, shared_secret, info=info))


def _x25519_secret(dh: bytes, encapsulated_key: bytes, public_key: bytes) -> bytes:
    """RFC 9180 §4.1, ``ExtractAndExpand``."""
    suite_id = b"KEM" + KEM_X25519.to_bytes(2, "big")
    eae_prk = _labeled_extract(suite_id, b"", label=b"eae_prk", key_material=dh)
    return _labeled_expand(
        suite_id,
        eae_prk,
        label=b"shared_secret",
        info=encapsulated_key + public_key,
        length=_HASH_BYTES,
    )


def _labeled_extract(suite_id: bytes, salt: bytes, *, label: bytes, key_material: bytes) -> bytes:
    return hkdf_extract(salt, _VERSION + suite_id + label + key_material)


def _labeled_expand(
    suite_id: bytes, pseudorandom_key: bytes, *, label: bytes, info: bytes, length: int
) -> bytes:
    labeled_info = length.to_bytes(2, "big") + _VERSION + suite_id + label + info
    return hkdf_expand(pseudorandom_key, labeled_info, length)
