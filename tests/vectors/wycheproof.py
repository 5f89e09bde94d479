"""Project Wycheproof against the primitives as this code uses them.

Each function yields one result per case: True where valid input gave the published output or
invalid input was refused, False where not, None where the case cannot arise here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from gateway.core import hpke, xwing
from gateway.core.compact_jws import CompactForm, parse_compact_jws, verify_payload
from gateway.core.errors import OpenFailed
from gateway.core.jwk import VerificationKey, parse_jwk, parse_jwk_set
from gateway.core.jws import Unreadable
from tests.vectors import mlkem768
from tests.vectors.tally import Tally, count, raw, shared

Cases = Iterator[tuple[dict[str, Any], dict[str, bytes], dict[str, Any]]]
Results = Iterator[bool | None]


def cases(name: str) -> Cases:
    """Yield each case as published, its values as bytes, and its group."""
    for group in shared(f"wycheproof/{name}_test.json")["testGroups"]:
        for case in group["tests"]:
            yield case, raw(case), group


def _refused(call: Callable[[], object], *errors: type[Exception]) -> bool:
    try:
        call()
    except errors:
        return True
    return False


def aes_gcm() -> Results:
    """Open and seal with ``SequencedAead``; its nonces always have 12 bytes."""
    for case, value, group in cases("aes_gcm"):
        if group["ivSize"] != 96 or group["tagSize"] != 128:
            yield None
            continue
        aead, other = (hpke.SequencedAead(value["key"], value["iv"]) for _ in range(2))
        sealed, aad = value["ct"] + value["tag"], value["aad"]
        if case["result"] == "invalid":
            yield _refused(lambda: aead.open(sealed, aad=aad), OpenFailed)  # noqa: B023  # called now
        else:
            opened = aead.open(sealed, aad=aad)
            yield opened == value["msg"] and other.seal(opened, aad=aad) == sealed


def hkdf_sha256() -> Results:
    """Extract and expand as the key schedule does."""
    for case, value, _ in cases("hkdf_sha256"):
        prk = hpke.hkdf_extract(value["salt"], value["ikm"])
        size = case["size"]
        if case["result"] == "invalid":
            yield _refused(lambda: hpke.hkdf_expand(prk, value["info"], size), ValueError)  # noqa: B023
        else:
            yield hpke.hkdf_expand(prk, value["info"], size) == value["okm"]


def x25519() -> Results:
    """Exchange as ``X25519Key`` does; an all-zero result must be refused (RFC 9180 §7.1.4)."""
    for case, value, _ in cases("x25519"):
        if len(value["public"]) != 32:
            yield None
            continue
        key, public = hpke.X25519Key(value["private"]), value["public"]
        if "ZeroSharedSecret" in case["flags"]:
            yield _refused(lambda: key.decapsulate(public), OpenFailed)  # noqa: B023  # called now
            continue
        own = X25519PrivateKey.from_private_bytes(value["private"])
        agreed = own.exchange(X25519PublicKey.from_public_bytes(public)) == value["shared"]
        derived = hpke._x25519_secret(value["shared"], public, key.public_key)
        yield agreed and key.decapsulate(public) == derived


def mlkem_768() -> Results:
    """Expand a seed, encode the public key and decapsulate, implicit rejection included."""
    for case, value, _ in cases("mlkem_768"):
        if case["result"] == "invalid":
            yield _refused(
                lambda: MLKEM768PrivateKey.from_seed_bytes(value["seed"]).decapsulate(value["c"]),  # noqa: B023
                ValueError,
            )
            continue
        key = MLKEM768PrivateKey.from_seed_bytes(value["seed"])
        same_key = key.public_key().public_bytes_raw() == value["ek"]
        yield same_key and key.decapsulate(value["c"]) == value["K"]


def mlkem_768_keygen_seed() -> Results:
    """Expand a seed; the expanded private key itself is never visible."""
    for _, value, _ in cases("mlkem_768_keygen_seed"):
        key = MLKEM768PrivateKey.from_seed_bytes(value["seed"])
        yield key.public_key().public_bytes_raw() == value["ek"]


def mlkem_768_encaps() -> Results:
    """Refuse bad keys as ``XWingKem`` does; with good ones check the encapsulation of the tests."""
    for case, value, _ in cases("mlkem_768_encaps"):
        if case["result"] == "invalid":
            yield _refused(lambda: xwing.encapsulate_mlkem(value["ek"]), ValueError)  # noqa: B023
            continue
        _, ciphertext = xwing.encapsulate_mlkem(value["ek"])
        published = (value["K"], value["c"])
        reproduced = mlkem768.encapsulate(value["ek"], message=value["m"]) == published
        yield reproduced and len(ciphertext) == len(value["c"])


def mlkem_768_semi_expanded_decaps() -> Results:
    """Load expanded private keys, which this code never does: keys here are seeds."""
    for _ in cases("mlkem_768_semi_expanded_decaps"):
        yield None


def ed25519() -> Results:
    """Verify as access tokens and key documents are verified."""
    for case, value, group in cases("ed25519"):
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        refused = _refused(lambda: key.verify(value["sig"], value["msg"]), InvalidSignature)  # noqa: B023
        yield refused == (case["result"] == "invalid")


_ANY_HEADER = CompactForm(
    types=frozenset({"JWT", "JOSE"}),
    required=frozenset({"alg"}),
    optional=frozenset({"typ", "kid", "cty"}),
    max_chars=1 << 16,
)
# 367 and 370 are byte for byte a message that is labelled valid elsewhere; 372 and 373 are labelled
# valid although a question mark, which is not base64url, stands in them.
_DEFECTIVE = {367, 370, 372, 373}


def _is_signed(message: object, key: VerificationKey) -> bool:
    if not isinstance(message, str):
        return False  # the JSON serialisation, which is not read
    try:
        verify_payload(parse_compact_jws(message, _ANY_HEADER), key)
    except Unreadable:
        return False
    return True


def json_web_signature() -> Results:
    """Verify as tokens, assertions and proofs are verified. No invalid case may pass."""
    return signatures((case, group) for case, _, group in cases("json_web_signature"))


def signatures(pairs: Iterable[tuple[dict[str, Any], dict[str, Any]]]) -> Results:
    """Yield a result for each case and its group."""
    for case, group in pairs:
        if case["tcId"] in _DEFECTIVE:
            yield None
            continue
        try:
            key = parse_jwk(group.get("public") or group["private"])
        except Unreadable:
            # Nothing verifies with a key that is refused, so no invalid case passes either.
            yield None if case["result"] == "valid" else True
            continue
        accepted = _is_signed(case["jws"], key)
        if case["result"] == "invalid":
            yield not accepted
        else:
            yield True if accepted else None


def json_web_key() -> Results:
    """Read each set as that of an issuer; then a message must name one of its keys."""
    for case, _, group in cases("json_web_key"):
        if case["result"] == "valid":
            yield None  # keys for HMAC, and private halves of others: never read here
            continue
        try:
            keys = parse_jwk_set(json.dumps(group.get("public") or group["private"]).encode())
            unverified = parse_compact_jws(case["jws"], _ANY_HEADER)
            verify_payload(unverified, keys[unverified.unverified_kid])
        except (Unreadable, KeyError):
            yield True
        else:
            yield False


FILES: dict[str, tuple[Callable[[], Results], str]] = {
    "aes_gcm": (aes_gcm, "nonces of another length than 12 bytes"),
    "hkdf_sha256": (hkdf_sha256, ""),
    "x25519": (x25519, ""),
    "mlkem_768": (mlkem_768, ""),
    "mlkem_768_keygen_seed": (mlkem_768_keygen_seed, ""),
    "mlkem_768_encaps": (mlkem_768_encaps, ""),
    "mlkem_768_semi_expanded_decaps": (
        mlkem_768_semi_expanded_decaps,
        "expanded private keys, which cannot be loaded",
    ),
    "ed25519": (ed25519, ""),
    "json_web_signature": (
        json_web_signature,
        "other algorithms, JSON serialisation, empty payloads; 4 defective cases",
    ),
    "json_web_key": (json_web_key, "valid sets of secret or private keys"),
}
"""The files that concern this code, and what of each is left out."""


def run(name: str) -> Tally:
    """Return the tally of one file."""
    check, left_out = FILES[name]
    return count(f"wycheproof/{name}_test.json", check(), left_out=left_out)
