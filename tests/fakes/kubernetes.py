"""An API server of Kubernetes that knows one thing: whether a service account's token is good."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.backends.certificates import CertificateFiles, ensure_certificates

NAMESPACE, ACCOUNT, UID = "models", "sealgate", "0b9f5c0e-0000-4000-8000-000000000001"


def account_token(account: str = ACCOUNT) -> str:
    """Return a token as Kubernetes puts it into a pod; the reviewer decides whether it is good."""
    now = datetime.now(UTC)
    claims = {
        "iss": "https://kubernetes.default.svc.cluster.local",
        "sub": f"system:serviceaccount:{NAMESPACE}:{account}",
        "iat": now,
        "nbf": now,
        "exp": now + timedelta(hours=1),
        "kubernetes.io": {
            "namespace": NAMESPACE,
            "serviceaccount": {"name": account, "uid": UID},
        },
    }
    return jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256")


class KubernetesApi:
    """Reviews tokens: those in *good* are of the account that they name."""

    def __init__(self, url: str, ca_file: Path) -> None:
        self.url, self.ca_file = url, ca_file
        self.good: dict[str, str] = {}

    def review(self, token: str) -> dict[str, Any]:
        """Return the status of a TokenReview."""
        account = self.good.get(token)
        if account is None:
            return {"authenticated": False, "error": "the token is not known"}
        user = f"system:serviceaccount:{NAMESPACE}:{account}"
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}"]
        return {"authenticated": True, "user": {"username": user, "uid": UID, "groups": groups}}


@contextmanager
def kubernetes_api(directory: Path) -> Iterator[KubernetesApi]:
    """Run an API server on loopback, over TLS."""
    files = CertificateFiles.in_directory(directory)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps({**asked, "status": api.review(asked["spec"]["token"])}).encode()
            self.send_response(201)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    api = KubernetesApi(f"https://127.0.0.1:{server.server_port}", files.ca_certificate)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
