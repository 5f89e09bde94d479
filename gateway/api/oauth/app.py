"""The token service: RFC 6749 §4.4, 7009, 7517, 7523, 7662, 8414, 8705, 9449.

Every answer that depends on who asks says ``no-store``; every refusal has the shape of RFC 6749
§5.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response

from gateway.api.body_limit import BodyLimit
from gateway.api.call_limit import CallLimit
from gateway.api.oauth.credentials import parse_basic, parse_client_proof
from gateway.api.oauth.forms import MAX_FORM_BYTES, get_field, parse_form
from gateway.api.oauth.metadata import (
    INTROSPECTION_PATH,
    JWKS_PATH,
    METADATA_PATH,
    REVOCATION_PATH,
    describe_server,
)
from gateway.api.problems import oauth_error
from gateway.api.refusals import install_refusals
from gateway.control.client_authentication import ClientProof
from gateway.control.snapshot import SnapshotHolder
from gateway.control.tokens import TOKEN_PATH, DpopProof, Tokens
from gateway.core.errors import ProofRequired
from gateway.core.identity import Principal
from gateway.core.jws import encode_base64url
from gateway.core.ports import Clock
from gateway.core.secret import Secret

OAUTH_ROUTES: Final = (
    ("POST", TOKEN_PATH),
    ("POST", REVOCATION_PATH),
    ("POST", INTROSPECTION_PATH),
    ("GET", JWKS_PATH),
    ("GET", METADATA_PATH),
)
"""Every path of the service, with its method."""

MAX_CACHE_SECONDS: Final = 300
_CACHE_MARGIN_SECONDS: Final = 60
_NO_STORE: Final = {"Cache-Control": "no-store"}
_INACTIVE: Final = {"active": False}


@dataclass(frozen=True, slots=True)
class OauthServices:
    """What the service needs. *issuer* is the gateway's public origin, without a slash.

    *authorities* are further ``host:port`` by which clients may call it, *prepublish_seconds* is
    how long a new signing key is in the JWK set before it signs, *takes_certificates* says whether
    TLS asks clients for one.
    """

    tokens: Tokens
    snapshots: SnapshotHolder
    issuer: str
    clock: Clock
    authorities: frozenset[bytes] = frozenset()
    prepublish_seconds: int = MAX_CACHE_SECONDS + _CACHE_MARGIN_SECONDS
    takes_certificates: bool = False

    @property
    def cache_seconds(self) -> int:
        """How long the JWK set may be cached: a new key must be known before it signs."""
        return max(0, min(MAX_CACHE_SECONDS, self.prepublish_seconds - _CACHE_MARGIN_SECONDS))


def build_oauth_app(services: OauthServices, *, calls_per_minute: int = 120) -> FastAPI:
    """Return the app of :data:`OAUTH_ROUTES`. The caller's address is ``scope["client"]``.

    *calls_per_minute* bounds the calls of one address that check who the client is.
    """
    limit = Middleware(
        CallLimit,
        calls_per_minute=calls_per_minute,
        clock=services.clock,
        present=oauth_error,
        paths=[TOKEN_PATH, REVOCATION_PATH, INTROSPECTION_PATH],
    )
    body_limit = Middleware(BodyLimit, max_body_bytes=MAX_FORM_BYTES, present=oauth_error)
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[limit, body_limit],
    )
    install_refusals(app, oauth_error)
    _add_client_paths(app, services)
    _add_public_paths(app, services)
    return app


def _add_client_paths(app: FastAPI, services: OauthServices) -> None:
    @app.post(TOKEN_PATH)
    async def token(request: Request) -> Response:
        """Issue an access token (RFC 6749 §4.4)."""
        proof, fields = await _read(request)
        if get_field(fields, "grant_type") != "client_credentials":
            return _named_error("unsupported_grant_type")
        if "scope" in fields:
            return _named_error("invalid_scope")  # rights come from the operator alone
        issued = await services.tokens.issue(proof, _find_dpop_proof(request, services))
        body = {
            "access_token": issued.token.reveal(),
            "token_type": issued.token_type,
            "expires_in": issued.expires_in_seconds,
        }
        return JSONResponse(body, headers=_NO_STORE)

    @app.post(REVOCATION_PATH)
    async def revoke(request: Request) -> Response:
        """Withdraw a token of this client (RFC 7009). 200 also for a token that is not valid."""
        proof, fields = await _read(request)
        await services.tokens.revoke(proof, Secret(get_field(fields, "token")))
        return Response(headers=_NO_STORE)

    @app.post(INTROSPECTION_PATH)
    async def introspect(request: Request) -> Response:
        """Say what a token is (RFC 7662), to its own client and to operators."""
        proof, fields = await _read(request)
        found = await services.tokens.introspect(proof, Secret(get_field(fields, "token")))
        body = _INACTIVE if found is None else _describe_token(found, services)
        return JSONResponse(body, headers=_NO_STORE)


def _add_public_paths(app: FastAPI, services: OauthServices) -> None:
    described = orjson.dumps(
        describe_server(services.issuer, takes_certificates=services.takes_certificates)
    )

    @app.get(JWKS_PATH)
    async def jwks(request: Request) -> Response:
        """Return the public keys that verify access tokens (RFC 7517 §5)."""
        keys = {"keys": [dict(key) for key in services.snapshots.jwks()]}
        return _cached(request, orjson.dumps(keys), max_age_seconds=services.cache_seconds)

    @app.get(METADATA_PATH)
    async def metadata(request: Request) -> Response:
        """Return what a client needs to know of this server (RFC 8414 §3.2)."""
        return _cached(request, described, max_age_seconds=MAX_CACHE_SECONDS)


async def _read(request: Request) -> tuple[ClientProof, Mapping[str, str]]:
    """Return who calls by its own account, and the fields of the form.

    Raises ``InvalidClient``, ``MalformedRequest``, ``AddressNotAllowed``.
    """
    basic = parse_basic(request)
    fields = await parse_form(request)
    return parse_client_proof(request, basic, fields), fields


def _find_dpop_proof(request: Request, services: OauthServices) -> DpopProof | None:
    """Return the DPoP proof of the call, if it has one. Raises ``ProofRequired`` for two.

    It may be made for the issuer's address, or for the one in ``Host`` if that is ours.
    """
    values = request.headers.getlist("dpop")
    if not values:
        return None
    if len(values) != 1 or not values[0].isascii():
        raise ProofRequired
    host = request.headers.get("host", "").lower()
    uris = [f"{services.issuer}{TOKEN_PATH}"]
    if host.encode("latin-1") in services.authorities:
        uris.append(f"https://{host}{TOKEN_PATH}")
    return DpopProof(values[0], list(dict.fromkeys(uris)))


def _describe_token(principal: Principal, services: OauthServices) -> Mapping[str, Any]:
    rules, confirmation = services.tokens.rules, principal.confirmation
    described: dict[str, Any] = {
        "active": True,
        "client_id": principal.client.client_id,
        "sub": principal.client.client_id,
        "iss": rules.issuer,
        "aud": rules.audience,
        "exp": int(principal.expires_at.timestamp()),
        "iat": int(principal.issued_at.timestamp()),
        "jti": principal.jti,
        "token_type": "Bearer" if confirmation.jkt is None else "DPoP",
    }
    cnf = {"jkt": confirmation.jkt, "x5t#S256": confirmation.x5t_s256}
    bound = {name: value for name, value in cnf.items() if value is not None}
    return {**described, "cnf": bound} if bound else described


def _cached(request: Request, body: bytes, *, max_age_seconds: int) -> Response:
    """Return *body*, or 304 to who has it already (RFC 9110 §13.1.2)."""
    tag = f'"{encode_base64url(hashlib.sha256(body).digest())}"'
    headers = {"Cache-Control": f"max-age={max_age_seconds}", "ETag": tag}
    known = {name.strip().removeprefix("W/") for name in _if_none_match(request).split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _if_none_match(request: Request) -> str:
    return ",".join(request.headers.getlist("if-none-match"))


def _named_error(name: str) -> Response:
    """Answer with an error name that only the token endpoint knows (RFC 6749 §5.2)."""
    return JSONResponse({"error": name}, 400, headers=_NO_STORE)
