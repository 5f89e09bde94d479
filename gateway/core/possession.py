"""How an access token is presented, and what must come with it when it is bound to a key.

A token that is bound is worth nothing to whoever merely read it: with ``jkt`` each request needs a
DPoP proof by that key (RFC 9449 §7), with ``x5t#S256`` the connection needs that client certificate
(RFC 8705 §3). A token that is bound to both needs both.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.core.client_certificates import certificate_thumbprint
from gateway.core.dpop import DpopNonces, ProvenCall, ProvenKey, verify_proof
from gateway.core.errors import InvalidToken, ProofRequired
from gateway.core.identity import Confirmation

NonceSource = Callable[[], DpopNonces]
"""Returns what issues and verifies nonces now. Raises ``StoreUnavailable``."""

_IS_DPOP: Final = {b"bearer": False, b"dpop": True}


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A token as it was presented. Nothing but the *certificate* (DER, by TLS) was verified."""

    token: str = field(repr=False)
    is_dpop: bool
    proofs: tuple[bytes, ...] = field(repr=False)
    certificate: bytes | None = field(repr=False)


def parse_presented_token(
    headers: Iterable[tuple[bytes, bytes]], *, certificate: bytes | None
) -> PresentedToken:
    """Return the token in *headers*. *certificate* is that of the client, in DER.

    There must be one ``Authorization`` field, of the scheme ``Bearer`` (RFC 6750 §2.1) or ``DPoP``
    (RFC 9449 §7.1). Raises ``InvalidToken``.
    """
    fields = [(name.lower(), value) for name, value in headers]
    values = [value for name, value in fields if name == b"authorization"]
    if len(values) != 1:
        raise InvalidToken
    scheme, _, token = values[0].partition(b" ")
    is_dpop = _IS_DPOP.get(scheme.lower())
    if is_dpop is None or not token.isascii():
        raise InvalidToken
    proofs = tuple(value for name, value in fields if name == b"dpop")
    return PresentedToken(token.decode("ascii"), is_dpop, proofs, certificate)


def verify_possession(
    presented: PresentedToken,
    confirmation: Confirmation,
    call: ProvenCall,
    *,
    nonces: DpopNonces | None,
    now: datetime,
) -> ProvenKey | None:
    """Return the key that a proof was made with, or None for a token that needs no proof.

    *confirmation* is what the verified token is bound to. The proof still has to be claimed once.
    Raises ``InvalidToken`` or ``ProofRequired``.

    1. the client certificate, if the token is bound to one
    2. scheme ``DPoP`` for a token with a key and no other: not even with a good proof may a bound
       token come as a bearer token, or an unbound one pretend to be bound
    3. one proof, good for *call*, by the very key
    """
    _verify_certificate(presented.certificate, confirmation.x5t_s256)  # 1
    if presented.is_dpop != (confirmation.jkt is not None):  # 2
        raise InvalidToken
    if confirmation.jkt is None:
        return None
    if len(presented.proofs) != 1 or not presented.proofs[0].isascii():  # 3
        raise ProofRequired
    proven = verify_proof(presented.proofs[0].decode("ascii"), call, nonces=nonces, now=now)
    if not hmac.compare_digest(proven.jkt, confirmation.jkt):
        raise ProofRequired
    return proven


def _verify_certificate(certificate: bytes | None, x5t_s256: str | None) -> None:
    if x5t_s256 is None:
        return
    if certificate is None:
        raise InvalidToken
    if not hmac.compare_digest(certificate_thumbprint(certificate), x5t_s256):
        raise InvalidToken
