"""The sections ``edge``, ``tls`` and ``admin.tls``: how connections are made, how many, how long.

A listener's certificates of clients are all in one section, so none is mixed from two.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.core.connection_pace import PaceLimits

_Seconds = Annotated[float, Field(gt=0, le=3600)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EdgeSettings(_Section):
    """Limits of connections, the same for both listeners; defaults fit clients on slow lines.

    A TLS handshake may take *handshake_seconds*, then a head *head_seconds*; a connection without a
    request is closed after *idle_seconds*. A body must bring *body_bytes_per_second*, on average
    over *body_window_seconds*. One address, or /64 of IPv6, may have *connections_per_address*;
    proxies that name their clients in a header may have as many as there are.
    """

    handshake_seconds: _Seconds = 5.0
    head_seconds: _Seconds = 5.0
    idle_seconds: _Seconds = 30.0
    body_bytes_per_second: Annotated[int, Field(ge=1, le=10**9)] = 500
    body_window_seconds: _Seconds = 10.0
    connections_per_address: Annotated[int, Field(ge=1, le=1_000_000)] = 500

    def pace(self, *, write_seconds: float) -> PaceLimits:
        """Return the times of a connection whose client must take something in *write_seconds*."""
        return PaceLimits(
            head_seconds=self.head_seconds,
            idle_seconds=self.idle_seconds,
            body_bytes_per_second=self.body_bytes_per_second,
            body_window_seconds=self.body_window_seconds,
            write_seconds=write_seconds,
        )


class ClientTrust(NamedTuple):
    """What a listener believes of client certificates; without *ca_file* it asks for none."""

    ca_file: Path | None
    crl_file: Path | None
    is_required: bool


class ClientCertificates(_Section):
    """Whose certificates are asked of clients.

    *client_ca_file* (PEM) has their authorities. One that none of them vouches for ends the
    handshake. With *client_crl_file* (PEM, a list of each authority) so does one that is revoked,
    and with *client_certificate_required* so does none at all.
    """

    client_ca_file: Path | None = None
    client_crl_file: Path | None = None
    client_certificate_required: bool = False

    @model_validator(mode="after")
    def _authorities_are_known(self) -> Self:
        if self.client_ca_file is None:
            for name in ("client_crl_file", "client_certificate_required"):
                if getattr(self, name):
                    raise ValueError(f"{name} needs client_ca_file")
        return self

    def trust(self, base: Path) -> ClientTrust:
        """Return it with absolute paths; relative ones are relative to *base*."""
        ca, crl = self.client_ca_file, self.client_crl_file
        return ClientTrust(
            base / ca if ca else None, base / crl if crl else None, self.client_certificate_required
        )


class Tls(ClientCertificates):
    """The server certificate. Without one, ``sealgate init`` makes an own CA and a certificate.

    What it says of client certificates holds for the public listener, and for the admin listener
    unless that has a section of its own.
    """

    certificate_file: Path | None = None
    key_file: Path | None = None


class AdminTls(ClientCertificates):
    """Whose certificates the admin listener asks for, instead of those that ``tls`` names.

    *client_ca_file* must be given: a section without it would ask for nothing.
    """

    client_ca_file: Path
