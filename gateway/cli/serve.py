"""``sealgate serve``: run the gateway until it is told to stop."""

from __future__ import annotations

import asyncio
import ssl
import sys

import typer
import uvloop

from gateway.app import Applications, running_gateway
from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context
from gateway.backends.event_log import install_event_log
from gateway.backends.hardening import harden_process
from gateway.backends.http_server import Listener
from gateway.backends.http_server import serve as serve_listeners
from gateway.cli.own_certificate import certificate_names
from gateway.cli.session import Session
from gateway.configured_room import utc_now
from gateway.core.errors import StoreUnavailable
from gateway.settings import (
    Admin,
    Configuration,
    Listen,
    authority,
    load_configuration,
)


def serve(context: typer.Context) -> None:
    """Serve the public and the admin listener until SIGTERM or SIGINT."""
    harden_process()
    install_event_log(sys.stderr)
    session: Session = context.obj
    configuration = load_configuration(session.config_path)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(configuration))


async def _serve(configuration: Configuration) -> None:
    settings, at = configuration.settings, configuration.at
    if at.storage_key_file is not None and not at.storage_key_file.exists():
        raise StoreUnavailable("There is no key file here; run `sealgate init` first.")
    files = CertificateFiles.in_directory(at.tls_directory)
    if settings.tls.certificate_file is None and files.ca_key.exists():
        ensure_certificates(files, certificate_names(configuration), now=utc_now())
    tls = server_context(at.certificate_file, at.tls_key_file, client_ca=at.client_ca_file)
    async with running_gateway(configuration) as applications:
        public = _listener(configuration, settings.listen, tls, applications)
        admin = _listener(configuration, settings.admin, tls, applications)
        await serve_listeners([public, admin], on_ready=lambda: _announce(configuration))


def _listener(
    configuration: Configuration, at: Listen | Admin, tls: ssl.SSLContext, apps: Applications
) -> Listener:
    settings = configuration.settings
    return Listener(
        at.host,
        at.port,
        tls,
        apps.public if isinstance(at, Listen) else apps.admin,
        apps.unread,
        clock=utc_now,
        max_connections=settings.limits.max_connections,
        max_per_address=settings.edge.connections_per_address,
        gathering=() if at.proxy_protocol else at.trusted_proxies,
        proxies=at.trusted_proxies if at.proxy_protocol else (),
        handshake_seconds=settings.edge.handshake_seconds,
        pace=settings.edge.pace(write_seconds=settings.limits.write_timeout_seconds),
    )


def _announce(configuration: Configuration) -> None:
    listen, admin = configuration.settings.listen, configuration.settings.admin
    public, private = authority(listen.host, listen.port), authority(admin.host, admin.port)
    sys.stderr.write(f"sealgate: serving https://{public}, administration https://{private}\n")
    sys.stderr.flush()
