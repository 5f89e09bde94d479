"""The section ``[[issuers]]``: whose access tokens are taken besides our own.

Read by ``settings``; apart because it is a list of tables and not one of the fixed sections.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gateway.core.external_tokens import verify_jwks_url
from gateway.core.identity import Role
from gateway.core.jwk import SigningAlgorithm

_Name = Annotated[str, Field(min_length=1, max_length=512)]


class Issuer(BaseModel):
    """One other issuer.

    *clients* maps values of *client_claim* to our client identifiers, *roles* maps values of
    *role_claim* to the role that the client must have; what is in neither is refused. *types* are
    the values of ``typ`` of its access tokens. *ca_file* (PEM) has the authorities of the server
    behind *jwks_url*; without it those of the machine count. Keys are fetched every
    *refresh_seconds* and, when that fails, used for *max_stale_seconds*.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: _Name
    jwks_url: _Name
    audience: _Name
    algorithms: Annotated[tuple[SigningAlgorithm, ...], Field(min_length=1)] = (
        SigningAlgorithm.EDDSA,
        SigningAlgorithm.ES256,
        SigningAlgorithm.RS256,
    )
    types: Annotated[tuple[_Name, ...], Field(min_length=1)] = ("at+jwt",)
    client_claim: _Name = "client_id"
    clients: Annotated[dict[_Name, _Name], Field(min_length=1)]
    role_claim: _Name
    roles: Annotated[dict[_Name, Role], Field(min_length=1)]
    refresh_seconds: Annotated[int, Field(ge=30, le=86_400)] = 300
    max_stale_seconds: Annotated[int, Field(ge=60, le=86_400)] = 86_400
    ca_file: Path | None = None

    @field_validator("jwks_url")
    @classmethod
    def _may_be_fetched(cls, value: str) -> str:
        return verify_jwks_url(value)


def verify_issuers_differ(issuers: tuple[Issuer, ...]) -> None:
    """Raise ``ValueError`` when two of *issuers* have one name: a token could be of either."""
    if len({issuer.issuer for issuer in issuers}) != len(issuers):
        raise ValueError("two issuers have the same name")
