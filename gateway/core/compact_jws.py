"""Signed messages in the compact serialisation (RFC 7515 §7.1): tokens, assertions, DPoP proofs.

PyJWT checks the signature; a strict parser stands in front of it and a strict reader of the claims
behind it, because JOSE and JSON libraries accept more than the standards do. What may be in a
header is listed for each use, so there is no ``crit``, ``jku`` or ``x5u`` to be followed, and the
key alone says by which algorithm it verifies. Every failure is ``Unreadable``, which the caller
turns into an error of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from jwt import InvalidTokenError, PyJWS
from jwt.algorithms import OKPAlgorithm

from gateway.core.jwk import SigningAlgorithm, VerificationKey, find_algorithm
from gateway.core.jws import Unreadable, parse_base64url, parse_object

MAX_COMPACT_CHARS: Final = 4096
_JWS: Final = PyJWS(algorithms=[algorithm.value for algorithm in SigningAlgorithm])
_JWS.register_algorithm("Ed25519", OKPAlgorithm())  # its name since RFC 9864; the key has the curve
_FORBIDDEN: Final = frozenset({"crit", "b64", "zip", "jku", "x5u"})
# A text that a log line, a key of the store or a header could carry as it is.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class CompactForm:
    """What a message of one use looks like.

    *types* are the values of ``typ``; *required* members must be in the header, *optional* ones may
    be, no others. With *ed25519_named* an ``alg`` may also be "Ed25519", as RFC 9864 has it and
    libraries of others write it. ``ValueError`` for a member that would have to be followed or
    obeyed.
    """

    types: frozenset[str]
    required: frozenset[str] = frozenset({"alg", "typ", "kid"})
    optional: frozenset[str] = frozenset()
    max_chars: int = MAX_COMPACT_CHARS
    ed25519_named: bool = False

    def __post_init__(self) -> None:
        if (self.required | self.optional) & _FORBIDDEN or "alg" not in self.required:
            raise ValueError("a header member that is never allowed, or no alg")


class UnverifiedJws(NamedTuple):
    """A message whose form is right and whose signature nobody has looked at."""

    header: Mapping[str, Any]
    payload: bytes
    compact: str

    def __repr__(self) -> str:
        return "UnverifiedJws(…)"

    @property
    def unverified_kid(self) -> str:
        """The key that it says to be signed by. Raises ``Unreadable`` when it says nothing."""
        return Claims(self.header).text("kid")


class Claims:
    """Reads the members of an object by name and type. Every method raises ``Unreadable``."""

    __slots__ = ("members",)

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.members = members

    def text(self, name: str, *, max_chars: int = 512) -> str:
        """Return a text of 1 to *max_chars* characters, none of them a control character."""
        value = self.members.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= max_chars:
            raise Unreadable
        if _UNPRINTABLE.search(value):
            raise Unreadable
        return value

    def find_text(self, name: str, *, max_chars: int = 512) -> str | None:
        """Return what :meth:`text` does, or None when there is no such member."""
        return self.text(name, max_chars=max_chars) if name in self.members else None

    def moment(self, name: str) -> datetime:
        """Return a NumericDate (RFC 7519 §2) of whole seconds."""
        value = self.members.get(name)
        # bool is an int in Python; a fraction is legal, but says nothing that is needed here.
        if type(value) is not int or value < 0:
            raise Unreadable
        try:
            return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError):
            raise Unreadable from None

    def find_moment(self, name: str) -> datetime | None:
        """Return what :meth:`moment` does, or None when there is no such member."""
        return self.moment(name) if name in self.members else None

    def object(self, name: str) -> Claims:
        """Return the members of an object inside."""
        value = self.members.get(name)
        if not isinstance(value, dict):
            raise Unreadable
        return Claims(value)

    def find_object(self, name: str) -> Claims | None:
        """Return what :meth:`object` does, or None when there is no such member."""
        return self.object(name) if name in self.members else None

    def audiences(self) -> frozenset[str]:
        """Return ``aud``, which is one text or a list of up to 16 (RFC 7519 §4.1.3)."""
        value = self.members.get("aud")
        values = value if isinstance(value, list) else [value]
        if not 0 < len(values) <= 16:
            raise Unreadable
        return frozenset(Claims({"aud": each}).text("aud") for each in values)


def parse_compact_jws(message: str, form: CompactForm) -> UnverifiedJws:
    """Return *message* taken apart, none of it verified. Raises ``Unreadable``.

    1. three non-empty parts of canonical base64url, within the limit (RFC 7515 §3.1)
    2. the header is a JSON object without duplicate members, with those of *form* and no others
    3. ``typ`` is one of *form* (RFC 8725 §3.11), ``alg`` is one that exists here
    """
    parts = message.split(".") if len(message) <= form.max_chars else []
    if len(parts) != 3 or not all(parts):  # 1
        raise Unreadable
    header_bytes, payload, _signature = (parse_base64url(part) for part in parts)
    header = parse_object(header_bytes)  # 2
    if not form.required <= header.keys() <= form.required | form.optional:
        raise Unreadable
    unverified = Claims(header)
    if "typ" in header and unverified.text("typ") not in form.types:  # 3
        raise Unreadable
    algorithm = find_algorithm(unverified.text("alg"))
    if algorithm is None or (algorithm != header["alg"] and not form.ed25519_named):
        raise Unreadable
    return UnverifiedJws(header, payload, message)


def verify_compact_jws(unverified_jws: UnverifiedJws, key: VerificationKey) -> Claims:
    """Return the claims if *key* signed them, by its one algorithm. Raises ``Unreadable``."""
    return Claims(parse_object(verify_payload(unverified_jws, key)))


def verify_payload(unverified_jws: UnverifiedJws, key: VerificationKey) -> bytes:
    """Return the payload, whatever it is, if *key* signed it. Raises ``Unreadable``."""
    name = unverified_jws.header["alg"]
    if find_algorithm(name) is not key.algorithm:
        raise Unreadable
    try:
        _JWS.decode(unverified_jws.compact, key.public, algorithms=[name])
    except InvalidTokenError:
        # The cause stays out of the chain: it would carry the message into a traceback.
        raise Unreadable from None
    return unverified_jws.payload
