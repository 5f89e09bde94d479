"""The certificate that the gateway makes for itself: its names, and that it does not end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.backends.certificates import CertificateFiles
from gateway.backends.upkeep_lock import UpkeepLock
from gateway.cli.own_certificate import certificate_names, renew_own_certificate
from gateway.settings import load_configuration

NOW = datetime.now(UTC)
NEAR_ITS_END = NOW + timedelta(days=340)


def test_certificate_names_are_those_of_both_listeners(config: Path) -> None:
    """The certificate is for loopback, for both addresses and every further name, each once."""
    config.write_text(
        '[listen]\nhost = "192.0.2.1"\nnames = ["gateway.example:443", "localhost"]\n', "utf-8"
    )
    names = certificate_names(load_configuration(config))
    assert sorted(names) == ["127.0.0.1", "192.0.2.1", "::1", "gateway.example", "localhost"]


@pytest.fixture
def files(sealgate, config: Path) -> CertificateFiles:
    """Give the files of a gateway that was just made."""
    assert sealgate("init").code == 0
    return CertificateFiles.in_directory(config.parent / "var/tls")


def test_certificate_is_renewed_before_its_end(files: CertificateFiles, config: Path) -> None:
    """Not before it is near, and once."""
    seen = [files.certificate.read_bytes()]
    for now in (NOW, NEAR_ITS_END, NEAR_ITS_END):
        renew_own_certificate(load_configuration(config), now=now)
        seen.append(files.certificate.read_bytes())
    assert (seen[1], seen[3]) == (seen[0], seen[2])
    assert seen[2] != seen[1]


@pytest.mark.parametrize("reason", ["another one serves", "no authority", "another process"])
def test_certificate_is_left_alone(files: CertificateFiles, config: Path, reason: str) -> None:
    """What the gateway does not serve with, cannot sign, or has in hand elsewhere stays."""
    before = files.certificate.read_bytes()
    other = UpkeepLock(files.certificate.with_name("renewal.lock"))
    if reason == "another one serves":
        config.write_text('[tls]\ncertificate_file = "a.crt"\nkey_file = "a.key"\n', "utf-8")
    elif reason == "no authority":
        files.ca_key.unlink()
    else:
        assert other.is_ours()
    renew_own_certificate(load_configuration(config), now=NEAR_ITS_END)
    other.close()
    assert files.certificate.read_bytes() == before
