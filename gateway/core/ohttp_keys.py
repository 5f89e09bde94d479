"""Key configurations of Oblivious HTTP: the public half for clients, the private half for us.

Only HKDF-SHA256 with AES-256-GCM is ever written into a configuration, so that no peer can choose
a weaker cipher.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.core import hpke
from gateway.core.errors import MalformedRequest

KEYS_MEDIA_TYPE: Final = "application/ohttp-keys"

SymmetricAlgorithms = tuple[int, int]
"""A KDF number and an AEAD number (RFC 9458 §3.1)."""

OFFERED_ALGORITHMS: Final[tuple[SymmetricAlgorithms, ...]] = (
    (hpke.KDF_HKDF_SHA256, hpke.AES_256_GCM.aead_id),
)

PREFERRED_KEMS: Final = (hpke.KEM_XWING, hpke.KEM_X25519)
"""For ``find_usable_config``: X-Wing where it is offered, X25519 elsewhere."""

_MAX_KEY_ID: Final = 0xFF
_HEAD: Final = struct.Struct(">BH")
_PAIR: Final = struct.Struct(">HH")


@dataclass(frozen=True, slots=True)
class KeyConfig:
    """What a client needs to seal a request: key identifier, mechanism, public key, algorithms.

    Raises ``ValueError`` when a part does not fit the encoding or the mechanism is not known.
    """

    key_id: int
    kem_id: int
    public_key: bytes
    algorithms: tuple[SymmetricAlgorithms, ...] = OFFERED_ALGORITHMS

    def __post_init__(self) -> None:
        if not 0 <= self.key_id <= _MAX_KEY_ID:
            raise ValueError("a key identifier is one byte")
        kem = hpke.KEMS.get(self.kem_id)
        if kem is None or len(self.public_key) != kem.public_key_bytes:
            raise ValueError("the public key does not fit a known mechanism")
        if not self.algorithms:
            raise ValueError("a key configuration names at least one pair of algorithms")


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """A private key that requests are sealed to, under its one-byte identifier."""

    key_id: int
    kem_id: int
    private_key: hpke.PrivateKey = field(repr=False)

    @property
    def config(self) -> KeyConfig:
        """The public configuration of this key."""
        return KeyConfig(self.key_id, self.kem_id, self.private_key.public_key)


def load_recipient_key(key_id: int, private_key: bytes, *, kem_id: int) -> RecipientKey:
    """Return the usable form of a serialised private key.

    Raises ``ValueError`` for an identifier above one byte, an unknown mechanism or a wrong length.
    """
    suite = hpke.Suite(kem_id)
    key = RecipientKey(key_id, kem_id, suite.kem.load_private_key(private_key))
    _ = key.config  # checks the identifier
    return key


def encode_key_config(config: KeyConfig) -> bytes:
    """Return one configuration without a length in front (RFC 9458 §3.1)."""
    pairs = b"".join(_PAIR.pack(*pair) for pair in config.algorithms)
    head = _HEAD.pack(config.key_id, config.kem_id)
    return head + config.public_key + len(pairs).to_bytes(2, "big") + pairs


def parse_key_config(data: bytes) -> KeyConfig:
    """Return the configuration that *data* holds exactly.

    Raises ``MalformedRequest`` for anything else, an unknown mechanism included, since the length
    of its public key is then unknown too.
    """
    if len(data) < _HEAD.size:
        raise MalformedRequest("A key configuration is cut short.")
    key_id, kem_id = _HEAD.unpack_from(data)
    kem = hpke.KEMS.get(kem_id)
    if kem is None:
        raise MalformedRequest("A key configuration uses an unknown mechanism.")
    end = _HEAD.size + kem.public_key_bytes
    pairs = data[end + 2 :]
    declared = int.from_bytes(data[end : end + 2], "big")
    if len(data) < end + 2 or declared != len(pairs) or not pairs or len(pairs) % _PAIR.size:
        raise MalformedRequest("A key configuration has a wrong length.")
    return KeyConfig(key_id, kem_id, data[_HEAD.size : end], tuple(_PAIR.iter_unpack(pairs)))


def encode_key_list(configs: Iterable[KeyConfig]) -> bytes:
    """Return the body of an ``application/ohttp-keys`` answer (RFC 9458 §3.2), in this order."""
    encoded = [encode_key_config(config) for config in configs]
    return b"".join(len(item).to_bytes(2, "big") + item for item in encoded)


def parse_key_list(data: bytes) -> tuple[KeyConfig, ...]:
    """Return the configurations of known mechanisms in the order of the server's preference.

    Entries with another mechanism are skipped, as RFC 9458 §3.2 asks. Raises ``MalformedRequest``
    when the list itself or a known entry is damaged.
    """
    configs = []
    offset = 0
    while offset < len(data):
        start = offset + 2
        offset = start + int.from_bytes(data[offset:start], "big")
        entry = data[start:offset]
        if offset > len(data) or len(entry) < _HEAD.size:
            raise MalformedRequest("The list of key configurations is cut short.")
        if _HEAD.unpack_from(entry)[1] in hpke.KEMS:
            configs.append(parse_key_config(entry))
    return tuple(configs)


def find_usable_config(
    configs: Sequence[KeyConfig], *, kem_ids: Sequence[int] = (hpke.KEM_X25519,)
) -> KeyConfig | None:
    """Return the configuration to seal to, or None: the first of *kem_ids* that offers AES-256-GCM.

    The order of *kem_ids* is the caller's preference and goes before the order of *configs*: the
    server lists X25519 first for clients that read one entry only. ``PREFERRED_KEMS`` resists an
    attacker who records today and has a quantum computer later.
    """
    for kem_id in kem_ids:
        for config in configs:
            if config.kem_id == kem_id and OFFERED_ALGORITHMS[0] in config.algorithms:
                return config
    return None
