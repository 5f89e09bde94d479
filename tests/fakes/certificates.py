"""An authority that vouches for clients, and the certificates it gives them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = timedelta(hours=1)


@dataclass(frozen=True)
class ClientCertificate:
    """A file with certificate and key, and the certificate as TLS carries it."""

    file: Path
    der: bytes

    def show(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Let *context* present this certificate, and return it."""
        context.load_cert_chain(self.file)
        return context


class ClientAuthority:
    """A certificate authority in a folder of its own."""

    def __init__(self, directory: Path, name: str = "clients") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _builder(self._name, self._key, datetime.now(UTC) + _LIFE)
            .issuer_name(self._name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = directory / f"{name}-ca.crt"
        self.file.write_bytes(certificate.public_bytes(Encoding.PEM))

    def issue(
        self,
        *,
        ends_at: datetime | None = None,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
    ) -> ClientCertificate:
        """Return a new certificate that is good until *ends_at*, an hour from now by default."""
        key = ec.generate_private_key(ec.SECP256R1())
        serial = x509.random_serial_number()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"client {serial}"[:60])])
        certificate = (
            _builder(subject, key, ends_at or datetime.now(UTC) + _LIFE)
            .issuer_name(self._name)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = self._directory / f"client-{serial}.pem"
        file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        return ClientCertificate(file, certificate.public_bytes(Encoding.DER))

    def revoke(self, *certificates: ClientCertificate, ends_at: datetime | None = None) -> Path:
        """Write the list of what is revoked, and return its file."""
        ends_at = ends_at or datetime.now(UTC) + _LIFE
        begins_at = ends_at - 2 * _LIFE
        builder = x509.CertificateRevocationListBuilder(
            issuer_name=self._name, last_update=begins_at, next_update=ends_at
        )
        for certificate in certificates:
            serial = x509.load_der_x509_certificate(certificate.der).serial_number
            entry = x509.RevokedCertificateBuilder(serial, begins_at).build()
            builder = builder.add_revoked_certificate(entry)
        crl = builder.sign(self._key, hashes.SHA256())
        file = self.file.with_suffix(".crl")
        file.write_bytes(crl.public_bytes(Encoding.PEM))
        return file


def _builder(
    name: x509.Name, key: ec.EllipticCurvePrivateKey, ends_at: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends_at - 2 * _LIFE)
        .not_valid_after(ends_at)
    )
