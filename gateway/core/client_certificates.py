"""Client certificates: the name that one must carry (RFC 8705 §2.1.2), and its thumbprint.

TLS has verified chain and dates before; here the subject is compared, in one spelling and whole: no
wildcards, no parts of names, no common name in the place of a DNS name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final

from cryptography import x509

from gateway.core.errors import InvalidClient, MalformedRequest
from gateway.core.jws import encode_base64url

MAX_SUBJECT_CHARS: Final = 512
_MAX_DNS_CHARS: Final = 253
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+", re.ASCII)


class SubjectKind(StrEnum):
    """Which name of a certificate is meant: its subject, or one of its alternative names."""

    DN = "dn"
    DNS = "dns"
    URI = "uri"
    IP = "ip"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class CertificateSubject:
    """The name that a client's certificate must carry, in its normal spelling."""

    kind: SubjectKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def parse_certificate_subject(text: str) -> CertificateSubject:
    """Return the subject that an operator wrote: ``dn:…`` (RFC 4514), ``dns:…``, ``uri:…`` ….

    Raises ``MalformedRequest`` for anything else; *str()* of the result is how it is stored.
    """
    kind, colon, value = text.partition(":")
    if not colon or not value or len(text) > MAX_SUBJECT_CHARS or kind not in set(SubjectKind):
        raise MalformedRequest("A certificate's subject is dn:, dns:, uri:, ip: or email: and it.")
    try:
        return CertificateSubject(SubjectKind(kind), _NORMAL_FORMS[SubjectKind(kind)](value))
    except ValueError:
        raise MalformedRequest("The subject of the certificate is not one of its kind.") from None


def verify_certificate_subject(
    certificate: bytes, subjects: Collection[CertificateSubject]
) -> CertificateSubject:
    """Return the first of *subjects* that the certificate, in DER, carries.

    Raises ``InvalidClient`` for none, and for a certificate whose names cannot be read.
    """
    try:
        carried = _subjects_of(x509.load_der_x509_certificate(certificate))
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise InvalidClient from None
    for subject in subjects:
        if subject in carried:
            return subject
    raise InvalidClient


def certificate_thumbprint(certificate: bytes) -> str:
    """Return the ``x5t#S256`` (RFC 8705 §3.1) of a certificate in DER."""
    return encode_base64url(hashlib.sha256(certificate).digest())


def _subjects_of(certificate: x509.Certificate) -> frozenset[CertificateSubject]:
    found = {(SubjectKind.DN, _spell(certificate.subject))}
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    found |= {(SubjectKind.DNS, name.lower()) for name in names.get_values_for_type(x509.DNSName)}
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    found |= {(SubjectKind.URI, uri) for uri in uris}
    found |= {(SubjectKind.IP, str(name)) for name in names.get_values_for_type(x509.IPAddress)}
    found |= {(SubjectKind.EMAIL, name) for name in names.get_values_for_type(x509.RFC822Name)}
    return frozenset(CertificateSubject(kind, value) for kind, value in found)


def _normal_dn(value: str) -> str:
    return _spell(x509.Name.from_rfc4514_string(value))


def _spell(name: x509.Name) -> str:
    """Return *name* as RFC 4514 has it; attributes of equal rank have no order, so they get one."""
    ranks = (sorted(attribute.rfc4514_string() for attribute in rdn) for rdn in name.rdns)
    return ",".join(reversed(["+".join(rank) for rank in ranks]))


def _normal_dns(value: str) -> str:
    lower = value.lower()
    if len(lower) > _MAX_DNS_CHARS or not all(map(_LABEL.fullmatch, lower.split("."))):
        raise ValueError
    return lower


def _visible(value: str) -> str:
    if _VISIBLE.fullmatch(value) is None:
        raise ValueError
    return value


_NORMAL_FORMS: Final[Mapping[SubjectKind, Callable[[str], str]]] = MappingProxyType(
    {
        SubjectKind.DN: _normal_dn,
        SubjectKind.DNS: _normal_dns,
        SubjectKind.URI: _visible,
        SubjectKind.IP: lambda value: str(ip_address(value)),
        SubjectKind.EMAIL: _visible,
    }
)
