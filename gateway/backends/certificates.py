"""An own certificate authority and a server certificate, and TLS contexts with modern settings.

Made at first run so that HTTPS works before anybody has bought or requested a certificate. Clients
trust the CA file; an operator with certificates of their own names them in the settings instead.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.core.errors import Conflict, StoreUnavailable

_CA_LIFETIME = timedelta(days=3650)
_SERVER_LIFETIME = timedelta(days=365)  # the most that Mozilla's intermediate profile allows is 366
_RENEW_BEFORE = timedelta(days=30)
_CLOCK_SKEW = timedelta(minutes=5)
_OTHERS = 0o027  # a group may read a key: that is how a gateway of its own user is given one

# TLS 1.2 suites of Mozilla's "intermediate" profile that have forward secrecy and an AEAD, for the
# ECDSA key made here and for RSA keys brought along; TLS 1.3 has only good ones.
_TLS12_CIPHERS = ":".join(
    f"ECDHE-{signature}-{cipher}"
    for cipher in ("AES256-GCM-SHA384", "CHACHA20-POLY1305", "AES128-GCM-SHA256")
    for signature in ("ECDSA", "RSA")
)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where the authority and the server certificate lie. Keys have mode 0600."""

    ca_certificate: Path
    ca_key: Path
    certificate: Path
    key: Path

    @classmethod
    def in_directory(cls, directory: Path) -> CertificateFiles:
        """Return the usual names inside *directory*."""
        return cls(
            ca_certificate=directory / "ca.crt",
            ca_key=directory / "ca.key",
            certificate=directory / "server.crt",
            key=directory / "server.key",
        )


def ensure_certificates(files: CertificateFiles, names: Sequence[str], *, now: datetime) -> bool:
    """Make what is missing of *files*, and renew a server certificate within 30 days of its end.

    *names* are host names and addresses for the certificate. A server key and certificate that do
    not belong together, as a crash between the two leaves them, are made again. Returns whether
    anything was made; an existing authority is never replaced. Raises ``Conflict`` when its key and
    its certificate do not belong together, or when its key is needed and missing.
    """
    files.ca_certificate.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = _ensure_authority(files, now)
    if not _is_good_server_pair(files, now):
        _make_server_certificate(files, names, now)
        made = True
    return made


def server_context(
    certificate: Path,
    key: Path,
    *,
    client_ca: Path | None = None,
    client_crl: Path | None = None,
    client_certificate_required: bool = False,
) -> ssl.SSLContext:
    """Return a server context: TLS 1.2 and 1.3, AEAD suites with forward secrecy only.

    With *client_ca*, a PEM file of authorities, clients are asked for a certificate; the handshake
    fails on one that does not lead to these authorities, and with *client_certificate_required* on
    none. With *client_crl*, a PEM file with a list of each authority, it also fails on one that is
    revoked, or whose list is missing or has ended. A resumed session is not checked again, not even
    whether its certificate has ended, so where it is required or listed there is none: no tickets,
    and no TLS 1.2, whose sessions OpenSSL remembers by itself.

    Raises ``StoreUnavailable`` when others than the key file's owner and group can open it, or the
    group can change it; ``OSError`` or ``ssl.SSLError`` when the files cannot be used.
    """
    if key.stat().st_mode & _OTHERS:
        raise StoreUnavailable(
            "Others can read the TLS key file or its group can write it; its mode must be 0600."
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_TLS12_CIPHERS)
    # One group, since this interface takes no list: P-256 is the one that every client has.
    context.set_ecdh_curve("prime256v1")
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    if client_ca is not None:
        context.load_verify_locations(cafile=client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    if client_crl is not None:
        context.load_verify_locations(cafile=client_crl)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    if client_certificate_required:
        context.verify_mode = ssl.CERT_REQUIRED
    if client_crl is not None or client_certificate_required:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0
    return context


def _ensure_authority(files: CertificateFiles, now: datetime) -> bool:
    if not files.ca_certificate.exists():
        _make_authority(files, now)
        return True
    # Without its key, which may be kept elsewhere, the authority still serves until a renewal.
    if files.ca_key.exists() and not _belong_together(files.ca_certificate, files.ca_key):
        raise Conflict(
            "The own authority's ca.key does not belong to its ca.crt. Put the right one back, or "
            "move both away to make a new authority that clients have to trust anew."
        )
    return False


def _is_good_server_pair(files: CertificateFiles, now: datetime) -> bool:
    if not (files.certificate.exists() and files.key.exists()):
        return False
    if not _belong_together(files.certificate, files.key):
        return False
    return _ends_at(files.certificate) - now >= _RENEW_BEFORE


def _belong_together(certificate: Path, key: Path) -> bool:
    """Return whether both can be read and the certificate is for that key."""
    try:
        public = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (ValueError, TypeError):  # what cryptography raises for a file that is no such thing
        return False
    return private.public_key() == public


def _authority_key(files: CertificateFiles) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(files.ca_key.read_bytes(), password=None)
    except FileNotFoundError:
        raise Conflict("The own authority's ca.key is missing; put it back.") from None
    except (ValueError, TypeError):
        raise Conflict("The own authority's ca.key is not a key.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Conflict("The own authority's ca.key is not an elliptic-curve key.")
    return key


def _make_authority(files: CertificateFiles, now: datetime) -> None:
    # The key is written first; one without a certificate is what a crash left, and as good as new.
    fresh = not files.ca_key.exists()
    key = ec.generate_private_key(ec.SECP256R1()) if fresh else _authority_key(files)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sealgate local authority")])
    certificate = (
        _builder(name, key.public_key(), now=now, ends_at=now + _CA_LIFETIME)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(certify=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    if fresh:
        _write(files.ca_key, _private_bytes(key), mode=0o600)
    _write(files.ca_certificate, _public_bytes(certificate), mode=0o644)


def _make_server_certificate(files: CertificateFiles, names: Sequence[str], now: datetime) -> None:
    ca_key = _authority_key(files)
    ca = x509.load_pem_x509_certificate(files.ca_certificate.read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    certificate = (
        _builder(subject, key.public_key(), now=now, ends_at=now + _SERVER_LIFETIME)
        .issuer_name(ca.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(certify=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    _write(files.key, _private_bytes(key), mode=0o600)
    _write(files.certificate, _public_bytes(certificate), mode=0o644)


def _builder(
    name: x509.Name, public_key: ec.EllipticCurvePublicKey, *, now: datetime, ends_at: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(ends_at)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, certify: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certify,
        key_cert_sign=certify,
        crl_sign=certify,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    result: list[x509.GeneralName] = []
    for name in names:
        try:
            result.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            result.append(x509.DNSName(name))
    return result


def _ends_at(certificate: Path) -> datetime:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def _private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _public_bytes(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, data: bytes, *, mode: int) -> None:
    # Written aside and renamed: nobody reads half a key, and the mode is right from the start.
    aside = path.with_name(path.name + ".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
