"""Client certificates: one name, whole, in one spelling."""

from __future__ import annotations

import base64
import hashlib
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.core.client_certificates import (
    CertificateSubject,
    SubjectKind,
    certificate_thumbprint,
    parse_certificate_subject,
    verify_certificate_subject,
)
from gateway.core.errors import InvalidClient, MalformedRequest
from tests.fakes.oauth import certificate

NAMES = (
    x509.DNSName("App.Example"),
    x509.UniformResourceIdentifier("spiffe://example/app"),
    x509.IPAddress(ip_address("2001:db8::1")),
    x509.IPAddress(ip_address("192.0.2.7")),
    x509.RFC822Name("app@example.org"),
)
CERTIFICATE = certificate("CN=client,O=Example", *NAMES)


def carries(text: str, der: bytes = CERTIFICATE) -> bool:
    """Return whether the certificate carries the subject."""
    try:
        verify_certificate_subject(der, [parse_certificate_subject(text)])
    except InvalidClient:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        "dn:CN=client,O=Example",
        "dns:app.example",
        "dns:APP.EXAMPLE",
        "uri:spiffe://example/app",
        "ip:2001:db8::1",
        "ip:2001:0db8:0:0::1",
        "ip:192.0.2.7",
        "email:app@example.org",
    ],
)
def test_carried_subjects(text: str) -> None:
    """Each kind of name is found."""
    assert carries(text)


@pytest.mark.parametrize(
    "text",
    [
        "dn:CN=client",
        "dn:O=Example,CN=client",
        "dn:CN=Client,O=Example",
        "dn:CN=client\\,O\\=Example",
        "dns:example",
        "dns:sub.app.example",
        "dns:client",
        "uri:spiffe://example/App",
        "uri:app.example",
        "ip:192.0.2.8",
        "email:App@example.org",
    ],
)
def test_other_subjects(text: str) -> None:
    """No part, no other case, no other kind of a name is taken for it."""
    assert not carries(text)


def test_common_name_is_no_dns_name() -> None:
    """A name that is only in the subject counts as nothing but the subject."""
    der = certificate("CN=app.example")
    assert carries("dn:CN=app.example", der)
    assert not carries("dns:app.example", der)


def test_wildcards_do_not_match() -> None:
    """A certificate for *.example is not one for app.example."""
    assert not carries("dns:app.example", certificate("CN=x", x509.DNSName("*.example")))


def test_names_cannot_imitate_structure() -> None:
    """A comma or plus inside a value is not a border between two."""
    forged = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client,O=Example")])
    assert not carries("dn:CN=client,O=Example", certificate(subject=forged))
    forged = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a+O=b")])
    assert not carries("dn:CN=a+O=b", certificate(subject=forged))


def test_attributes_of_one_rank_have_no_order() -> None:
    """CN=a+O=b is the same name as O=b+CN=a (RFC 4514 §2.2)."""
    der = certificate("CN=a+O=b,C=DE")
    assert carries("dn:CN=a+O=b,C=DE", der)
    assert carries("dn:O=b+CN=a,C=DE", der)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CN=client",
        "dn:",
        "dn:client",
        "dn:CN=a, O=b",
        "DN:CN=a",
        "dns:",
        "dns:*.example",
        "dns:a..b",
        "dns:-a",
        "dns:a-",
        "dns:a b",
        "dns:" + "a" * 64,
        "dns:" + "a." * 127 + "a",
        "uri:a b",
        "ip:192.0.2",
        "ip:192.0.2.0/24",
        "email:a\n",
        "other:x",
        "dn:CN=" + "a" * 512,
    ],
)
def test_bad_subjects_are_refused(text: str) -> None:
    """What an operator cannot have meant is refused when it is written."""
    with pytest.raises(MalformedRequest):
        parse_certificate_subject(text)


def test_subject_is_stored_in_its_normal_spelling() -> None:
    """What is parsed again is the same."""
    subject = parse_certificate_subject("dns:App.Example")
    assert subject == CertificateSubject(SubjectKind.DNS, "app.example")
    assert str(subject) == "dns:app.example"
    assert parse_certificate_subject(str(subject)) == subject
    assert str(parse_certificate_subject("ip:2001:0db8::1")) == "ip:2001:db8::1"


def test_first_of_several_subjects() -> None:
    """The one that is carried is returned; of none, there is none."""
    subjects = [parse_certificate_subject(text) for text in ("dns:other", "ip:192.0.2.7")]
    assert verify_certificate_subject(CERTIFICATE, subjects) == subjects[1]
    with pytest.raises(InvalidClient):
        verify_certificate_subject(CERTIFICATE, [])


@pytest.mark.parametrize("der", [b"", b"x", CERTIFICATE[:-1]])
def test_unreadable_certificates_are_refused(der: bytes) -> None:
    """What is no certificate proves nobody."""
    with pytest.raises(InvalidClient):
        verify_certificate_subject(der, [parse_certificate_subject("dns:app.example")])


def test_thumbprint_is_that_of_rfc_8705() -> None:
    """SHA-256 of the DER, in base64url without padding."""
    expected = base64.urlsafe_b64encode(hashlib.sha256(CERTIFICATE).digest()).rstrip(b"=")
    assert certificate_thumbprint(CERTIFICATE) == expected.decode()
