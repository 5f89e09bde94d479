"""Metadata: everything that is said is there."""

from __future__ import annotations

import pytest

from gateway.api.oauth.app import OAUTH_ROUTES
from gateway.api.oauth.metadata import METADATA_PATH, describe_server
from tests.fakes.control import ISSUER


def test_every_endpoint_is_named() -> None:
    """Each path of the service is in the metadata, below the issuer."""
    described = describe_server(ISSUER, takes_certificates=False)
    assert described["issuer"] == ISSUER
    urls = {value for value in described.values() if isinstance(value, str)} - {ISSUER}
    assert urls == {f"{ISSUER}{path}" for _, path in OAUTH_ROUTES} - {f"{ISSUER}{METADATA_PATH}"}


@pytest.mark.parametrize("takes_certificates", [True, False])
def test_certificates_only_where_tls_asks_for_them(takes_certificates: bool) -> None:
    """The method and the binding are announced only if a client can use them."""
    described = describe_server(ISSUER, takes_certificates=takes_certificates)
    assert described["tls_client_certificate_bound_access_tokens"] is takes_certificates
    for endpoint in ("token", "revocation", "introspection"):
        methods = described[f"{endpoint}_endpoint_auth_methods_supported"]
        assert isinstance(methods, list)
        assert ("tls_client_auth" in methods) is takes_certificates
        assert {"client_secret_basic", "private_key_jwt"} <= set(methods)


def test_algorithms_are_named_without_none() -> None:
    """Assertions and proofs are signed by one of four algorithms (RFC 8414 §2)."""
    described = describe_server(ISSUER, takes_certificates=False)
    expected = ["EdDSA", "ES256", "RS256", "PS256"]
    assert described["token_endpoint_auth_signing_alg_values_supported"] == expected
    assert described["dpop_signing_alg_values_supported"] == expected
