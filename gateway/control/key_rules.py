"""How long keys are used: what was configured, or defaults that fit together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from gateway.control.key_material import ALGORITHMS
from gateway.core.keyring import KeyAlgorithm, KeyUse
from gateway.core.tokens import MAX_LEEWAY, MAX_LIFETIME

DEFAULT_PREPUBLISH_SECONDS: Final = 360
"""How long a new signing key is published before it signs: what a cache may keep, and a margin."""


@dataclass(frozen=True, slots=True)
class KeyRules:
    """How long keys are used.

    *overlap* is how long a rotated key of each use is still accepted: for signing, until the last
    token it signed has expired; for encryption, twice the life of a cached key list and the skew of
    a client's clock; for the others, not at all. *rotate_after* is the age at which the
    background task rotates by itself; a use without one is rotated on demand only. *publish_after*
    is how long a new key is pending: an encryption key several times what another process needs to
    hear of it, a signing key longer than any cache keeps the JWK set. A key that takes the place of
    a revoked one is not pending at all.
    *signing_algorithm* is what new keys that sign tokens are; one of another kind is rotated out.
    """

    overlap: Mapping[KeyUse, timedelta] = field(
        default_factory=lambda: MappingProxyType(
            {
                KeyUse.SIGNING: MAX_LIFETIME + 2 * MAX_LEEWAY,
                KeyUse.ENCRYPTION: 2 * (timedelta(minutes=5) + timedelta(minutes=2)),
                **dict.fromkeys((KeyUse.DOCUMENT, KeyUse.PSEUDONYM), timedelta(0)),
            }
        )
    )
    rotate_after: Mapping[KeyUse, timedelta] = field(
        default_factory=lambda: MappingProxyType(
            {KeyUse.SIGNING: timedelta(days=30), KeyUse.ENCRYPTION: timedelta(hours=24)}
        )
    )
    publish_after: Mapping[KeyUse, timedelta] = field(
        default_factory=lambda: MappingProxyType(
            {
                KeyUse.SIGNING: timedelta(seconds=DEFAULT_PREPUBLISH_SECONDS),
                KeyUse.ENCRYPTION: timedelta(seconds=2),
                **dict.fromkeys((KeyUse.DOCUMENT, KeyUse.PSEUDONYM), timedelta(0)),
            }
        )
    )
    signing_algorithm: KeyAlgorithm = KeyAlgorithm.ED25519

    def algorithms(self, use: KeyUse) -> tuple[KeyAlgorithm, ...]:
        """Return which key pairs *use* has."""
        return (self.signing_algorithm,) if use is KeyUse.SIGNING else ALGORITHMS[use]
