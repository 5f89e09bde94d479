"""The key configurations."""

from __future__ import annotations

from gateway.api.discovery import build_key_configurations
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
