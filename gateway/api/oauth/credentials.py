"""How a client says who it is: exactly one method for each call (RFC 6749 §2.3).

``client_secret_basic`` in the ``Authorization`` header, ``private_key_jwt`` in two fields of the
form (RFC 7523 §2.2), or ``client_id`` in the form beside a client certificate (RFC 8705 §2).
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_plus

from fastapi import Request

from gateway.api.caller import caller_address, client_certificate
from gateway.control.client_authentication import (
    AssertionProof,
    CertificateProof,
    ClientProof,
    SecretProof,
)
from gateway.core.client_assertion import ASSERTION_TYPE
from gateway.core.errors import InvalidClient, MalformedRequest
from gateway.core.secret import Secret

_MAX_AUTHORIZATION_CHARS: Final = 1024
# RFC 6749 §2.3.1 has both halves form-urlencoded before Basic joins them with a colon.
_BASIC: Final = re.compile(r"basic +([A-Za-z0-9+/]+={0,2})", re.ASCII | re.IGNORECASE)


def parse_basic(request: Request) -> SecretProof | None:
    """Return what HTTP Basic (RFC 7617) says, or None without an ``Authorization`` header.

    Raises ``InvalidClient`` for anything else in it.
    """
    values = request.headers.getlist("authorization")
    if not values:
        return None
    if len(values) != 1 or len(values[0]) > _MAX_AUTHORIZATION_CHARS:
        raise InvalidClient
    match = _BASIC.fullmatch(values[0])
    if match is None:
        raise InvalidClient
    try:
        decoded = b64decode(match[1], validate=True).decode("ascii")
        client_id, _, secret = decoded.partition(":")
        proof = SecretProof(
            unquote_plus(client_id, errors="strict"),
            Secret(unquote_plus(secret, errors="strict")),
        )
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidClient from None
    if not proof.client_id or not secret:
        raise InvalidClient
    return proof


def parse_client_proof(
    request: Request, basic: SecretProof | None, fields: Mapping[str, str]
) -> ClientProof:
    """Return what the call says of its client, *basic* being what its header said.

    Raises ``MalformedRequest`` for more than one method, ``InvalidClient`` for none.
    """
    evidence = _parse_evidence(basic, fields, certificate=client_certificate(request))
    return ClientProof(evidence, caller_address(request), client_certificate(request))


def _parse_evidence(
    basic: SecretProof | None, fields: Mapping[str, str], *, certificate: bytes | None
) -> SecretProof | AssertionProof | CertificateProof:
    asserts = "client_assertion" in fields or "client_assertion_type" in fields
    if "client_secret" in fields:
        raise MalformedRequest("A client secret belongs in the Authorization header.")
    if basic is not None:
        if asserts or "client_id" in fields:
            raise MalformedRequest("Authenticate in one way: the header says who you are.")
        return basic
    client_id = fields.get("client_id")
    if asserts:
        assertion = fields.get("client_assertion")
        if assertion is None or fields.get("client_assertion_type") != ASSERTION_TYPE:
            raise InvalidClient
        return AssertionProof(Secret(assertion), client_id)
    if client_id is None or certificate is None:
        raise InvalidClient
    return CertificateProof(client_id)
