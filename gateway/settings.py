"""All settings: typed, frozen, and read in this one place.

One TOML file plus ``SEALGATE_<SECTION>__<NAME>`` variables, which win over the file. Unknown names
are errors, so that a misspelt protection is not silently off. Defaults are safe: listeners on
loopback, sealed requests only, tokens of at most an hour, records kept for seven days. No setting
turns a stage of the pipeline off.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.core.grants import DataClass
from gateway.settings_edge import AdminTls, ClientTrust, EdgeSettings, Tls
from gateway.settings_issuers import Issuer, verify_issuers_differ
from gateway.settings_keys import Pkcs11, Vault, uses_key_file, verify_key_service
from gateway.settings_logs import AccessLogSettings, LogDirectories
from gateway.settings_overload import Overload
from gateway.settings_requests import RequestSettings
from gateway.settings_scrub import ScrubSettings, verify_models_known
from gateway.settings_store import Redis, Store
from gateway.settings_upstream import Upstream, verify_models_served
from gateway.settings_workers import Workers

Port = Annotated[int, Field(ge=1, le=65_535)]
HostName = Annotated[str, Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?$")]
Networks = tuple[IPv4Network | IPv6Network, ...]
_LOOPBACK: Networks = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
HTTPS_PORT = 443
_ANYWHERE: Networks = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _BehindProxies(_Section):
    """How a listener learns who calls when *trusted_proxies* stand before it.

    They name the client in the header *forwarded_header*, which then is required of them, or, with
    *proxy_protocol*, before TLS begins; then nobody but them may connect at all.
    """

    trusted_proxies: Networks = ()
    forwarded_header: Literal["none", "x-forwarded-for", "forwarded"] = "none"
    proxy_protocol: bool = False

    @model_validator(mode="after")
    def _trust_and_what_it_is_for(self) -> Self:
        is_used = self.proxy_protocol or self.forwarded_header != "none"
        if is_used and not self.trusted_proxies:
            raise ValueError("forwarded_header and proxy_protocol need trusted_proxies")
        if self.trusted_proxies and not is_used:
            raise ValueError("trusted_proxies need forwarded_header or proxy_protocol")
        if any(network.prefixlen == 0 for network in self.trusted_proxies):
            raise ValueError("trusted_proxies must not be everybody: who is trusted says who calls")
        return self


class Listen(_BehindProxies):
    """The public listener: inference, key configurations, OAuth.

    *networks* is the gateway-wide allowlist; each client has one of its own besides.
    *names* are further names by which clients reach it, ``host`` or ``host:port``: behind a proxy
    that listens on another port than the gateway, the one that clients name.
    """

    host: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")
    port: Port = 8443
    names: tuple[HostName, ...] = ()
    networks: Networks = _ANYWHERE


class Admin(_BehindProxies):
    """The admin listener; on loopback and for loopback unless told otherwise.

    *tls* says whose client certificates count here; without it, ``[tls]`` does. *two_person* names
    the acts that another owner must approve within *proposal_minutes*.
    """

    host: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")
    port: Port = 9443
    networks: Networks = _LOOPBACK
    two_person: frozenset[Literal["revoke-everything", "assign-role", "allow-plaintext"]] = (
        frozenset()
    )
    proposal_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    tls: AdminTls | None = None


class Tokens(_Section):
    """Access tokens. *issuer* defaults to the address of the public listener.

    *prepublish_seconds* is how long a new signing key is in the JWK set before it signs.
    *algorithm* is what new signing keys are for. *dpop_nonce_required* has every DPoP proof carry a
    nonce of ours.
    """

    issuer: str | None = None
    audience: str = "sealgate"
    algorithm: Literal["EdDSA", "ES256"] = "EdDSA"
    dpop_nonce_required: bool = True
    lifetime_seconds: Annotated[int, Field(ge=60, le=3600)] = 3600
    prepublish_seconds: Annotated[int, Field(ge=0, le=86_400)] = 360


class Encryption(_Section):
    """Recipient keys and padding.

    *overlap_seconds* is how long a key is still opened after its rotation. *event_bucket_bytes* is
    what the pieces of a sealed stream are padded to a multiple of; 1 turns that off.
    """

    overlap_seconds: Annotated[int, Field(ge=600, le=86_400)] = 900
    rotate_after_hours: Annotated[int, Field(ge=6, le=24 * 30)] = 24
    event_bucket_bytes: Literal[1, 64, 128, 256, 512, 1024] = 256


class Limits(_Section):
    """Sizes and rates.

    Requests for tokens, and of the admin API, count by address. After *lockout_failures* bad
    credentials, each within *lockout_window_seconds* of the one before, an address is refused for
    that client, for a growing time.
    """

    max_body_bytes: Annotated[int, Field(ge=1024, le=64 * 2**20)] = 4 * 2**20
    max_total_body_bytes: Annotated[int, Field(ge=2**20, le=2**36)] = 256 * 2**20
    body_timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    write_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    max_connections: Annotated[int, Field(ge=10, le=1_000_000)] = 2_000
    token_requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 120
    admin_requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 300
    lockout_failures: Annotated[int, Field(ge=1, le=1000)] = 5
    lockout_window_seconds: Annotated[int, Field(ge=1, le=86_400)] = 900


class Permissions(_Section):
    """Permissions nobody uses. With *reclaim_idle_days* they are withheld after so many days."""

    reclaim_idle_days: Annotated[int, Field(ge=7, le=3650)] | None = None


class Model(_Section):
    """One model or LoRA adapter that vLLM serves under this name.

    *clearance* is the highest class of data it may see, *location* a label for where it runs.
    """

    production: bool = True
    clearance: DataClass = DataClass.INTERNAL
    location: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")] = "local"


class DataClassRule(_Section):
    """Where data of one class may go: the locations of models that it may reach."""

    locations: tuple[str, ...] = ("local",)


class Settings(BaseSettings):
    """The whole tree. Relative paths are relative to the folder of the configuration file."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="SEALGATE_", env_nested_delimiter="__"
    )

    listen: Listen = Listen()
    admin: Admin = Admin()
    tls: Tls = Tls()
    upstream: Upstream = Upstream()
    tokens: Tokens = Tokens()
    encryption: Encryption = Encryption()
    limits: Limits = Limits()
    edge: EdgeSettings = EdgeSettings()
    overload: Overload = Overload()
    access_log: AccessLogSettings = AccessLogSettings()
    permissions: Permissions = Permissions()
    store: Store = Store()
    redis: Redis | None = None
    vault: Vault | None = None
    pkcs11: Pkcs11 | None = None
    workers: Workers = Workers()
    scrub: ScrubSettings = ScrubSettings()
    requests: RequestSettings = RequestSettings()
    models: dict[str, Model] = Field(default_factory=dict)
    data_classes: dict[DataClass, DataClassRule] = Field(default_factory=dict)
    issuers: tuple[Issuer, ...] = ()

    @classmethod
    def settings_customise_sources(  # noqa: PLR0917  # the signature is pydantic's
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in order of strength: environment, then the file's values."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _both_halves_of_a_certificate(self) -> Self:
        if (self.tls.certificate_file is None) != (self.tls.key_file is None):
            raise ValueError("tls.certificate_file and tls.key_file must be given together")
        verify_issuers_differ(self.issuers)
        verify_models_known(self.scrub, self.models)
        verify_models_served(self.upstream, self.models)
        return self

    @model_validator(mode="after")
    def _what_wraps_the_keys(self) -> Self:
        verify_key_service(self.store, self.vault, self.pkcs11)
        return self


@dataclass(frozen=True, slots=True)
class Locations:
    """Where everything lies, as absolute paths."""

    base: Path
    directory: Path
    database_url: str
    high_water_file: Path
    storage_key_file: Path | None
    tls_directory: Path
    certificate_file: Path
    tls_key_file: Path
    public_clients: ClientTrust
    admin_clients: ClientTrust
    access_log: LogDirectories
    upstream_api_key_file: Path


@dataclass(frozen=True, slots=True)
class Configuration:
    """Checked settings and the places they name."""

    settings: Settings
    at: Locations

    @property
    def issuer(self) -> str:
        """The issuer of access tokens: as set, or the address of the public listener."""
        listen = self.settings.listen
        return self.settings.tokens.issuer or f"https://{authority(listen.host, listen.port)}"

    @property
    def authorities(self) -> frozenset[bytes]:
        """Every ``host:port`` by which clients may address this gateway, in lower case."""
        listen = self.settings.listen
        return _authorities(authority(listen.host, listen.port), listen.port, listen.names)

    @property
    def admin_authorities(self) -> frozenset[bytes]:
        """Every ``host:port`` of the admin listener; it has the public one's names."""
        admin = self.settings.admin
        names = tuple(name for name in self.settings.listen.names if not _has_port(name))
        return _authorities(authority(admin.host, admin.port), admin.port, names)


class SettingsError(Exception):
    """The configuration cannot be used; *faults* lists everything that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


def load_configuration(file: Path | None = None, *, content: bytes | None = None) -> Configuration:
    """Return the configuration of *file*, else of ``./sealgate.toml``, else the defaults.

    *content* is what was read there already. Raises :class:`SettingsError` with all faults at once.
    A value is never repeated in a fault: it might be a secret put in the wrong place.
    """
    chosen = file or Path("sealgate.toml")
    values: dict[str, Any] = {}
    if content is not None or file is not None or chosen.exists():
        try:
            content = chosen.read_bytes() if content is None else content
            values = tomllib.loads(content.decode("utf-8"))
        except OSError as error:
            raise SettingsError([f"{chosen}: {error.strerror}"]) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            raise SettingsError([f"{chosen}: not a TOML file"]) from None
    try:
        settings = Settings(**values)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'configuration'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsError(faults) from None
    return Configuration(settings, _locate(settings, chosen.absolute().parent))


def authority(host: IPv4Address | IPv6Address, port: int) -> str:
    """Return ``host:port`` as it stands in a URL (RFC 3986 §3.2.2)."""
    return f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"


def _authorities(here: str, port: int, names: tuple[str, ...]) -> frozenset[bytes]:
    everywhere = {"localhost", "127.0.0.1", "[::1]", *(name.lower() for name in names)}
    hosts = {here, *(name if _has_port(name) else f"{name}:{port}" for name in everywhere)}
    # A client leaves the default port out (RFC 9110 §4.2.3).
    hosts |= {h.removesuffix(f":{HTTPS_PORT}") for h in hosts if h.endswith(f":{HTTPS_PORT}")}
    return frozenset(host.encode("ascii") for host in hosts)


def _has_port(name: str) -> bool:
    return re.search(r":[0-9]+$", name) is not None


def _locate(settings: Settings, base: Path) -> Locations:
    directory = base / settings.store.directory
    key_file = base / (settings.store.key_file or directory / "storage.key")
    tls = directory / "tls"
    return Locations(
        base=base,
        directory=directory,
        database_url=settings.store.database_url(base),
        high_water_file=directory / "high-water",
        storage_key_file=key_file if uses_key_file(settings.store, settings.vault) else None,
        tls_directory=tls,
        certificate_file=base / (settings.tls.certificate_file or tls / "server.crt"),
        tls_key_file=base / (settings.tls.key_file or tls / "server.key"),
        public_clients=settings.tls.trust(base),
        admin_clients=(settings.admin.tls or settings.tls).trust(base),
        access_log=settings.access_log.directories(base, state=directory),
        upstream_api_key_file=base / settings.upstream.api_key_file,
    )
