"""The signed key document: which keys a client may seal to, signed by a key that the client pins.

TLS alone does not say whose keys these are: whoever terminates it can put its own in their place.
The document is a JWS in flattened JSON (RFC 7515 §7.2.2) over Ed25519 (RFC 8037 §3.1). It expires,
and its number grows with each change, so an old one cannot hide a revocation.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core import hpke
from gateway.core.errors import MalformedRequest
from gateway.core.jws import (
    Unreadable,
    encode_base64url,
    parse_base64url,
    parse_object,
    sign_jws,
    verify_jws,
)
from gateway.core.ohttp_keys import KeyConfig, find_usable_config, parse_key_config
from gateway.core.replay import MAX_SKEW_SECONDS

DOCUMENT_LIFETIME: Final = timedelta(seconds=3600)
"""The longest that a document is good for: how long a revocation can be kept from a client."""

DOCUMENT_TYPE: Final = "sealgate-keys+jws"
PIN_PREFIX: Final = "sealgate-pin-ed25519:"

_GATEWAY_PATH: Final = "/.well-known/ohttp-gateway"
_MAX_CHUNK_BYTES: Final = 16_384
_PIN_BYTES: Final = 32
_GROUP: Final = 4
_CLOCKS_DIFFER: Final = timedelta(seconds=MAX_SKEW_SECONDS)
_KEM: Final = re.compile(r"0x[0-9a-f]{4}", re.ASCII)


class DocumentRefused(Exception):
    """A key document that must not be used; the kinds below tell why.

    Not of the tree of ``errors``: the gateway never raises it, a client does.
    """


class DocumentForged(DocumentRefused):
    """Not signed by the pinned key, changed on the way, or no such document at all."""


class DocumentMalformed(DocumentRefused):
    """Signed by the pinned key, but it says something that this version cannot follow."""


class DocumentExpired(DocumentRefused):
    """Signed by the pinned key, but not good at this moment: too old, or from the future."""


class DocumentRolledBack(DocumentRefused):
    """Signed by the pinned key, but older than one that was seen before."""


class DocumentKeyStatus(StrEnum):
    """What a client may do with a key: seal to it only while it is ``active``."""

    ACTIVE = "active"
    RETIRING = "retiring"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """One encryption key. Times are whole seconds.

    *preference* and *config* belong to active keys: the lowest number is the one to take first.
    *config* is an encoded key configuration (RFC 9458 §3.1), of which *kid* is the SHA-256.
    """

    kid: str
    key_id: int
    kem_id: int
    status: DocumentKeyStatus
    preference: int | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    config: bytes | None = None


@dataclass(frozen=True, slots=True)
class KeyDocument:
    """All encryption keys of a gateway at one moment, and what it asks of a request."""

    issuer: str
    seq: int
    issued_at: datetime
    expires_at: datetime
    keys: tuple[DocumentKey, ...]
    gateway: str = _GATEWAY_PATH
    require_date: bool = True
    max_skew_seconds: int = MAX_SKEW_SECONDS
    max_chunk_bytes: int = _MAX_CHUNK_BYTES

    def find_config(self, *, now: datetime, kem_ids: Sequence[int]) -> KeyConfig | None:
        """Return the configuration to seal to *now*, or None.

        Among *kem_ids* the gateway's preference decides, not their order.
        """
        usable = [k for k in self.keys if k.kem_id in hpke.KEMS and _may_be_sealed_to(k, now)]
        usable.sort(key=lambda key: key.preference or 0)
        configs = [parse_key_config(key.config) for key in usable if key.config is not None]
        found = (find_usable_config([config], kem_ids=kem_ids) for config in configs)
        return next((config for config in found if config is not None), None)


def sign_key_document(document: KeyDocument, key: Ed25519PrivateKey) -> bytes:
    """Return *document* as a JWS in flattened JSON. Times are cut to whole seconds."""
    payload = json.dumps(_document_members(document), separators=(",", ":")).encode()
    return sign_jws(payload, key, typ=DOCUMENT_TYPE)


def verify_key_document(
    data: bytes, *, pin: bytes, now: datetime, last_seq: int = 0
) -> KeyDocument:
    """Return the document if the key *pin* signed it, it is good now and none newer was seen.

    *pin* is a raw Ed25519 public key, *last_seq* the highest number seen so far. Raises
    :class:`DocumentForged`, :class:`DocumentMalformed`, :class:`DocumentExpired` or
    :class:`DocumentRolledBack`, in this order of checks. Unknown members are skipped.
    """
    try:
        payload = verify_jws(data, pin, typ=DOCUMENT_TYPE)
    except Unreadable:
        raise DocumentForged("The key document is not signed by the pinned key.") from None
    try:
        document = _parse_document(parse_object(payload))
    except Unreadable:
        raise DocumentMalformed("The key document cannot be understood.") from None
    # The gateway's clock may be ahead of ours; that it is behind never matters.
    if document.issued_at - _CLOCKS_DIFFER > now or document.expires_at <= now:
        raise DocumentExpired("The key document is not valid at this moment.")
    if document.seq < last_seq:
        raise DocumentRolledBack("The key document is older than one seen before.")
    return document


def pin_fingerprint(public: bytes) -> str:
    """Return the SHA-256 of a public key in groups of four, to be read aloud and compared."""
    digest = hashlib.sha256(public).hexdigest()
    return " ".join(digest[at : at + _GROUP] for at in range(0, len(digest), _GROUP))


def encode_pin(public: bytes) -> str:
    """Return the text form of a pin, as it stands in a client's configuration."""
    return PIN_PREFIX + encode_base64url(public)


def parse_pin(text: str) -> bytes:
    """Return the raw public key of a pin's text form. Raises ``ValueError`` for anything else."""
    prefix, encoded = text[: len(PIN_PREFIX)], text[len(PIN_PREFIX) :]
    try:
        public = parse_base64url(encoded)
    except Unreadable:
        public = b""
    if prefix != PIN_PREFIX or len(public) != _PIN_BYTES:
        raise ValueError(f"a pin is {PIN_PREFIX} and 43 characters of base64url")
    return public


def _may_be_sealed_to(key: DocumentKey, now: datetime) -> bool:
    if key.status is not DocumentKeyStatus.ACTIVE:
        return False
    # A client whose clock is behind would refuse a key that was made a moment ago.
    begun = key.not_before is None or key.not_before - _CLOCKS_DIFFER <= now
    return begun and (key.expires_at is None or now < key.expires_at)


def _document_members(document: KeyDocument) -> dict[str, Any]:
    return {
        "iss": document.issuer,
        "seq": document.seq,
        "iat": int(document.issued_at.timestamp()),
        "exp": int(document.expires_at.timestamp()),
        "gateway": document.gateway,
        "require_date": document.require_date,
        "max_skew_s": document.max_skew_seconds,
        "max_chunk": document.max_chunk_bytes,
        "keys": [_key_members(key) for key in document.keys],
    }


def _key_members(key: DocumentKey) -> dict[str, Any]:
    times = {"nbf": key.not_before, "exp": key.expires_at, "revoked_at": key.revoked_at}
    members = {
        "kid": key.kid,
        "key_id": key.key_id,
        "kem": f"0x{key.kem_id:04x}",
        "status": key.status.value,
        "preference": key.preference,
        **{name: None if at is None else int(at.timestamp()) for name, at in times.items()},
        "ohttp_config": None if key.config is None else encode_base64url(key.config),
    }
    return {name: value for name, value in members.items() if value is not None}


def _parse_document(members: Mapping[str, Any]) -> KeyDocument:
    keys = members.get("keys")
    if not isinstance(keys, list) or type(members.get("require_date")) is not bool:
        raise Unreadable
    document = KeyDocument(
        issuer=_text(members, "iss"),
        seq=_number(members, "seq"),
        issued_at=_moment(members, "iat"),
        expires_at=_moment(members, "exp"),
        keys=tuple(_parse_key(key) for key in keys),
        gateway=_text(members, "gateway"),
        require_date=members["require_date"],
        max_skew_seconds=_number(members, "max_skew_s"),
        max_chunk_bytes=_number(members, "max_chunk"),
    )
    if not timedelta(0) < document.expires_at - document.issued_at <= DOCUMENT_LIFETIME:
        raise Unreadable
    if len({key.kid for key in document.keys}) != len(document.keys):
        raise Unreadable
    return document


def _parse_key(members: object) -> DocumentKey:
    if not isinstance(members, dict):
        raise Unreadable
    kem, status = _text(members, "kem"), _text(members, "status")
    if _KEM.fullmatch(kem) is None or status not in set(DocumentKeyStatus):
        raise Unreadable
    key = DocumentKey(
        kid=_text(members, "kid"),
        key_id=_number(members, "key_id"),
        kem_id=int(kem, 16),
        status=DocumentKeyStatus(status),
        preference=_number(members, "preference") if "preference" in members else None,
        not_before=_moment(members, "nbf") if "nbf" in members else None,
        expires_at=_moment(members, "exp") if "exp" in members else None,
        revoked_at=_moment(members, "revoked_at") if "revoked_at" in members else None,
        config=parse_base64url(_text(members, "ohttp_config"))
        if "ohttp_config" in members
        else None,
    )
    _verify_config(key)
    return key


def _verify_config(key: DocumentKey) -> None:
    """Refuse an active key that cannot be used, and one whose parts contradict each other."""
    if key.config is None:
        if key.status is DocumentKeyStatus.ACTIVE:
            raise Unreadable
        return
    if key.kid != encode_base64url(hashlib.sha256(key.config).digest()):
        raise Unreadable
    if key.kem_id not in hpke.KEMS:
        return  # of a later version; find_config passes over it
    try:
        config = parse_key_config(key.config)
    except MalformedRequest:
        raise Unreadable from None
    if (config.key_id, config.kem_id) != (key.key_id, key.kem_id):
        raise Unreadable


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable
    return value


def _number(members: Mapping[str, Any], name: str) -> int:
    value = members.get(name)
    # bool is an int in Python, and a fraction is never issued.
    if type(value) is not int or value < 0:
        raise Unreadable
    return value


def _moment(members: Mapping[str, Any], name: str) -> datetime:
    try:
        return datetime.fromtimestamp(_number(members, name), UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable from None
