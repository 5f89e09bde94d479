"""Listeners that believe different authorities, on real sockets: partners, operators, and staff."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest
from cryptography import x509

from gateway.configured_room import open_control, utc_now
from gateway.core.registry import Credential, CredentialKind
from tests.fakes.certificates import ClientAuthority, ClientCertificate
from tests.story.gateway import Account, Gateway


class Place(NamedTuple):
    """A gateway, and who vouches for whom: staff are known to both listeners."""

    gateway: Gateway
    partners: ClientAuthority
    operators: ClientAuthority
    staff: ClientAuthority
    admin_ca: Path

    def opens(self, origin: str, certificate: ClientCertificate | None) -> bool:
        """Return whether a listener answers who shows *certificate*."""
        with calls(self.gateway, certificate) as http:
            try:
                return http.get(f"{origin}/livez").is_success
            except httpx2.TransportError:
                return False

    def knows(self, *authorities: ClientAuthority) -> None:
        """Let the admin listener know *authorities*, and tell the gateway."""
        self.admin_ca.write_bytes(b"".join(each.file.read_bytes() for each in authorities))
        self.hang_up()

    def hang_up(self) -> None:
        """Tell the gateway that files have changed."""
        assert self.gateway.process is not None
        os.kill(self.gateway.process.pid, signal.SIGHUP)

    def log(self) -> str:
        """Return what the gateway has told its operator."""
        return (self.gateway.directory / "gateway.log").read_text("utf-8")


def wait_until(happened: Callable[[], bool]) -> None:
    """Return once *happened* says so."""
    deadline = time.monotonic() + 30  # on a busy machine; a file is looked at every two seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def calls(gateway: Gateway, certificate: ClientCertificate | None) -> httpx2.Client:
    """Return an HTTP client that shows *certificate*, and resumes no session."""
    context = ssl.create_default_context(cafile=gateway.ca_file)
    if certificate is not None:
        certificate.show(context)
    return httpx2.Client(verify=context, timeout=30)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Start a gateway whose public listener asks for certificates, and whose admin one must."""
    # Not pytest's own folder: the path of a Unix socket has a limit of about 100 characters.
    with tempfile.TemporaryDirectory(prefix="sealgate-") as folder:
        directory = Path(folder)
        partners, operators, staff = (
            ClientAuthority(directory, name) for name in ("partners", "operators", "staff")
        )
        lists = {
            (name, suffix): directory / f"{name}.{suffix}"
            for name in ("public", "admin")
            for suffix in ("crt", "crl")
        }
        for name, theirs in (("public", partners), ("admin", operators)):
            both = theirs.file.read_bytes(), staff.file.read_bytes()
            lists[name, "crt"].write_bytes(b"".join(both))
            both = theirs.revoke().read_bytes(), staff.revoke().read_bytes()
            lists[name, "crl"].write_bytes(b"".join(both))
        gateway = Gateway(
            directory,
            socket=directory / "v.sock",
            api_key_file=directory / "vllm.key",
            extra=(
                f'[tls]\nclient_ca_file = "{lists["public", "crt"]}"\n'
                f'client_crl_file = "{lists["public", "crl"]}"\n'
                f'[admin.tls]\nclient_ca_file = "{lists["admin", "crt"]}"\n'
                f'client_crl_file = "{lists["admin", "crl"]}"\n'
                "client_certificate_required = true\n"
            ),
        )
        gateway.certificate = staff.issue().file
        try:
            gateway.start()
            yield Place(gateway, partners, operators, staff, lists["admin", "crt"])
        finally:
            gateway.stop()


def test_each_listener_knows_its_own_authorities(place: Place) -> None:
    """Another's certificate ends the handshake at each; none does where one is required."""
    public, admin = place.gateway.origin, place.gateway.admin_origin
    partner, operator = place.partners.issue(), place.operators.issue()
    assert [place.opens(public, shown) for shown in (partner, None, operator)] == [
        True,
        True,
        False,
    ]
    assert [place.opens(admin, shown) for shown in (operator, None, partner)] == [
        True,
        False,
        False,
    ]


async def _register(gateway: Gateway, account: Account, certificate: ClientCertificate) -> None:
    subject = x509.load_der_x509_certificate(certificate.der).subject.rfc4514_string()
    room = await open_control(gateway.config)
    credential = Credential(
        secrets.token_hex(8),
        account.client_id,
        f"dn:{subject}",
        created_at=utc_now(),
        kind=CredentialKind.CERTIFICATE,
    )
    async with room.store.change() as change:
        await change.add_credential(credential)
    await room.close()


def test_bound_token_needs_its_certificate_at_the_admin_listener(place: Place) -> None:
    """A token that was bound at one listener counts at the other with the same certificate."""
    gateway, mine, other = place.gateway, place.staff.issue(), place.staff.issue()
    account = gateway.staff["operator"]
    asyncio.run(_register(gateway, account, mine))
    form = {"grant_type": "client_credentials", "client_id": account.client_id}
    with calls(gateway, mine) as http:
        token = http.post(f"{gateway.origin}/oauth2/token", data=form).json()["access_token"]
    url, headers = (
        f"{gateway.admin_origin}/admin/v1/clients",
        {"authorization": f"Bearer {token}"},
    )
    with calls(gateway, mine) as http:
        assert http.get(url, headers=headers).status_code == 200
    with calls(gateway, other) as http:
        assert http.get(url, headers=headers).status_code == 401


def test_new_list_counts_at_its_listener_alone(place: Place) -> None:
    """Staff who are revoked at the admin listener still open the public one."""
    revoked, other = place.staff.issue(), place.staff.issue()
    lists = place.operators.revoke().read_bytes(), place.staff.revoke(revoked).read_bytes()
    place.admin_ca.with_suffix(".crl").write_bytes(b"".join(lists))
    public, admin = place.gateway.origin, place.gateway.admin_origin
    wait_until(lambda: not place.opens(admin, revoked))
    assert place.opens(admin, other)
    assert place.opens(public, revoked)


def test_new_authorities_count_at_their_listener_and_bad_ones_nowhere(place: Place) -> None:
    """A file that cannot be read changes nothing and is told; the next good one counts."""
    operator, staff = place.operators.issue(), place.staff.issue()
    public, admin = place.gateway.origin, place.gateway.admin_origin
    place.knows()
    wait_until(lambda: "the admin listener's new certificates cannot be used" in place.log())
    assert [place.opens(admin, shown) for shown in (operator, None)] == [True, False]
    place.knows(place.staff)
    wait_until(lambda: not place.opens(admin, operator))
    assert [place.opens(admin, shown) for shown in (staff, None)] == [True, False]
    assert place.opens(public, place.partners.issue())
    place.knows(place.operators, place.staff)
    wait_until(lambda: place.opens(admin, operator))
    assert "the public listener" not in place.log()
