"""The token endpoint and what belongs to it: RFC 6749 §4.4, RFC 7009, RFC 7517, RFC 8414.

Clients authenticate with ``client_secret_basic`` only. Every answer of the token endpoint says
``no-store``; every refusal has the shape of RFC 6749 §5.2.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

from fastapi import FastAPI, Request
from slowapi import Limiter
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response

from gateway.api.body_limit import BodyLimit
from gateway.api.caller import caller_address, rate_limit_key
from gateway.api.problems import oauth_error
from gateway.api.refusals import install_refusals
from gateway.control.snapshot import SnapshotHolder
from gateway.control.tokens import ClientProof, Tokens
from gateway.core.errors import InvalidClient, MalformedRequest
from gateway.core.secret import Secret

MAX_FORM_BYTES: Final = 8192
MAX_FORM_FIELDS: Final = 16
_MAX_AUTHORIZATION_CHARS: Final = 1024
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
# RFC 6749 §2.3.1 has both halves form-urlencoded before Basic joins them with a colon.
_BASIC: Final = re.compile(r"basic +([A-Za-z0-9+/]+={0,2})", re.ASCII | re.IGNORECASE)
_NO_STORE: Final = {"Cache-Control": "no-store"}
_Handler = Callable[[Request], Awaitable[Response]]
_Decorator = Callable[[_Handler], _Handler]
_CACHED: Final = {"Cache-Control": "max-age=300"}


@dataclass(frozen=True, slots=True)
class OauthServices:
    """What the OAuth paths need. *issuer* is the gateway's public origin, without a slash."""

    tokens: Tokens
    snapshots: SnapshotHolder
    issuer: str


class _Limiter(Limiter):
    """A limiter that is what its arguments say.

    slowapi lets RATELIMIT_* variables overrule them, so that the environment could switch it off.
    """

    def get_app_config(self, key: str, default_value: Any = None) -> Any:  # noqa: ARG002
        """Return the default, whatever environment or file say."""
        return default_value


def build_oauth_app(services: OauthServices, *, calls_per_address: str = "60/minute") -> FastAPI:
    """Return the app of ``/oauth2/*`` and ``/.well-known/oauth-authorization-server``.

    *calls_per_address* bounds the calls that check a secret, in slowapi's notation. The
    caller's address is ``scope["client"]``.
    """
    limiter = _Limiter(
        key_func=rate_limit_key,
        storage_uri="memory://",
        enabled=True,
        # Without a name it would read .env in the working directory; it wants one that exists.
        config_filename=__file__,
    )
    body_limit = Middleware(BodyLimit, max_body_bytes=MAX_FORM_BYTES, present=oauth_error)
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[body_limit],
    )
    app.state.limiter = limiter
    install_refusals(app, oauth_error)
    _add_secret_paths(app, services, limiter.shared_limit(calls_per_address, scope="secrets"))
    _add_public_paths(app, services)
    return app


def _add_secret_paths(app: FastAPI, services: OauthServices, limited: _Decorator) -> None:
    @app.post("/oauth2/token")
    @limited
    async def token(request: Request) -> Response:
        """Issue an access token (RFC 6749 §4.4)."""
        proof = _client_proof(request)
        fields = await _form(request)
        if "grant_type" not in fields:
            raise MalformedRequest("The field grant_type is missing.")
        if fields["grant_type"] != "client_credentials":
            return _named_error("unsupported_grant_type")
        if fields.get("scope"):
            return _named_error("invalid_scope")  # rights come from the operator alone
        issued = await services.tokens.issue(proof)
        body = {
            "access_token": issued.token.reveal(),
            "token_type": "Bearer",
            "expires_in": issued.expires_in_seconds,
        }
        return JSONResponse(body, headers=_NO_STORE)

    @app.post("/oauth2/revoke")
    @limited
    async def revoke(request: Request) -> Response:
        """Withdraw a token of this client (RFC 7009). 200 also for a token that is not valid."""
        proof = _client_proof(request)
        fields = await _form(request)
        unverified_token = fields.get("token")
        if not unverified_token:
            raise MalformedRequest("The field token is missing.")
        await services.tokens.revoke(proof, Secret(unverified_token))
        return Response(headers=_NO_STORE)


def _add_public_paths(app: FastAPI, services: OauthServices) -> None:
    @app.get("/oauth2/jwks")
    async def jwks() -> Response:
        """Return the public keys that verify access tokens (RFC 7517 §5)."""
        return JSONResponse(
            {"keys": [dict(key) for key in services.snapshots.jwks()]}, headers=_CACHED
        )

    @app.get("/.well-known/oauth-authorization-server")
    async def metadata() -> Response:
        """Return what a client needs to know of this server (RFC 8414 §3.2)."""
        return JSONResponse(_metadata(services.issuer), headers=_CACHED)


def _metadata(issuer: str) -> Mapping[str, object]:
    methods = ["client_secret_basic"]
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth2/token",
        "revocation_endpoint": f"{issuer}/oauth2/revoke",
        "jwks_uri": f"{issuer}/oauth2/jwks",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
    }


def _client_proof(request: Request) -> ClientProof:
    """Read HTTP Basic (RFC 7617) as RFC 6749 §2.3.1 wants it. Raises ``InvalidClient``."""
    values = request.headers.getlist("authorization")
    if len(values) != 1 or len(values[0]) > _MAX_AUTHORIZATION_CHARS:
        raise InvalidClient
    match = _BASIC.fullmatch(values[0])
    if match is None:
        raise InvalidClient
    try:
        decoded = b64decode(match[1], validate=True).decode("ascii")
        client_id, colon, secret = decoded.partition(":")
        proof = ClientProof(
            unquote_plus(client_id, errors="strict"),
            Secret(unquote_plus(secret, errors="strict")),
            caller_address(request),
        )
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidClient from None
    if not colon or not proof.client_id or not secret:
        raise InvalidClient
    return proof


async def _form(request: Request) -> Mapping[str, str]:
    """Parse the body strictly: each field once (RFC 6749 §3.2). Raises ``MalformedRequest``."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _FORM_TYPE:
        raise MalformedRequest(f"The body must be {_FORM_TYPE}.")
    try:
        pairs = parse_qsl(
            (await request.body()).decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except ValueError:
        raise MalformedRequest from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedRequest("A field appears twice.")
    if "client_secret" in fields or "client_id" in fields:
        # RFC 6749 §2.3: one way of authenticating per request, and ours is the header.
        raise MalformedRequest("Client credentials belong in the Authorization header.")
    return fields


def _named_error(name: str) -> Response:
    """Answer with an error name that only the token endpoint knows (RFC 6749 §5.2)."""
    return JSONResponse({"error": name}, 400, headers=_NO_STORE)
