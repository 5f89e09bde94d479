"""Stage 3: from an access token to a principal, checked against what is true now.

Revocation is asked on every call; no result is remembered. When the snapshot cannot be trusted
(store lost for too long) ``current()`` raises ``StoreUnavailable`` and the call is refused.
"""

from __future__ import annotations

from gateway.core.errors import EncryptionRequired, InvalidToken
from gateway.core.policy import verify_address
from gateway.core.ports import Clock, SnapshotSource
from gateway.core.tokens import Expectations, verify_access_token
from gateway.pipeline.exchange import Authenticated, Decapsulated, Headers


class Authenticate:
    """Verifies the bearer token (RFC 6750 §2.1) and where it may be used from.

    1. exactly one ``Authorization: Bearer`` field
    2. signature, claims, client and revocation (``core.tokens``)
    3. the client's own address allowlist
    4. a request that was not sealed only for clients that policy lets through
    """

    def __init__(self, snapshots: SnapshotSource, expectations: Expectations, clock: Clock) -> None:
        self._snapshots = snapshots
        self._expectations = expectations
        self._clock = clock

    def __call__(self, decapsulated: Decapsulated) -> Authenticated:
        """Return the principal behind *decapsulated*.

        Raises ``InvalidToken``, ``AddressNotAllowed`` or ``EncryptionRequired``.
        """
        token = _bearer_token(decapsulated.request.headers)  # 1
        principal = verify_access_token(  # 2
            token,
            snapshot=self._snapshots.current(),
            expectations=self._expectations,
            now=self._clock(),
        )
        verify_address(decapsulated.address, principal.client.networks)  # 3
        if decapsulated.seal is None and not principal.client.plaintext_allowed:  # 4
            raise EncryptionRequired
        return Authenticated(principal=principal, decapsulated=decapsulated)


def _bearer_token(headers: Headers) -> str:
    values = [value for name, value in headers if name.lower() == b"authorization"]
    if len(values) != 1:
        raise InvalidToken
    scheme, _, token = values[0].partition(b" ")
    if scheme.lower() != b"bearer" or not token.isascii():
        raise InvalidToken
    return token.decode("ascii")
