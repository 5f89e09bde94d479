"""The access token: fetched with the client's credentials, renewed before it ends.

RFC 6749 §4.4 with ``client_secret_basic``. The token is later used only inside sealed requests.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from gateway.client.account import Account
from gateway.client.outer import GatewayRefused, OuterAnswer, OuterRequest
from gateway.core.secret import Secret

TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105  # a path

_RENEW_BEFORE: Final = timedelta(seconds=60)
_RENEW_SHARE: Final = 10
_RENEW_AGAIN: Final = timedelta(seconds=15)
_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 §2.1
_HIGHEST_LIFETIME_SECONDS: Final = 86400
_OK: Final = 200
_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
_BAD_GATEWAY: Final = 502
_UNAVAILABLE: Final = 503


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """An access token, the time from which a new one is fetched, and the end of its life."""

    value: Secret[str]
    renew_at: datetime
    expires_at: datetime


class TokenCache:
    """Hold the access token in use. Not locked: the transports see to that."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._token: Token | None = None

    def find(self, *, now: datetime) -> Token | None:
        """Return the token, or None when one has to be fetched.

        That is so when less than 60 s or a tenth of its life remain; a token of less than two
        minutes is used for half of its life.
        """
        token = self._token
        return token if token is not None and now < token.renew_at else None

    def has_living(self, *, now: datetime) -> bool:
        """Say whether the token is still good, even if it should be renewed."""
        return self._token is not None and now < self._token.expires_at

    def postpone(self, *, now: datetime) -> None:
        """Use a living token a while longer: its renewal is under way, or has just failed."""
        token = self._token
        if token is not None and now < token.expires_at:
            renew_at = min(now + _RENEW_AGAIN, token.expires_at)
            self._token = Token(token.value, renew_at, token.expires_at)

    def request(self, proof: str | None = None) -> OuterRequest:
        """Return the token request, with a DPoP *proof* if one is given.

        Its headers hold the client secret.
        """
        form = {"grant_type": "client_credentials"}
        if self._account.scope is not None:
            form["scope"] = self._account.scope
        headers = (
            ("authorization", self._account.basic_credentials),
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
            *(() if proof is None else (("dpop", proof),)),
        )
        body = urlencode(form).encode("ascii")
        return OuterRequest("POST", TOKEN_PATH, headers, body, max_seconds=30)

    def store(self, answer: OuterAnswer, *, now: datetime) -> None:
        """Take the token of the answer; ``GatewayRefused`` when there is none in it."""
        if answer.head.status != _OK:
            raise _refusal(answer)
        # A token that is not bound although that was asked for would be a silent step down.
        kind = "dpop" if self._account.dpop else "bearer"
        value, lifetime_seconds = _parse_token(answer, kind)
        lifetime = timedelta(seconds=lifetime_seconds)
        margin = min(max(_RENEW_BEFORE, lifetime / _RENEW_SHARE), lifetime / 2)
        self._token = Token(Secret(value), now + lifetime - margin, now + lifetime)

    def drop(self, token: Token) -> None:
        """Forget *token*, unless another has taken its place already."""
        if self._token is not None and self._token.value is token.value:
            self._token = None


def wants_nonce(answer: OuterAnswer) -> bool:
    """Say whether the token endpoint refused a proof for its nonce alone (RFC 9449 §8)."""
    refused = answer.head.status in {_BAD_REQUEST, _UNAUTHORIZED}
    return refused and _parse_object(answer).get("error") == "use_dpop_nonce"


def _parse_token(answer: OuterAnswer, kind: str) -> tuple[str, int]:
    document = _parse_object(answer)
    value = document.get("access_token")
    lifetime = document.get("expires_in")
    if (
        isinstance(value, str)
        and _TOKEN.fullmatch(value)
        and type(lifetime) is int
        and 0 < lifetime <= _HIGHEST_LIFETIME_SECONDS
        and str(document.get("token_type")).lower() == kind
    ):
        return value, lifetime
    raise GatewayRefused(
        _BAD_GATEWAY,
        code="token_unusable",
        message="The gateway's token endpoint sent something that is no token as it was asked for.",
    )


def _parse_object(answer: OuterAnswer) -> dict[str, Any]:
    if answer.head.media_type != "application/json" or answer.head.is_encoded:
        return {}
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _refusal(answer: OuterAnswer) -> GatewayRefused:
    status = answer.head.status
    if status in {_BAD_REQUEST, _UNAUTHORIZED}:
        known = _parse_object(answer).get("error") in {"invalid_scope", "unauthorized_client"}
        if known:
            return GatewayRefused(
                _FORBIDDEN,
                code="token_refused",
                message="The gateway does not grant this client the token that it asks for.",
            )
        return GatewayRefused(
            _UNAUTHORIZED,
            code="invalid_client",
            message="The gateway refused the client credentials.",
        )
    return GatewayRefused(
        status if status in {_FORBIDDEN, _TOO_MANY} else _UNAVAILABLE,
        code="token_unavailable",
        message="The gateway's token endpoint gave no token.",
        retry_after=answer.head.retry_after,
    )
