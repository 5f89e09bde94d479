"""Stage 3: from an access token to a principal, checked against what is true now.

Of a token only the signature is remembered; revocation is asked on every call. When the snapshot
cannot be trusted (store lost for too long) ``current()`` raises ``StoreUnavailable`` and the call
is refused.
"""

from __future__ import annotations

from gateway.core.dpop import ProvenCall, ProvenKey
from gateway.core.errors import EncryptionRequired
from gateway.core.identity import Confirmation
from gateway.core.policy import verify_address
from gateway.core.ports import Clock, SnapshotSource
from gateway.core.possession import (
    NonceSource,
    PresentedToken,
    parse_presented_token,
    verify_possession,
)
from gateway.core.token_verifier import TokenVerifier
from gateway.pipeline.exchange import Authenticated, Decapsulated


class Authenticate:
    """Verifies the access token, that it is the caller's own, and where it may be used from.

    1. exactly one ``Authorization`` field, of the scheme ``Bearer`` or ``DPoP``
    2. signature, claims, client and revocation (``core.token_verifier``)
    3. the proof or the certificate that a bound token needs (``core.possession``); the URI that a
       proof is for is that of the request inside, whose authority is one of ours
    4. the client's own address allowlist
    5. a request that was not sealed only for clients that policy lets through

    *nonces* are required in proofs; without a source they are not.
    """

    def __init__(
        self,
        snapshots: SnapshotSource,
        verifier: TokenVerifier,
        clock: Clock,
        *,
        nonces: NonceSource | None,
    ) -> None:
        self._snapshots = snapshots
        self._verifier = verifier
        self._clock = clock
        self._nonces = nonces

    def __call__(self, decapsulated: Decapsulated) -> Authenticated:
        """Return the principal behind *decapsulated*.

        Raises ``InvalidToken``, ``ProofRequired``, ``AddressNotAllowed`` or
        ``EncryptionRequired``; ``RateLimited`` or ``Overloaded`` before a signature is checked for
        a stranger when too many were.
        """
        return decapsulated.attempt.do(self._authenticate, decapsulated)

    def _authenticate(self, decapsulated: Decapsulated) -> Authenticated:
        presented = parse_presented_token(  # 1
            decapsulated.request.headers, certificate=decapsulated.client_certificate
        )
        principal = self._verifier.verify(  # 2
            presented.token,
            snapshot=self._snapshots.current(),
            now=self._clock(),
            before_work=decapsulated.attempt.verify,
        )
        if presented.is_dpop:  # whoever stole the token can make us look at proofs
            decapsulated.attempt.verify()
        proven = self._verify_possession(presented, principal.confirmation, decapsulated)  # 3
        verify_address(decapsulated.address, principal.client.networks)  # 4
        if decapsulated.seal is None and not principal.client.plaintext_allowed:  # 5
            raise EncryptionRequired
        return Authenticated(principal=principal, decapsulated=decapsulated, proven=proven)

    def _verify_possession(
        self, presented: PresentedToken, confirmation: Confirmation, decapsulated: Decapsulated
    ) -> ProvenKey | None:
        request = decapsulated.request
        target = (request.authority + request.path).decode("latin-1")
        call = ProvenCall(request.method.decode("latin-1"), f"https://{target}", presented.token)
        nonces = self._nonces() if self._nonces and confirmation.jkt is not None else None
        return verify_possession(presented, confirmation, call, nonces=nonces, now=self._clock())
