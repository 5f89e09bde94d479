"""The certificate that the gateway makes for itself where none is configured: whose, until when."""

from __future__ import annotations

import re
from datetime import datetime

from gateway.backends.certificates import CertificateFiles, ensure_certificates
from gateway.backends.upkeep_lock import UpkeepLock
from gateway.settings import Configuration


def certificate_names(configuration: Configuration) -> list[str]:
    """Return every name that the own server certificate must carry."""
    listen, admin = configuration.settings.listen, configuration.settings.admin
    hosts = (re.sub(r":[0-9]+$", "", name).strip("[]") for name in listen.names)
    names = [str(listen.host), str(admin.host), "localhost", "127.0.0.1", "::1", *hosts]
    return list(dict.fromkeys(names))


def renew_own_certificate(configuration: Configuration, *, now: datetime) -> None:
    """Make the own server certificate anew where it ends within 30 days, is torn or missing.

    Does nothing where another certificate is configured, the own authority's key is not here, or
    another process does it at this moment. Raises ``Conflict`` for a torn authority, ``OSError``.
    """
    directory = configuration.at.tls_directory
    files = CertificateFiles.in_directory(directory)
    if configuration.settings.tls.certificate_file is not None or not files.ca_key.exists():
        return
    lock = UpkeepLock(directory / "renewal.lock")
    if lock.is_ours():
        try:
            ensure_certificates(files, certificate_names(configuration), now=now)
        finally:
            lock.close()
