"""Who calls the admin API: looked at anew on every call; of a token its signature is remembered.

All but the permission is proved by :class:`Gate`, which stands before everything else of the
application: of a call that it refuses no byte of the body is read and no path is looked at.

1. exactly one ``Authorization`` field, of the scheme ``Bearer`` or ``DPoP``
2. signature, claims, client and revocation (``core.token_verifier``)
3. the client's own address allowlist, and a role of the staff
4. the proof or the certificate that a bound token needs; a proof is taken once
5. the permission: asked by the use case that the route calls

2 and 3 are asked again by :class:`SecondLook` once the whole body is there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import Depends, Query, Request
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.caller import caller_address, client_certificate
from gateway.api.inference import raw_target
from gateway.api.problems import problem_json
from gateway.api.refusals import REQUEST_ID, refusal
from gateway.control.actors import STAFF_ROLES, Staff
from gateway.control.room import ControlRoom
from gateway.core.dpop import ProvenCall, ProvenKey
from gateway.core.errors import PermissionDenied, ProofRequired, Replayed, SealgateError
from gateway.core.identity import Principal
from gateway.core.policy import verify_address
from gateway.core.ports import ReplayStore
from gateway.core.possession import (
    NonceSource,
    PresentedToken,
    parse_presented_token,
    verify_possession,
)
from gateway.core.token_verifier import TokenVerifier

CALLER: Final = "sealgate.caller"
"""Where the scope has who calls, once that is proved."""


def get_room(request: Request) -> ControlRoom:
    """Return the control room that the app was built over."""
    room = request.app.state.room
    assert isinstance(room, ControlRoom)
    return room


def get_caller(request: Request) -> Staff:
    """Return who calls, as :class:`Gate` proved it."""
    caller = request.scope[CALLER]
    assert isinstance(caller, Staff)
    return caller


@dataclass(frozen=True, slots=True)
class Proofs:
    """What callers are proved with.

    *authorities* are the ``host:port`` by which this listener is called: a DPoP proof for another
    one does not count. *nonces* are required in proofs; without a source they are not.
    """

    verifier: TokenVerifier
    replay_store: ReplayStore
    authorities: frozenset[bytes]
    nonces: NonceSource | None


class Gate:
    """Lets calls of staff through to *app* and answers all others itself, in problem+json.

    *open_paths* are read by anybody.
    """

    def __init__(
        self, app: ASGIApp, *, room: ControlRoom, proofs: Proofs, open_paths: Collection[str]
    ) -> None:
        self._app = app
        self._room = room
        self._proofs = proofs
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call (ASGI 3)."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["path"] in self._open_paths and scope.get("method") == "GET":
            await self._app(scope, receive, send)
            return
        try:
            principal = await self._verify_staff(HTTPConnection(scope))
        except SealgateError as error:
            answer = refusal(error, problem_json)
            answer.headers["Connection"] = "close"  # the body, if there is one, is not read
            await answer(scope, receive, send)
            return
        caller = Staff(principal, scope[REQUEST_ID])
        await self._app({**scope, CALLER: caller}, receive, send)

    async def _verify_staff(self, connection: HTTPConnection) -> Principal:
        """Return who calls.

        Raises ``InvalidToken``, ``ProofRequired``, ``AddressNotAllowed``, ``PermissionDenied`` or
        ``StoreUnavailable``. Only staff roles pass, whatever the path: an application has no
        business on this listener.
        """
        presented, principal = _verify_token(connection, self._room, self._proofs)  # 1-3
        proven = self._verify_possession(presented, principal, connection)  # 4
        if proven is not None:
            await self._claim(proven)
        return principal

    def _verify_possession(
        self, presented: PresentedToken, principal: Principal, connection: HTTPConnection
    ) -> ProvenKey | None:
        scope, proofs = connection.scope, self._proofs
        host = connection.headers.get("host", "").lower()
        if presented.is_dpop and host.encode("latin-1") not in proofs.authorities:
            raise ProofRequired
        call = ProvenCall(scope["method"], f"https://{host}{raw_target(scope)}", presented.token)
        nonces = proofs.nonces() if proofs.nonces and presented.is_dpop else None
        return verify_possession(
            presented, principal.confirmation, call, nonces=nonces, now=self._room.clock()
        )

    async def _claim(self, proven: ProvenKey) -> None:
        try:
            await self._proofs.replay_store.claim(proven.jti_tag, until=proven.expires_at)
        except Replayed:
            raise ProofRequired from None


class SecondLook:
    """Lets a call through to *app* if its caller is as good as when :class:`Gate` let it in.

    Stands inside of what reads the whole body, which may take its time: who was withdrawn meanwhile
    would act once more. What the caller may do is as it is now.
    """

    def __init__(self, app: ASGIApp, *, room: ControlRoom, proofs: Proofs) -> None:
        self._app = app
        self._room = room
        self._proofs = proofs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call (ASGI 3)."""
        if CALLER in scope:
            try:
                _, principal = _verify_token(HTTPConnection(scope), self._room, self._proofs)
            except SealgateError as error:
                await refusal(error, problem_json)(scope, receive, send)
                return
            scope = {**scope, CALLER: replace(scope[CALLER], principal=principal)}
        await self._app(scope, receive, send)


def _verify_token(
    connection: HTTPConnection, room: ControlRoom, proofs: Proofs
) -> tuple[PresentedToken, Principal]:
    """Return the token of the call and who it is of, a member of the staff."""
    presented = parse_presented_token(  # 1
        connection.headers.raw, certificate=client_certificate(connection)
    )
    snapshot, now = room.snapshots.current(), room.clock()
    principal = proofs.verifier.verify(presented.token, snapshot=snapshot, now=now)  # 2
    verify_address(caller_address(connection), principal.client.networks)  # 3
    if principal.client.role not in STAFF_ROLES:
        raise PermissionDenied
    return presented, principal


Room = Annotated[ControlRoom, Depends(get_room)]
Caller = Annotated[Staff, Depends(get_caller)]
Limit = Annotated[int, Query(ge=1, le=200)]
Skip = Annotated[int, Query(ge=0, le=10_000_000)]
