"""``GET /.well-known/ohttp-gateway``: the key configurations to seal requests to (RFC 9540 §4).

The list holds active keys only, in the order in which a simple client should take them.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.core.ports import SnapshotSource

KEYS_MEDIA_TYPE = "application/ohttp-keys"
_MAX_AGE_SECONDS = 300  # a client may seal to a key for this long after it was taken off the list


def build_key_configurations(snapshots: SnapshotSource) -> ASGIApp:
    """Return the ASGI application that serves the current key configurations."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        response = Response(
            snapshots.current().key_configurations,
            media_type=KEYS_MEDIA_TYPE,
            headers={"cache-control": f"max-age={_MAX_AGE_SECONDS}, no-transform"},
        )
        await response(scope, receive, send)

    return serve
