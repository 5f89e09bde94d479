"""For whom the certificate is that the gateway makes for itself where none is configured."""

from __future__ import annotations

import re

from gateway.settings import Configuration


def certificate_names(configuration: Configuration) -> list[str]:
    """Return every name that the own server certificate must carry."""
    listen, admin = configuration.settings.listen, configuration.settings.admin
    hosts = (re.sub(r":[0-9]+$", "", name).strip("[]") for name in listen.names)
    names = [str(listen.host), str(admin.host), "localhost", "127.0.0.1", "::1", *hosts]
    return list(dict.fromkeys(names))
