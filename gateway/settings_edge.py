"""The sections ``edge`` and ``tls``: how connections are made, how many, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

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


class Tls(_Section):
    """The server certificate. Without one, ``sealgate init`` makes an own CA and a certificate.

    *client_ca_file* (PEM) has the authorities of client certificates: both listeners then ask for
    one. A client may come without; one that none of them vouches for ends the handshake. With
    *client_crl_file* (PEM, a list of each authority) so does one that is revoked.
    """

    certificate_file: Path | None = None
    key_file: Path | None = None
    client_ca_file: Path | None = None
    client_crl_file: Path | None = None

    @model_validator(mode="after")
    def _lists_of_known_authorities(self) -> Self:
        if self.client_crl_file is not None and self.client_ca_file is None:
            raise ValueError("client_crl_file needs client_ca_file")
        return self
