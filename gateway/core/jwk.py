"""Public keys that verify signatures, as JSON web keys (RFC 7517, RFC 7518 §6, RFC 8037 §2).

A key has one algorithm for all its life, so a token cannot choose how it is verified. What a key
says of itself must agree: type, curve, algorithm, use and operations. Two errors are told apart:
:class:`NotOurs` is a sound key for something else, which a set may well hold beside ours;
``Unreadable`` is a key that contradicts itself, is weak or carries a private member, and a set that
holds one is refused as a whole, since whoever writes such a set cannot be relied on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from gateway.core.jws import (
    Unreadable,
    encode_base64url,
    members_thumbprint,
    parse_base64url,
    parse_object,
)
from gateway.core.weak_keys import is_roca_modulus, is_weak_ed25519

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

MAX_SET_BYTES: Final = 1 << 18
MAX_SET_KEYS: Final = 64
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
_MIN_EXPONENT: Final = 65537
_MAX_EXPONENT_BITS: Final = 32  # a huge exponent makes each verification slow
_MAX_MEMBERS: Final = 32
_KID: Final = re.compile(r"[\x21-\x7e]{1,256}", re.ASCII)
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class SigningAlgorithm(StrEnum):
    """A signature algorithm that is verified here, by its JOSE name (RFC 7518 §3.1, RFC 8037)."""

    EDDSA = "EdDSA"
    ES256 = "ES256"
    RS256 = "RS256"
    PS256 = "PS256"


# RFC 9864 §2.2 names EdDSA over this curve, the only one here, after the curve; "EdDSA" goes on.
_BY_NAME: Final[Mapping[str, SigningAlgorithm]] = MappingProxyType(
    {
        **{algorithm.value: algorithm for algorithm in SigningAlgorithm},
        "Ed25519": SigningAlgorithm.EDDSA,
    }
)

RSA_ALGORITHMS: Final = frozenset({SigningAlgorithm.RS256, SigningAlgorithm.PS256})

_ALGORITHMS: Final[Mapping[str, frozenset[SigningAlgorithm]]] = MappingProxyType(
    {
        "OKP": frozenset({SigningAlgorithm.EDDSA}),
        "EC": frozenset({SigningAlgorithm.ES256}),
        "RSA": RSA_ALGORITHMS,
    }
)
_CURVES: Final[Mapping[str, str]] = MappingProxyType({"OKP": "Ed25519", "EC": "P-256"})


def find_algorithm(name: str) -> SigningAlgorithm | None:
    """Return the algorithm that JOSE calls *name*, or None for one that is not verified here."""
    return _BY_NAME.get(name)


class NotOurs(Unreadable):
    """A key of a type, curve, algorithm or use that does not concern this gateway."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, its name, and the one algorithm that it verifies."""

    kid: str
    algorithm: SigningAlgorithm
    public: PublicKey


def parse_jwk(
    members: Mapping[str, Any], *, rsa_algorithm: SigningAlgorithm | None = None
) -> VerificationKey:
    """Return the key that *members* describe; without a ``kid`` it is named by its thumbprint.

    An RSA key must say its algorithm, as it fits two. *rsa_algorithm* stands in for it where the
    caller knows the one that such a key is used with. Raises :class:`NotOurs` or ``Unreadable``.
    """
    if len(members) > _MAX_MEMBERS or _PRIVATE_MEMBERS & members.keys():
        raise Unreadable
    kty = _text(members, "kty")
    kid = members.get("kid")
    if kid is not None and not (isinstance(kid, str) and _KID.fullmatch(kid)):
        raise Unreadable
    algorithm = _parse_algorithm(members, kty, rsa_algorithm)
    _verify_use(members)
    public = _PARSERS[kty](members)
    return VerificationKey(kid or members_thumbprint(_members(public)), algorithm, public)


def parse_jwk_set(
    data: bytes, *, rsa_algorithm: SigningAlgorithm | None = None
) -> Mapping[str, VerificationKey]:
    """Return the keys of a JWK set (RFC 7517 §5) by ``kid``; those that are not ours are left out.

    Raises ``Unreadable`` for a set above :data:`MAX_SET_BYTES` or :data:`MAX_SET_KEYS`, with one
    malformed or weak key, or with two keys of one ``kid``. An empty set is an empty mapping.
    """
    if len(data) > MAX_SET_BYTES:
        raise Unreadable
    entries = parse_object(data).get("keys")
    if not isinstance(entries, list) or len(entries) > MAX_SET_KEYS:
        raise Unreadable
    keys: dict[str, VerificationKey] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            raise Unreadable
        try:
            key = parse_jwk(entry, rsa_algorithm=rsa_algorithm)
        except NotOurs:
            continue
        if key.kid in keys:
            raise Unreadable
        keys[key.kid] = key
    return MappingProxyType(keys)


def to_jwk(key: VerificationKey) -> dict[str, str]:
    """Return *key* as the members of a JWK, for signatures only."""
    return {**_members(key.public), "kid": key.kid, "use": "sig", "alg": key.algorithm.value}


def jwk_thumbprint(key: VerificationKey) -> str:
    """Return the SHA-256 thumbprint (RFC 7638 §3) of *key*, in base64url."""
    return members_thumbprint(_members(key.public))


def name_key(public: PublicKey, algorithm: SigningAlgorithm) -> VerificationKey:
    """Return *public* as a key that is named by its thumbprint."""
    return VerificationKey(members_thumbprint(_members(public)), algorithm, public)


def _parse_algorithm(
    members: Mapping[str, Any], kty: str, rsa_algorithm: SigningAlgorithm | None
) -> SigningAlgorithm:
    """Return the one algorithm of the key, which type, curve and ``alg`` agree on."""
    named = members.get("alg")
    if named is not None and not isinstance(named, str):
        raise Unreadable
    algorithm = None if named is None else find_algorithm(named)
    fitting = _ALGORITHMS.get(kty, frozenset())
    if kty in _CURVES and _text(members, "crv") != _CURVES[kty]:
        fitting = frozenset()
    if algorithm is not None and algorithm not in fitting:
        raise Unreadable  # it claims to be ours, and contradicts itself
    if named is None and kty == "RSA":
        algorithm = rsa_algorithm
    elif named is None and fitting:
        (algorithm,) = fitting
    if algorithm is None or algorithm not in fitting:
        raise NotOurs
    return algorithm


def _verify_use(members: Mapping[str, Any]) -> None:
    """Refuse a key that may not verify, or that may do something unrelated too (RFC 7517 §4.3)."""
    use, operations = members.get("use"), members.get("key_ops")
    if use is not None and not isinstance(use, str):
        raise Unreadable
    if operations is not None:
        if not isinstance(operations, list) or not all(isinstance(op, str) for op in operations):
            raise Unreadable
        if len(set(operations)) != len(operations):
            raise Unreadable
        verifies = "verify" in operations
        if verifies and not set(operations) <= {"sign", "verify"}:
            raise Unreadable
        if use is not None and verifies != (use == "sig"):
            raise Unreadable  # RFC 7517 §4.3: both may be there, if they agree
        if not verifies:
            raise NotOurs
    if use not in {None, "sig"}:
        raise NotOurs


def _parse_okp(members: Mapping[str, Any]) -> PublicKey:
    raw = parse_base64url(_text(members, "x"))
    if len(raw) != 32 or is_weak_ed25519(raw):
        raise Unreadable
    return Ed25519PublicKey.from_public_bytes(raw)


def _parse_ec(members: Mapping[str, Any]) -> PublicKey:
    x, y = parse_base64url(_text(members, "x")), parse_base64url(_text(members, "y"))
    if len(x) != 32 or len(y) != 32:
        raise Unreadable
    return _load(EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), SECP256R1()))


def _parse_rsa(members: Mapping[str, Any]) -> PublicKey:
    n, e = _unsigned(members, "n"), _unsigned(members, "e")
    if not MIN_RSA_BITS <= n.bit_length() <= MAX_RSA_BITS or n % 2 == 0 or is_roca_modulus(n):
        raise Unreadable
    if e < _MIN_EXPONENT or e % 2 == 0 or e.bit_length() > _MAX_EXPONENT_BITS:
        raise Unreadable
    return _load(RSAPublicNumbers(e, n))


def _load(numbers: EllipticCurvePublicNumbers | RSAPublicNumbers) -> PublicKey:
    try:
        return numbers.public_key()  # which checks that a point is on its curve
    except ValueError:
        raise Unreadable from None


_PARSERS: Final = MappingProxyType({"OKP": _parse_okp, "EC": _parse_ec, "RSA": _parse_rsa})


def _members(public: PublicKey) -> dict[str, str]:
    """Return the members that make the key what it is (RFC 7638 §3.2, RFC 8037 §2)."""
    if isinstance(public, Ed25519PublicKey):
        raw = public.public_bytes_raw()
        return {"crv": "Ed25519", "kty": "OKP", "x": encode_base64url(raw)}
    if isinstance(public, EllipticCurvePublicKey):
        point = public.public_numbers()
        x, y = (encode_base64url(number.to_bytes(32)) for number in (point.x, point.y))
        return {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    numbers = public.public_numbers()
    e, n = (
        encode_base64url(number.to_bytes((number.bit_length() + 7) // 8))
        for number in (numbers.e, numbers.n)
    )
    return {"e": e, "kty": "RSA", "n": n}


def _unsigned(members: Mapping[str, Any], name: str) -> int:
    """Return a number in its one spelling: no octet more than it needs (RFC 7518 §2)."""
    text = _text(members, name)
    if len(text) > MAX_RSA_BITS // 6 + 2:
        raise Unreadable
    raw = parse_base64url(text)
    if raw[0] == 0:
        raise Unreadable
    return int.from_bytes(raw)


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable
    return value
