"""The section ``[upstream]`` and its ``[[upstream.backends]]``: where vLLM listens.

Read by ``settings``. Plain TCP is refused but on loopback, and TLS without the one authority that
vouches for the server is refused too: prompts and answers pass there.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

_ModelName = Annotated[str, Field(min_length=1, max_length=256)]
# What may stand in a request and in a look-up as it is: a name, or an address of either version.
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_AN_ORIGIN = "must be an origin, https://HOST:PORT"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UpstreamBackend(_Section):
    """One vLLM: on a Unix socket (*uds*), or at a *url* whose certificate *ca_file* vouches for.

    *name* is how commands, the admin API and metrics call it. *models* are what it serves, nothing
    meaning every model. Without an *api_key_file* of its own it has the key of the section.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    uds: Path | None = None
    url: str | None = None
    ca_file: Path | None = None
    api_key_file: Path | None = None
    models: tuple[_ModelName, ...] = ()

    @model_validator(mode="after")
    def _one_safe_place(self) -> Self:
        if (self.uds is None) == (self.url is None):
            raise ValueError("a backend has either uds or url")
        if self.url is None:
            if self.ca_file is not None:
                raise ValueError("ca_file goes with url alone")
            return self
        parts = _parse_origin(self.url)
        if parts.scheme == "https" and self.ca_file is None:
            raise ValueError("a backend at https needs the ca_file that vouches for it")
        if parts.scheme == "http":
            if not _is_loopback(parts.hostname or ""):
                raise ValueError("must be https: prompts and answers pass there")
            if self.ca_file is not None:
                raise ValueError("ca_file goes with https alone")
        return self

    @property
    def host_and_port(self) -> tuple[str, int]:
        """The host and port of *url*."""
        parts = urlsplit(self.url or "")
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


class Upstream(_Section):
    """Where vLLM listens, and how much it gets.

    *api_key_file* is written by ``serving run`` beside the socket *uds*. With *backends* there is
    no *uds*: each has an address of its own. A backend gets *max_outstanding* calls at once from
    each process of the gateway; for each model *max_waiting* more wait up to *queue_seconds*, and
    what is beyond is refused. Every *health_interval_seconds* each backend is asked for its health
    and has *health_timeout_seconds* to answer.

    *idle_timeout_seconds* is between two pieces of an answer, *answer_timeout_seconds* for all of
    it after its head, *max_answer_bytes* how long it may be.
    """

    uds: Path = Path("run/vllm.sock")
    api_key_file: Path = Path("run/vllm.key")
    backends: Annotated[tuple[UpstreamBackend, ...], Field(max_length=64)] = ()
    connect_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 2.0
    head_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 300.0
    idle_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    answer_timeout_seconds: Annotated[float, Field(gt=0, le=86_400)] = 3600.0
    max_answer_bytes: Annotated[int, Field(ge=2**20, le=2**34)] = 256 * 2**20
    max_outstanding: Annotated[int, Field(ge=1, le=100_000)] = 256
    max_waiting: Annotated[int, Field(ge=0, le=10_000)] = 64
    queue_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    health_interval_seconds: Annotated[float, Field(ge=0.1, le=60)] = 2.0
    health_timeout_seconds: Annotated[float, Field(ge=0.1, le=60)] = 3.0

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if not self.backends:
            return self
        if "uds" in self.model_fields_set:
            raise ValueError("with upstream.backends there is no upstream.uds")
        if len({backend.name for backend in self.backends}) != len(self.backends):
            raise ValueError("two backends have the same name")
        return self

    @property
    def all_backends(self) -> tuple[UpstreamBackend, ...]:
        """The backends; without a list the one at *uds*, which is called ``vllm``."""
        return self.backends or (UpstreamBackend(name="vllm", uds=self.uds),)


def verify_models_served(upstream: Upstream, models: Collection[str]) -> None:
    """Raise ``ValueError`` unless every model has a backend, and backends name no other model."""
    if not upstream.backends:
        return
    named = {name for backend in upstream.backends for name in backend.models}
    if named - set(models):
        raise ValueError("upstream.backends name a model that is not in models")
    serves_all = any(not backend.models for backend in upstream.backends)
    if not serves_all and set(models) - named:
        raise ValueError("a model has no backend in upstream.backends")


def _parse_origin(url: str) -> SplitResult:
    parts = urlsplit(url)
    has_more = parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment
    if (
        has_more
        or not _HOST.fullmatch(parts.hostname or "")
        or parts.scheme not in {"https", "http"}
    ):
        raise ValueError(_AN_ORIGIN)
    try:
        _ = parts.port
    except ValueError:
        raise ValueError(_AN_ORIGIN) from None
    return parts


def _is_loopback(host: str) -> bool:
    """Return whether *host* is an address of loopback; a name can come to mean anything."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
