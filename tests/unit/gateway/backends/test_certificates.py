"""The own authority and the server's TLS."""

from __future__ import annotations

import ssl
import stat
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context
from gateway.core.errors import Conflict, StoreUnavailable
from tests.fakes.certificates import ClientAuthority

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


@pytest.mark.parametrize("torn", ["certificate", "key", "empty", "lost key"])
def test_torn_server_pair_is_made_again(tmp_path, torn):
    """A server key and certificate that a crash left apart are replaced by a pair that serves."""
    files = CertificateFiles.in_directory(tmp_path / "here")
    other = CertificateFiles.in_directory(tmp_path / "other")
    ensure_certificates(files, NAMES, now=NOW)
    ensure_certificates(other, NAMES, now=NOW)
    authority = files.ca_certificate.read_bytes()
    if torn == "lost key":
        files.key.unlink()
    elif torn == "empty":
        files.certificate.write_bytes(b"")
    else:
        getattr(files, torn).write_bytes(getattr(other, torn).read_bytes())
    assert ensure_certificates(files, NAMES, now=NOW)
    server_context(files.certificate, files.key)
    load(files.certificate).verify_directly_issued_by(load(files.ca_certificate))
    assert files.ca_certificate.read_bytes() == authority
    assert not ensure_certificates(files, NAMES, now=NOW)


@pytest.mark.parametrize("content", [None, b"", b"no key"])
def test_mismatching_authority_is_an_error(tmp_path, content):
    """An authority whose halves do not belong together is told and left as it is."""
    files = CertificateFiles.in_directory(tmp_path / "here")
    other = CertificateFiles.in_directory(tmp_path / "other")
    ensure_certificates(files, NAMES, now=NOW)
    ensure_certificates(other, NAMES, now=NOW)
    files.ca_key.write_bytes(other.ca_key.read_bytes() if content is None else content)
    before = {path: path.read_bytes() for path in files.ca_key.parent.iterdir()}
    with pytest.raises(Conflict, match=r"ca\.key does not belong"):
        ensure_certificates(files, NAMES, now=NOW)
    assert {path: path.read_bytes() for path in files.ca_key.parent.iterdir()} == before


def test_authority_without_its_certificate_is_completed(tmp_path):
    """A key that a crash left without its certificate gets one; the key stays."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, NAMES, now=NOW)
    key = files.ca_key.read_bytes()
    files.ca_certificate.unlink()
    assert ensure_certificates(files, NAMES, now=NOW)
    assert files.ca_key.read_bytes() == key
    load(files.certificate).verify_directly_issued_by(load(files.ca_certificate))


def test_authority_kept_elsewhere_is_asked_for_only_at_a_renewal(tmp_path):
    """Without the authority's key nothing changes until it is needed; then its lack is told."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, NAMES, now=NOW)
    authority = files.ca_certificate.read_bytes()
    files.ca_key.unlink()
    assert not ensure_certificates(files, NAMES, now=NOW)
    with pytest.raises(Conflict, match="missing"):
        ensure_certificates(files, NAMES, now=NOW + timedelta(days=340))
    assert files.ca_certificate.read_bytes() == authority


@pytest.mark.parametrize("wrong", ["rsa", "text"])
def test_foreign_authority_key_is_an_error(tmp_path, wrong):
    """A lone ca.key that is no key, or not one of ours, is told instead of replaced."""
    files = CertificateFiles.in_directory(tmp_path)
    content = b"text"
    if wrong == "rsa":
        content = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    files.ca_key.write_bytes(content)
    with pytest.raises(Conflict, match="is not a"):
        ensure_certificates(files, NAMES, now=NOW)
    assert files.ca_key.read_bytes() == content


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o640 | 0o001, 0o660])
def test_key_that_others_can_read_is_refused(tmp_path, mode):
    """A TLS key that is open to others, or that a group can change, does not serve."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, NAMES, now=NOW)
    files.key.chmod(mode)
    with pytest.raises(StoreUnavailable, match="TLS key"):
        server_context(files.certificate, files.key)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_key_of_owner_and_group_serves(tmp_path, mode):
    """A key that its owner and at most its group can read is used."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, NAMES, now=NOW)
    files.key.chmod(mode)
    server_context(files.certificate, files.key)


def test_clients_are_asked_for_a_certificate_only_with_an_authority(tmp_path):
    """Without client authorities no certificate is asked for; with them one is optional."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, NAMES, now=NOW)
    assert server_context(files.certificate, files.key).verify_mode is ssl.CERT_NONE
    asking = server_context(files.certificate, files.key, client_ca=files.ca_certificate)
    assert asking.verify_mode is ssl.CERT_OPTIONAL
    assert asking.cert_store_stats()["x509_ca"] == 1  # and none of the machine's own


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_client_authorities_that_cannot_be_read_are_an_error(tmp_path, content):
    """A missing or empty file of client authorities does not start a gateway that asks nobody."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, NAMES, now=NOW)
    client_ca = tmp_path / "clients.crt"
    if content is not None:
        client_ca.write_bytes(content)
    with pytest.raises(OSError):  # noqa: PT011  # ssl.SSLError is one
        server_context(files.certificate, files.key, client_ca=client_ca)


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, session=None) -> ssl.SSLSession:
    """Shake hands in memory, read what the server says after it, and return the session."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    accepting = server.wrap_bio(to_server, to_client, server_side=True)
    calling = client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1", session=session)
    for _ in range(3):
        for side in (calling, accepting):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    accepting.write(b"x")
    assert calling.read(1) == b"x"
    assert calling.session_reused is False
    return calling.session


@pytest.fixture
def clients(tmp_path) -> ClientAuthority:
    """An authority of clients."""
    return ClientAuthority(tmp_path)


def calling(files, shown) -> ssl.SSLContext:
    return shown.show(ssl.create_default_context(cafile=files.ca_certificate))


def test_revoked_client_certificate_ends_the_handshake(tmp_path, clients):
    """Who is on the list of the authority is refused, others and those without one are not."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
    good, revoked = clients.issue(), clients.issue()
    server = server_context(
        files.certificate, files.key, client_ca=clients.file, client_crl=clients.revoke(revoked)
    )
    handshake(server, calling(files, good))
    handshake(server, ssl.create_default_context(cafile=files.ca_certificate))
    with pytest.raises(ssl.SSLError, match="revoked"):
        handshake(server, calling(files, revoked))


@pytest.mark.parametrize("fault", ["ended", "of another"])
def test_without_a_list_that_counts_no_certificate_does(tmp_path, clients, fault):
    """A list that has ended, or is of somebody else, lets nobody in."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
    crl = {
        "ended": lambda: clients.revoke(ends_at=datetime.now(UTC) - timedelta(minutes=1)),
        "of another": lambda: ClientAuthority(tmp_path, "others").revoke(),
    }[fault]()
    server = server_context(files.certificate, files.key, client_ca=clients.file, client_crl=crl)
    with pytest.raises(ssl.SSLError, match="CRL"):
        handshake(server, calling(files, clients.issue()))


@pytest.mark.parametrize("shown", ["none", "of another", "ended"])
def test_required_certificate_ends_the_handshake_where_it_is_not_good(tmp_path, clients, shown):
    """Where one is required, none is as bad as one of somebody else."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
    server = server_context(
        files.certificate, files.key, client_ca=clients.file, client_certificate_required=True
    )
    handshake(server, calling(files, clients.issue()))
    client = ssl.create_default_context(cafile=files.ca_certificate)
    if shown == "of another":
        ClientAuthority(tmp_path, "others").issue().show(client)
    elif shown == "ended":
        clients.issue(ends_at=datetime.now(UTC) - timedelta(minutes=1)).show(client)
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate"):
        handshake(server, client)


def test_required_certificate_without_an_authority_lets_nobody_in(tmp_path, clients):
    """A duty that nothing can fulfil is not left out."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
    server = server_context(files.certificate, files.key, client_certificate_required=True)
    for client in (
        calling(files, clients.issue()),
        ssl.create_default_context(cafile=files.ca_certificate),
    ):
        with pytest.raises(ssl.SSLError):
            handshake(server, client)


@pytest.mark.parametrize("way", ["listed", "required"])
def test_where_certificates_are_listed_or_required_no_session_is_resumed(tmp_path, clients, way):
    """A session would outlive its certificate: there is none to resume."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
    server = server_context(
        files.certificate,
        files.key,
        client_ca=clients.file,
        client_crl=clients.revoke() if way == "listed" else None,
        client_certificate_required=way == "required",
    )
    client = calling(files, clients.issue())
    session = handshake(server, client)
    assert not session.has_ticket
    handshake(server, client, session)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="unsupported protocol"):
        handshake(server, client)
