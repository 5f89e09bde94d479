"""Certificates that are replaced while the gateway runs."""

from __future__ import annotations

import asyncio
import os
import ssl
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context
from gateway.backends.renewed_tls import RenewedTls
from tests.fakes.certificates import ClientAuthority
from tests.fakes.handshake import handshake
from tests.fakes.waiting import until


class Place:
    """Certificate files, the context over them, and what was reported."""

    def __init__(
        self, directory: Path, client_ca: Path | None = None, client_crl: Path | None = None
    ) -> None:
        self.files = CertificateFiles.in_directory(directory)
        self.issue()
        self.reports: list[str | None] = []
        named = [self.files.certificate, self.files.key]
        self.tls = RenewedTls(
            partial(server_context, *named, client_ca=client_ca, client_crl=client_crl),
            [*named, *filter(None, (client_ca, client_crl))],
            self.reports.append,
        )

    def issue(self) -> None:
        """Make a new server certificate and key, as an operator replaces them."""
        self.files.certificate.unlink(missing_ok=True)
        ensure_certificates(self.files, ["127.0.0.1"], now=datetime.now(UTC))

    def shown(self, client: ssl.SSLContext | None = None) -> bytes:
        """Return the certificate that a new handshake gets."""
        context = client or ssl.create_default_context(cafile=self.files.ca_certificate)
        return handshake(context, self.tls.context).getpeercert(binary_form=True) or b""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Give a place with a good certificate."""
    return Place(tmp_path)


async def test_new_files_count_for_new_handshakes(place: Place) -> None:
    """A replaced certificate is shown after the next look, and that is told once."""
    old = place.shown()
    await place.tls.renew()
    assert (place.shown(), place.reports) == (old, [])
    place.issue()
    assert place.shown() == old
    await place.tls.renew()
    await place.tls.renew()
    assert place.shown() != old
    assert place.reports == [None]


async def test_files_that_do_not_belong_together_are_not_used(place: Place, tmp_path: Path) -> None:
    """With half of the files replaced the old certificate is served on, and told why, once."""
    old, old_key = place.shown(), place.files.key.read_bytes()
    place.issue()
    new_key = place.files.key.read_bytes()
    place.files.key.write_bytes(old_key)
    await place.tls.renew()
    await place.tls.renew()
    assert place.shown() == old
    assert place.reports == ["KEY_VALUES_MISMATCH"]
    place.files.key.write_bytes(new_key)
    await place.tls.renew()
    assert place.shown() != old
    assert place.reports[1:] == [None]


@pytest.mark.parametrize("fault", ["gone", "no certificate", "open to all"])
async def test_files_that_cannot_be_used_change_nothing(place: Place, fault: str) -> None:
    """A file that is gone, is none, or that others can read: as it was, with a reason."""
    old = place.shown()
    if fault == "gone":
        place.files.key.unlink()
    elif fault == "no certificate":
        place.files.certificate.write_text("hush")
    else:
        place.issue()
        place.files.key.chmod(0o644)
    await place.tls.renew()
    assert place.shown() == old
    (reason,) = place.reports
    assert reason
    assert "hush" not in reason


async def test_withdrawn_client_authority_is_trusted_no_more(tmp_path: Path) -> None:
    """New authorities of client certificates take the place of the old, not one beside them."""
    authorities = [ClientAuthority(tmp_path, name) for name in ("one", "two")]
    client_ca = tmp_path / "clients.pem"
    client_ca.write_bytes(authorities[0].file.read_bytes())
    place = Place(tmp_path, client_ca)
    shown = authorities[0].issue()

    def client() -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=place.files.ca_certificate)
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # where the client hears of a refusal
        return shown.show(context)

    assert place.shown(client())
    client_ca.write_bytes(authorities[1].file.read_bytes())
    await place.tls.renew()
    with pytest.raises(ssl.SSLError):
        handshake(client(), place.tls.context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_session_does_not_outlive_its_authority(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """A client of a withdrawn authority does not get in by resuming a session of before."""
    authorities = [ClientAuthority(tmp_path, name) for name in ("one", "two")]
    client_ca = tmp_path / "clients.pem"
    client_ca.write_bytes(authorities[0].file.read_bytes())
    place = Place(tmp_path, client_ca)
    client = ssl.create_default_context(cafile=place.files.ca_certificate)
    client.minimum_version = client.maximum_version = version
    authorities[0].issue().show(client)
    session = handshake(client, place.tls.context).session
    assert handshake(client, place.tls.context, session).session_reused
    client_ca.write_bytes(authorities[1].file.read_bytes())
    await place.tls.renew()
    with pytest.raises(ssl.SSLError):
        handshake(client, place.tls.context, session)


async def test_mode_that_was_mended_is_noticed(place: Place) -> None:
    """A key that others could read is used once they cannot, although nobody wrote it anew."""
    old = place.shown()
    place.issue()
    place.files.key.chmod(0o644)
    await place.tls.renew()
    assert place.shown() == old
    place.files.key.chmod(0o600)
    await place.tls.renew()
    assert place.shown() != old
    assert place.reports[1:] == [None]


async def test_watch_looks_at_once_when_asked(place: Place) -> None:
    """SIGHUP does not wait for the next look."""
    watching = asyncio.create_task(place.tls.watch())
    place.issue()
    place.tls.look_now()
    await until(lambda: place.reports)
    watching.cancel()
    assert place.reports == [None]


async def test_same_time_is_noticed_by_other_marks(place: Place) -> None:
    """A copy that keeps the time of the file is a change too."""
    old, times = place.shown(), place.files.certificate.stat()
    place.issue()
    for file in (place.files.certificate, place.files.key):
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    await place.tls.renew()
    assert place.shown() != old


async def test_new_list_of_revoked_certificates_counts(tmp_path: Path) -> None:
    """A client certificate that is revoked while the gateway runs ends the next handshake."""
    authority = ClientAuthority(tmp_path)
    shown, other = authority.issue(), authority.issue()
    place = Place(tmp_path, authority.file, authority.revoke())

    def client(certificate):
        return certificate.show(ssl.create_default_context(cafile=place.files.ca_certificate))

    place.shown(client(shown))
    authority.revoke(shown)
    await place.tls.renew()
    place.shown(client(other))
    with pytest.raises(ssl.SSLError, match="revoked"):
        place.shown(client(shown))
