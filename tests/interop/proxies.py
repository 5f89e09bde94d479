"""Start proxies that end TLS in front of a gateway: nginx and Envoy."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.story.processes import ROOT, Process

DEPLOY = ROOT / "deploy"

# Nothing set for the gateway's sake, and everything compressed that may be.
_NGINX_AS_IT_COMES = """
server {
    listen 443 ssl;
    ssl_certificate /etc/nginx/tls/edge.pem;
    ssl_certificate_key /etc/nginx/tls/edge.key;
    gzip on;
    gzip_proxied any;
    gzip_types *;
    gzip_min_length 1;
    location / {
        proxy_pass https://127.0.0.1:8443;
        proxy_set_header Host $http_host;
        proxy_ssl_verify on;
        proxy_ssl_trusted_certificate /etc/nginx/tls/gateway-ca.pem;
        proxy_ssl_name localhost;
    }
}
"""
# Envoy writes all that it sees of each exchange, as raw bytes.
_TAP = """\
                  - name: envoy.filters.http.tap
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.tap.v3.Tap
                      common_config:
                        static_config:
                          match: { any_match: true }
                          output_config:
                            max_buffered_rx_bytes: 1000000
                            max_buffered_tx_bytes: 1000000
                            sinks:
                              - format: PROTO_BINARY
                                file_per_tap: { path_prefix: "DIRECTORY/seen" }
"""


@dataclass(frozen=True)
class Site:
    """Where a proxy listens and where its gateway is. Both have the same port."""

    directory: Path
    address: str
    port: int
    gateway_ca: str

    @property
    def origin(self) -> str:
        """The address that clients use."""
        return f"https://{self.address}:{self.port}"

    @property
    def ca_file(self) -> str:
        """What clients trust."""
        return str(self.directory / "edge.pem")

    def write_certificate(self) -> None:
        """Make a certificate for the proxy, which is its own authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edge")])
        now = datetime.now(UTC)
        address = x509.IPAddress(ip_address(self.address))
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.directory / "edge.key").write_bytes(private)
        Path(self.ca_file).write_bytes(certificate.public_bytes(Encoding.PEM))
        shutil.copy(self.gateway_ca, self.directory / "gateway-ca.pem")

    def is_up(self) -> bool:
        """Say whether the proxy takes connections."""
        try:
            socket.create_connection((self.address, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def seen(self) -> bytes:
        """Return all that the proxy wrote about the exchanges."""
        files = sorted(self.directory.glob("seen*"))
        return b"".join(file.read_bytes() for file in files)

    def forget(self) -> None:
        """Empty what the proxy wrote so far; it appends to its files or makes new ones."""
        for file in self.directory.glob("seen*"):
            file.write_bytes(b"")


def _find_nginx() -> str:
    tool = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if tool is None:
        pytest.skip("nginx is not installed")
    return tool


def start_nginx_stream(site: Site, stream: str) -> Process:
    """Start nginx with *stream* as all it does; skip where it or its stream module is missing."""
    tool, here = _find_nginx(), site.directory
    module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
    if not module.exists():
        pytest.skip("nginx is installed without its stream module")
    adapted = stream.replace("127.0.0.1:8443", f"127.0.0.1:{site.port}").replace(
        "listen 443", f"listen {site.address}:{site.port}"
    )
    config = here / "nginx.conf"
    config.write_text(
        f"load_module {module};\ndaemon off; master_process off; pid {here}/pid;\n"
        f"error_log stderr;\nevents {{}}\n{adapted}\n"
    )
    return Process([tool, "-c", str(config), "-p", str(here)], log=here / "nginx.log")


def start_nginx(site: Site, server: str) -> Process:
    """Start nginx with *server* as its ``http`` part; skip where it is not installed."""
    tool, here = _find_nginx(), site.directory
    adapted = (
        server.replace("listen 443 ssl", f"listen {site.address}:{site.port} ssl")
        .replace("127.0.0.1:8443", f"127.0.0.1:{site.port}")
        .replace("/etc/nginx/tls", str(here))
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {here}/{kind};\n" for kind in kinds)
    # The log holds what an operator of the proxy could log, request bodies included.
    log = '$request|$request_body|$http_authorization|$sent_http_content_type|$status"'
    config = here / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {here}/pid; error_log stderr;\nevents {{}}\n"
        f'http {{\nlog_format all escape=none "{log};\naccess_log {here}/seen.log all;\n'
        f"{paths}{adapted}\n}}\n"
    )
    return Process([tool, "-c", str(config), "-p", str(here)], log=here / "nginx.log")


def start_envoy(site: Site, *, change: Callable[[str], str] = str) -> Process:
    """Start Envoy with the configuration of ``deploy``; skip where it is not installed.

    *change* is applied to the text of the configuration.
    """
    tool = next(ROOT.glob(".venv-envoy/lib/python*/site-packages/envoy/_bin/envoy"), None)
    if tool is None:
        pytest.skip("Envoy is not installed (make .venv-envoy/.ready)")
    tap = _TAP.replace("DIRECTORY", str(site.directory))
    router = "                  - name: envoy.filters.http.router\n"
    text = change((DEPLOY / "envoy/sealgate.yaml").read_text("utf-8"))
    config = site.directory / "envoy.yaml"
    config.write_text(
        text.replace("0.0.0.0, port_value: 443", f"{site.address}, port_value: {site.port}")
        .replace("port_value: 8443", f"port_value: {site.port}")
        .replace("/etc/envoy/tls", str(site.directory))
        .replace(router, tap + router)
    )
    command = [str(tool), "-c", str(config), "--concurrency", "1", "--disable-hot-restart"]
    return Process([*command, "-l", "warning"], log=site.directory / "envoy.log")


PROXIES: dict[str, Callable[[Site], Process]] = {
    "nginx as it comes": lambda site: start_nginx(site, _NGINX_AS_IT_COMES),
    "nginx recommended": lambda site: start_nginx(
        site, (DEPLOY / "nginx/sealgate-http.conf").read_text("utf-8")
    ),
    "envoy": start_envoy,
}
