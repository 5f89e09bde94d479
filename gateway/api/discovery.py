"""What tells clients which keys to seal to.

``GET /.well-known/ohttp-gateway`` gives the key configurations (RFC 9540 §4): active keys only, in
the order in which a simple client should take them. ``GET /encryption/keys`` gives the signed key
document, for clients that pin its key.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.core.ports import KeyDocumentSource, SnapshotSource

KEYS_MEDIA_TYPE = "application/ohttp-keys"
DOCUMENT_PATH = "/encryption/keys"
DOCUMENT_MEDIA_TYPE = "application/jose+json"
_MAX_AGE_SECONDS = 300  # a client may seal to a key for this long after it was taken off the list
_HEADERS = {"cache-control": f"max-age={_MAX_AGE_SECONDS}, no-transform"}


def build_key_configurations(snapshots: SnapshotSource) -> ASGIApp:
    """Return the ASGI application that serves the current key configurations."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        response = Response(
            snapshots.current().key_configurations,
            media_type=KEYS_MEDIA_TYPE,
            headers=_HEADERS,
        )
        await response(scope, receive, send)

    return serve


def build_key_document(documents: KeyDocumentSource) -> ASGIApp:
    """Return the ASGI application that serves the signed key document (RFC 7515 §9.2.1)."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        response = Response(documents.current(), media_type=DOCUMENT_MEDIA_TYPE, headers=_HEADERS)
        await response(scope, receive, send)

    return serve
