"""What a web page can do with the gateway: in headless Chromium, over the real TLS."""

from __future__ import annotations

import base64
import hashlib
import http.server
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.story.gateway import Gateway
from tests.story.processes import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """A gateway; no model server is needed here."""
    with tempfile.TemporaryDirectory(prefix="sealgate-") as folder:
        directory = Path(folder)
        gateway = Gateway(directory, socket=directory / "v", api_key_file=directory / "k")
        gateway.start()
        yield gateway
        gateway.stop()


def show(gateway: Gateway, url: str, folder: Path) -> str:
    """Return the document that Chromium shows for *url*, trusting this gateway's key."""
    certificate = x509.load_pem_x509_certificate((gateway.state / "tls/server.crt").read_bytes())
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(spki).digest()).decode()
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", f"--user-data-dir={folder}",
        f"--ignore-certificate-errors-spki-list={pin}",
        "--virtual-time-budget=5000", "--dump-dom", url,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_browser_speaks_to_the_gateway_over_its_tls(gateway, tmp_path):
    """A browser connects, and an unknown page is the plain problem document and nothing else."""
    shown = show(gateway, f"{gateway.origin}/", tmp_path)
    assert '"code":"not_found"' in shown
    assert "Traceback" not in shown


def test_page_of_another_origin_reads_nothing(gateway, tmp_path):
    """A web page from elsewhere cannot read any answer, nor post JSON: no origin is let in."""
    page = f"""<!doctype html><body>waiting<script>
      const tries = [
        fetch("{gateway.origin}/livez"),
        fetch("{gateway.origin}/.well-known/ohttp-gateway"),
        fetch("{gateway.origin}/v1/models", {{headers: {{authorization: "Bearer x"}}}}),
        fetch("{gateway.admin_origin}/admin/v1/clients"),
      ];
      Promise.allSettled(tries).then(done => {{
        document.body.textContent = done.map(d => d.status).join(" ");
      }});
    </script>"""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text(page, "utf-8")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Quiet) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        shown = show(gateway, f"http://localhost:{site.server_port}/", tmp_path / "profile")
        site.shutdown()
    assert "rejected rejected rejected rejected" in shown
