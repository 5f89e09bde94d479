"""What the token service says of itself (RFC 8414)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.control.tokens import TOKEN_PATH
from gateway.core.jwk import SigningAlgorithm

REVOCATION_PATH: Final = "/oauth2/revoke"
INTROSPECTION_PATH: Final = "/oauth2/introspect"
JWKS_PATH: Final = "/oauth2/jwks"
METADATA_PATH: Final = "/.well-known/oauth-authorization-server"

_ENDPOINTS: Final = {
    "token_endpoint": TOKEN_PATH,
    "revocation_endpoint": REVOCATION_PATH,
    "introspection_endpoint": INTROSPECTION_PATH,
}


def describe_server(issuer: str, *, takes_certificates: bool) -> Mapping[str, object]:
    """Return the metadata. *takes_certificates* says whether TLS asks clients for one."""
    algorithms = [algorithm.value for algorithm in SigningAlgorithm]
    methods = ["client_secret_basic", "private_key_jwt"]
    if takes_certificates:
        methods.append("tls_client_auth")
    described: dict[str, object] = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}{JWKS_PATH}",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "dpop_signing_alg_values_supported": algorithms,
        "tls_client_certificate_bound_access_tokens": takes_certificates,
    }
    for name, path in _ENDPOINTS.items():
        described[name] = f"{issuer}{path}"
        described[f"{name}_auth_methods_supported"] = methods
        described[f"{name}_auth_signing_alg_values_supported"] = algorithms
    return described
