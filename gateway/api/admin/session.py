"""Who calls the admin API: proved anew on every call, nothing is remembered between two.

1. exactly one ``Authorization: Bearer`` field (RFC 6750 §2.1)
2. signature, claims, client and revocation (``core.tokens``)
3. the client's own address allowlist
4. the permission: asked by the use case that the route calls
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from gateway.api.caller import caller_address
from gateway.control.actors import STAFF_ROLES
from gateway.control.room import ControlRoom
from gateway.core.errors import InvalidToken, PermissionDenied
from gateway.core.identity import Principal
from gateway.core.policy import verify_address
from gateway.core.tokens import verify_access_token


def get_room(request: Request) -> ControlRoom:
    """Return the control room that the app was built over."""
    room = request.app.state.room
    assert isinstance(room, ControlRoom)
    return room


def get_principal(request: Request) -> Principal:
    """Return who calls. Raises ``InvalidToken``, ``AddressNotAllowed``, ``PermissionDenied``.

    Only staff roles pass, whatever the path: an application has no business on this listener.
    """
    values = request.headers.getlist("authorization")
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")  # 1
    if scheme.lower() != "bearer":
        raise InvalidToken
    room = get_room(request)
    principal = verify_access_token(  # 2
        token,
        snapshot=room.snapshots.current(),
        expectations=room.tokens.rules.expectations,
        now=room.clock(),
    )
    verify_address(caller_address(request), principal.client.networks)  # 3
    if principal.client.role not in STAFF_ROLES:
        raise PermissionDenied
    return principal


Room = Annotated[ControlRoom, Depends(get_room)]
Caller = Annotated[Principal, Depends(get_principal)]
Limit = Annotated[int, Query(ge=1, le=200)]
Skip = Annotated[int, Query(ge=0, le=10_000_000)]
