"""The gateway's public key, fetched over TLS and kept as long as the gateway allows.

The key is trusted because TLS is: whoever can terminate that TLS can serve a key of his own.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from gateway.client.outer import FRESH, GatewayRefused, OuterAnswer, OuterHead, OuterRequest
from gateway.core.errors import MalformedRequest
from gateway.core.ohttp_keys import (
    KEYS_MEDIA_TYPE,
    PREFERRED_KEMS,
    KeyConfig,
    find_usable_config,
    parse_key_list,
)

GATEWAY_PATH: Final = "/.well-known/ohttp-gateway"

KEYS_REQUEST: Final = OuterRequest(
    "GET", GATEWAY_PATH, (("accept", KEYS_MEDIA_TYPE), FRESH), max_seconds=30
)

_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age=([0-9]{1,9})(?:$|[\s,])")
_DEFAULT_AGE_SECONDS: Final = 300
_HIGHEST_AGE_SECONDS: Final = 86400
_LOWEST_AGE_SECONDS: Final = 1  # even "do not store" has to last for the request that asked
_OK: Final = 200
_UNAVAILABLE: Final = 503
_BAD_GATEWAY: Final = 502


class KeyCache:
    """Hold the key configuration in use. Not locked: the transports see to that."""

    request: Final = KEYS_REQUEST

    def __init__(self) -> None:
        self._config: KeyConfig | None = None
        self._expires_at: datetime | None = None

    def find(self, *, now: datetime) -> KeyConfig | None:
        """Return the configuration, or None when it has to be fetched (again)."""
        if self._expires_at is None or now >= self._expires_at:
            return None
        return self._config

    def store(self, answer: OuterAnswer, *, now: datetime) -> None:
        """Take the best configuration of the answer: X-Wing where offered, X25519 elsewhere.

        Raises ``GatewayRefused`` when the answer is an error or holds none.
        """
        head = answer.head
        if head.status != _OK:
            raise GatewayRefused(
                _UNAVAILABLE,
                code="keys_unavailable",
                message="The gateway's encryption keys could not be fetched.",
                retry_after=head.retry_after,
            )
        config = None
        if head.media_type == KEYS_MEDIA_TYPE and not head.is_encoded:
            config = _find_config(answer.body)
        if config is None:
            raise GatewayRefused(
                _BAD_GATEWAY,
                code="keys_unusable",
                message="The gateway offers no encryption key that this client can use.",
            )
        self._config = config
        self._expires_at = now + timedelta(seconds=age_seconds(head))

    def drop(self, config: KeyConfig) -> None:
        """Forget *config*, unless another has taken its place already."""
        if self._config is config:
            self._config = None


def _find_config(body: bytes) -> KeyConfig | None:
    try:
        return find_usable_config(parse_key_list(body), kem_ids=PREFERRED_KEMS)
    except MalformedRequest:
        return None


def age_seconds(head: OuterHead) -> int:
    """Return how long the answer with *head* may be kept, between one second and a day."""
    found = _MAX_AGE.search(head.headers.get("cache-control", "").lower())
    age = int(found.group(1)) if found else _DEFAULT_AGE_SECONDS
    return max(_LOWEST_AGE_SECONDS, min(age, _HIGHEST_AGE_SECONDS))
