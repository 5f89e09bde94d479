"""The gateway's public key from its signed document: trusted because of the pin, not of TLS.

A document that the pinned key did not sign, that has ended or that is older than one seen before is
never used, and there is no way back to unsigned keys.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from gateway.client.key_cache import age_seconds
from gateway.client.outer import (
    FRESH,
    GatewayRefused,
    KeysExpired,
    KeysNotSigned,
    KeysRolledBack,
    OuterAnswer,
    OuterRequest,
)
from gateway.core.key_document import (
    DocumentExpired,
    DocumentForged,
    DocumentMalformed,
    DocumentRolledBack,
    KeyDocument,
    verify_key_document,
)
from gateway.core.ohttp_keys import PREFERRED_KEMS, KeyConfig, encode_key_config

DOCUMENT_PATH: Final = "/encryption/keys"

_REQUEST: Final = OuterRequest(
    "GET", DOCUMENT_PATH, (("accept", "application/jose+json"), FRESH), max_seconds=30
)
_OK: Final = 200
_UNAVAILABLE: Final = 503
_BAD_GATEWAY: Final = 502


class SequenceMemory:
    """The number of the newest document seen, by pin; in *file* too, if there is one.

    Processes may share the file: each takes the higher number. Two that write at the same moment
    may leave the lower one, which the next document mends. A file that cannot be read as what we
    wrote raises ``KeysRolledBack``, since forgetting the number is what an attacker would want.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._seen: dict[str, int] = {}

    def get(self, pin: bytes) -> int:
        """Return the highest number seen, 0 for none."""
        return max(self._seen.get(pin.hex(), 0), self._read().get(pin.hex(), 0))

    def remember(self, pin: bytes, seq: int) -> None:
        """Keep *seq* unless a higher number is known. Raises ``OSError`` when it cannot be kept."""
        if seq <= self.get(pin):
            return
        self._seen[pin.hex()] = seq
        if self._file is not None:
            with NamedTemporaryFile("w", dir=self._file.parent, delete=False) as fresh:
                json.dump(self._read() | self._seen, fresh)
            Path(fresh.name).replace(self._file)

    def _read(self) -> dict[str, int]:
        if self._file is None or not self._file.exists():
            return {}
        try:
            found = json.loads(self._file.read_text("utf-8"))
        except ValueError:
            found = None
        if not isinstance(found, dict) or not all(type(seq) is int for seq in found.values()):
            raise KeysRolledBack("The state file with the last key document is damaged.")
        return found


class PinnedKeys:
    """Hold the verified document in use. Not locked: the transports see to that.

    Has the methods of :class:`gateway.client.key_cache.KeyCache`.
    """

    request: Final = _REQUEST

    def __init__(self, pin: bytes, *, memory: SequenceMemory) -> None:
        self._pin = pin
        self._memory = memory
        self._document: KeyDocument | None = None
        self._fetch_at: datetime | None = None

    def find(self, *, now: datetime) -> KeyConfig | None:
        """Return the configuration to seal to, or None when a document has to be fetched."""
        document = self._document
        if document is None or self._fetch_at is None or now >= self._fetch_at:
            return None
        return document.find_config(now=now, kem_ids=PREFERRED_KEMS)

    def store(self, answer: OuterAnswer, *, now: datetime) -> None:
        """Take the document of the answer.

        Raises ``GatewayRefused`` when there is none or it offers no key that this client can use,
        and ``UntrustedKeys`` when it must not be believed.
        """
        head = answer.head
        if head.status != _OK:
            raise GatewayRefused(
                _UNAVAILABLE,
                code="keys_unavailable",
                message="The gateway's signed key document could not be fetched.",
                retry_after=head.retry_after,
            )
        document = self._verify(answer, now)
        if document.find_config(now=now, kem_ids=PREFERRED_KEMS) is None:
            raise GatewayRefused(
                _BAD_GATEWAY,
                code="keys_unusable",
                message="The gateway offers no encryption key that this client can use.",
            )
        self._document = document
        self._fetch_at = min(document.expires_at, now + timedelta(seconds=age_seconds(head)))

    def drop(self, config: KeyConfig) -> None:
        """Have the document fetched again, unless one without *config* has replaced it already."""
        document, encoded = self._document, encode_key_config(config)
        if document is not None and any(key.config == encoded for key in document.keys):
            self._document = None

    def _verify(self, answer: OuterAnswer, now: datetime) -> KeyDocument:
        last_seq = self._memory.get(self._pin)
        try:
            document = verify_key_document(answer.body, pin=self._pin, now=now, last_seq=last_seq)
        except (DocumentForged, DocumentMalformed) as refused:
            raise KeysNotSigned(str(refused)) from None
        except DocumentExpired as refused:
            raise KeysExpired(str(refused)) from None
        except DocumentRolledBack as refused:
            raise KeysRolledBack(str(refused)) from None
        self._memory.remember(self._pin, document.seq)
        return document
