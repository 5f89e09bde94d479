"""X-Wing: one shared secret from ML-KEM-768 and X25519 together (draft-connolly-cfrg-xwing-kem).

Who records traffic today and breaks one of the two later still learns nothing. In HPKE this is KEM
0x647a (draft-ietf-hpke-pq). Both primitives come from the ``cryptography`` package; only the
expansion of the seed and the combiner are ours. ADR 0009 says why it is offered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from gateway.core.errors import MalformedRequest, OpenFailed

KEM_XWING: Final = 0x647A

_SEED_BYTES: Final = 32
_MLKEM_SEED_BYTES: Final = 64
_MLKEM_PUBLIC_BYTES: Final = 1184
_MLKEM_CIPHERTEXT_BYTES: Final = 1088
_X25519_BYTES: Final = 32
_PUBLIC_BYTES: Final = _MLKEM_PUBLIC_BYTES + _X25519_BYTES
_CIPHERTEXT_BYTES: Final = _MLKEM_CIPHERTEXT_BYTES + _X25519_BYTES
_LABEL: Final = b"\\.//^\\"  # draft §5.3: an X-Wing, seen from the front

EncapsulateMlkem = Callable[[bytes], tuple[bytes, bytes]]
"""Takes an ML-KEM-768 encapsulation key; returns a fresh shared secret and its ciphertext."""


@dataclass(frozen=True, slots=True)
class SharedSecrets:
    """What both primitives agreed on, before it becomes one secret."""

    mlkem: bytes = field(repr=False)
    x25519: bytes = field(repr=False)


def combine_secrets(
    secrets: SharedSecrets, *, x25519_ciphertext: bytes, x25519_key: bytes
) -> bytes:
    """Return the 32-byte shared secret of X-Wing (draft §5.3, ``Combiner``).

    The X25519 ciphertext and public key are hashed in, because X25519 alone does not bind them;
    ML-KEM binds its own.
    """
    parts = (secrets.mlkem, secrets.x25519, x25519_ciphertext, x25519_key, _LABEL)
    return hashlib.sha3_256(b"".join(parts)).digest()


def encapsulate_mlkem(public_key: bytes) -> tuple[bytes, bytes]:
    """Return a fresh shared secret and ciphertext of ML-KEM-768 (FIPS 203 §7.2).

    Raises ``ValueError`` for a wrong length or a coefficient that is not reduced.
    """
    return MLKEM768PublicKey.from_public_bytes(public_key).encapsulate()


class XWingKey:
    """A private key of X-Wing, expanded from its 32-byte seed (draft §5.2)."""

    __slots__ = ("_mlkem", "_public_key", "_x25519", "_x25519_public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != _SEED_BYTES:
            raise ValueError("an X-Wing private key is 32 bytes")
        expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_BYTES + _X25519_BYTES)
        self._mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
        self._x25519 = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:])
        self._x25519_public = self._x25519.public_key().public_bytes_raw()
        self._public_key = self._mlkem.public_key().public_bytes_raw() + self._x25519_public

    @property
    def public_key(self) -> bytes:
        """The 1216-byte encapsulation key."""
        return self._public_key

    def decapsulate(self, encapsulated_key: bytes) -> bytes:
        """Return the shared secret (draft §5.5), or raise ``OpenFailed``.

        A damaged ML-KEM part raises nothing here: ML-KEM answers it with an unrelated secret
        (FIPS 203 §6.3), and the first message then does not open, which is ``OpenFailed`` too. An
        X25519 point of small order, which the draft lets pass, is refused as in RFC 9180 §7.1.4;
        no honest sender makes one.
        """
        if len(encapsulated_key) != _CIPHERTEXT_BYTES:
            raise OpenFailed
        mlkem_ciphertext = encapsulated_key[:_MLKEM_CIPHERTEXT_BYTES]
        x25519_ciphertext = encapsulated_key[_MLKEM_CIPHERTEXT_BYTES:]
        mlkem_secret = self._mlkem.decapsulate(mlkem_ciphertext)
        try:
            x25519_secret = self._x25519.exchange(
                X25519PublicKey.from_public_bytes(x25519_ciphertext)
            )
        except ValueError:
            raise OpenFailed from None
        return combine_secrets(
            SharedSecrets(mlkem_secret, x25519_secret),
            x25519_ciphertext=x25519_ciphertext,
            x25519_key=self._x25519_public,
        )


class XWingKem:
    """X-Wing as HPKE uses it: 1216 public, 32 private and 1120 encapsulated bytes.

    *encapsulate_mlkem* is replaced only to reproduce published values: the library draws the
    randomness of ML-KEM itself and lets nobody choose it.
    """

    __slots__ = ("_encapsulate_mlkem",)

    kem_id = KEM_XWING
    private_key_bytes = _SEED_BYTES
    public_key_bytes = _PUBLIC_BYTES
    encapsulated_bytes = _CIPHERTEXT_BYTES

    def __init__(self, encapsulate_mlkem: EncapsulateMlkem = encapsulate_mlkem) -> None:
        self._encapsulate_mlkem = encapsulate_mlkem

    def load_private_key(self, private_key: bytes) -> XWingKey:
        """Return the usable form of a 32-byte seed; ``ValueError`` if there are not 32."""
        return XWingKey(private_key)

    def encapsulate(
        self, public_key: bytes, *, random_bytes: Callable[[int], bytes]
    ) -> tuple[bytes, bytes]:
        """Return a fresh shared secret and its 1120-byte encapsulation (draft §5.4).

        *random_bytes* gives the X25519 half only. Raises ``MalformedRequest`` when *public_key*
        cannot be used.
        """
        mlkem_key = public_key[:_MLKEM_PUBLIC_BYTES]
        x25519_key = public_key[_MLKEM_PUBLIC_BYTES:]
        ephemeral = X25519PrivateKey.from_private_bytes(random_bytes(_X25519_BYTES))
        x25519_ciphertext = ephemeral.public_key().public_bytes_raw()
        try:
            x25519_secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(x25519_key))
            mlkem_secret, mlkem_ciphertext = self._encapsulate_mlkem(mlkem_key)
        except ValueError:
            raise MalformedRequest("The public key cannot be used.") from None
        secret = combine_secrets(
            SharedSecrets(mlkem_secret, x25519_secret),
            x25519_ciphertext=x25519_ciphertext,
            x25519_key=x25519_key,
        )
        return secret, mlkem_ciphertext + x25519_ciphertext
