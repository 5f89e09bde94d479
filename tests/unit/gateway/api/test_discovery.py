"""The key configurations."""

from __future__ import annotations

from gateway.api.discovery import build_key_configurations, build_key_document
from gateway.core.ohttp_keys import parse_key_list
from tests.fakes.asgi import call, scope
from tests.fakes.world import RECIPIENT_KEY, FixedSnapshots


async def test_active_keys_are_published():
    """A client gets the keys it can seal to, with a life that ends before theirs."""
    app = build_key_configurations(FixedSnapshots())
    answer = await call(app, scope("GET", "/.well-known/ohttp-gateway"))
    assert answer.headers[b"content-type"] == b"application/ohttp-keys"
    assert answer.headers[b"cache-control"] == b"max-age=300, no-transform"
    assert parse_key_list(answer.body) == (RECIPIENT_KEY.config,)


class Documents:
    """A KeyDocumentSource."""

    def current(self) -> bytes:
        """Return a document."""
        return b"{}"


async def test_signed_document_is_published():
    """The document comes as signed, with a type of its own, and no cache may change it."""
    answer = await call(build_key_document(Documents()), scope("GET", "/encryption/keys"))
    assert answer.headers[b"content-type"] == b"application/jose+json"
    assert answer.headers[b"cache-control"] == b"max-age=300, no-transform"
    assert answer.body == b"{}"
