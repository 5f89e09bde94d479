"""The own authority and the server's TLS."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta

from cryptography import x509

from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context

NOW = datetime(2026, 5, 4, tzinfo=UTC)
NAMES = ["127.0.0.1", "::1", "localhost"]


def load(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_first_run_makes_everything(tmp_path):
    """An authority and a certificate for all names are made, the keys readable by nobody else."""
    files = CertificateFiles.in_directory(tmp_path / "tls")
    assert ensure_certificates(files, NAMES, now=NOW)
    server, ca = load(files.certificate), load(files.ca_certificate)
    server.verify_directly_issued_by(ca)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == set(NAMES)
    for key in (files.key, files.ca_key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700


def test_second_run_changes_nothing(tmp_path):
    """What exists is kept, so clients that trust the authority keep working."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, NAMES, now=NOW)
    before = files.certificate.read_bytes()
    assert not ensure_certificates(files, NAMES, now=NOW + timedelta(days=300))
    assert files.certificate.read_bytes() == before


def test_certificate_is_renewed_before_its_end(tmp_path):
    """Within 30 days of its end the certificate is renewed under the same authority."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, NAMES, now=NOW)
    authority = files.ca_certificate.read_bytes()
    later = NOW + timedelta(days=340)
    assert ensure_certificates(files, NAMES, now=later)
    assert load(files.certificate).not_valid_after_utc > later + timedelta(days=300)
    assert files.ca_certificate.read_bytes() == authority


def test_context_offers_only_modern_suites(tmp_path):
    """No suite without forward secrecy or without an AEAD is offered."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, NAMES, now=NOW)
    context = server_context(files.certificate, files.key)
    names = [cipher["name"] for cipher in context.get_ciphers()]
    assert all("GCM" in name or "CHACHA20" in name for name in names)
    assert all(name.startswith(("TLS_", "ECDHE-")) for name in names)
