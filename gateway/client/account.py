"""Who the application is, which gateway it talks to, and why it believes that it is that one."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, Protocol, TypedDict
from urllib.parse import quote_plus

from gateway.core.bhttp import Request
from gateway.core.bhttp_fields import Fields
from gateway.core.key_document import parse_pin
from gateway.core.secret import Secret

Entrance = Literal["well-known", "same-path"]
"""Where sealed requests are posted.

``well-known``: to one fixed path, so that nothing on the way learns which operation is called.
``same-path``: to the path of the request inside, for proxies that route or limit by path.
"""

_ORIGIN: Final = re.compile(
    r"https://(?P<authority>[A-Za-z0-9.\-_]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?"
)


class TrustsTlsAlone(UserWarning):
    """No pin was given: whoever can end the TLS can offer encryption keys of his own.

    Give ``pin=`` as the gateway's operator prints it, or ``trust_tls=True`` to accept that.
    """


class ProofOfPossession(Protocol):
    """Proves with each request that the sender holds the key its token is bound to (RFC 9449)."""

    def inner_headers(self, request: Request, *, token: Secret[str], now: datetime) -> Fields:
        """Return header fields for *request*, names in lower case; they travel sealed.

        Called for each attempt anew. An ``authorization`` among them replaces the bearer token's.
        *now* is the gateway's time as far as it is known.
        """


class Options(TypedDict, total=False):
    """What an :class:`Account` takes beside its credentials, with the same meaning."""

    scope: str | None
    pad_to_bytes: int
    pin: str | None
    state_file: Path | None
    trust_tls: bool
    entrance: Entrance
    proof: ProofOfPossession | None
    dpop: bool


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """An application's credentials at one gateway.

    *origin* is scheme, host and port of the gateway and has to be ``https``: the client secret
    travels over that TLS alone. *scope* is asked for with each token. *pad_to_bytes* rounds the
    size of sealed requests up, so that their length tells less; 1 switches that off.

    With *pin* (``sealgate-pin-ed25519:…``) the encryption keys come only from the document that
    this key signed; *state_file* remembers the newest one seen over a restart. Without *pin* they
    are believed because TLS is, which warns (:class:`TrustsTlsAlone`) unless *trust_tls* is set.

    With *dpop* tokens are asked for that are bound to a key of this process (RFC 9449), and each
    request proves that key; *proof* is for proofs of another making.
    """

    origin: str
    client_id: str
    client_secret: Secret[str] = field(repr=False)
    scope: str | None = None
    pad_to_bytes: int = 1024
    pin: str | None = None
    state_file: Path | None = None
    trust_tls: bool = False
    entrance: Entrance = "well-known"
    proof: ProofOfPossession | None = None
    dpop: bool = False

    def __post_init__(self) -> None:
        if _ORIGIN.fullmatch(self.origin) is None:
            raise ValueError("the gateway's origin is https://host or https://host:port")
        if self.pad_to_bytes < 1:
            raise ValueError("requests are padded to a multiple of at least one byte")
        if self.entrance not in {"well-known", "same-path"}:
            raise ValueError("the entrance is well-known or same-path")
        if self.pin is None and self.state_file is not None:
            raise ValueError("a state file remembers signed key documents, so it needs a pin")
        if self.pin is not None and self.trust_tls:
            raise ValueError("with a pin, TLS alone is not trusted: leave one of the two out")
        if self.dpop and self.proof is not None:
            raise ValueError("proofs are made by dpop or by proof, not by both")
        _ = self.pinned_key  # refuses a pin that is none
        # The form that HTTP libraries give a URL, so that the two can be compared.
        origin = self.origin.lower().rstrip("/").removesuffix(":443")
        object.__setattr__(self, "origin", origin)

    @property
    def pinned_key(self) -> bytes | None:
        """The raw Ed25519 key that signs the gateway's key document."""
        return None if self.pin is None else parse_pin(self.pin)

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
