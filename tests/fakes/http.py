"""An HTTP client that calls an ASGI application without a server."""

from __future__ import annotations

from typing import Any

import httpx


def http(
    app: Any,
    *,
    address: str = "127.0.0.1",
    token: str | None = None,
    certificate: bytes | None = None,
) -> httpx.AsyncClient:
    """Return a client that calls *app* from *address*, with a bearer token if one is given.

    *certificate* (DER) is what TLS would say that it verified.
    """

    async def behind_tls(scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"] = {"tls": {"client_cert_der": certificate}}
        await app(scope, receive, send)

    if certificate is not None:
        return http(behind_tls, address=address, token=token)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 50_000))
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(
        transport=transport, base_url="https://gateway.example", headers=headers
    )
