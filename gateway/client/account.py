"""Who the application is, and which gateway it talks to."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote_plus

from gateway.core.secret import Secret

_ORIGIN: Final = re.compile(
    r"https://(?P<authority>[A-Za-z0-9.\-_]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?"
)


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """An application's credentials at one gateway.

    *origin* is scheme, host and port of the gateway and has to be ``https``: the client secret
    travels over that TLS alone. *scope* is asked for with each token. *pad_to_bytes* rounds the
    size of sealed requests up, so that their length tells less; 1 switches that off.
    """

    origin: str
    client_id: str
    client_secret: Secret[str] = field(repr=False)
    scope: str | None = None
    pad_to_bytes: int = 1024

    def __post_init__(self) -> None:
        if _ORIGIN.fullmatch(self.origin) is None:
            raise ValueError("the gateway's origin is https://host or https://host:port")
        if self.pad_to_bytes < 1:
            raise ValueError("requests are padded to a multiple of at least one byte")
        # The form that HTTP libraries give a URL, so that the two can be compared.
        origin = self.origin.lower().rstrip("/").removesuffix(":443")
        object.__setattr__(self, "origin", origin)

    @property
    def basic_credentials(self) -> str:
        """The ``Authorization`` value of the token request (RFC 6749 §2.3.1).

        Both parts are form-encoded before they are joined, so that a colon in the identifier
        cannot move the border between them.
        """
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret.reveal())}"
        return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")


def utc_now() -> datetime:
    """Return the present time; the default clock of the transports."""
    return datetime.now(UTC)
